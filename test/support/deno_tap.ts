/** Lets tap 21 run under Deno: `deno run -A --preload test/support/deno_tap.ts test/x/y.test.ts`.
 *  tap's stack traces ask each V8 call site for the name of its constructor and expect `CallSite`, as Node answers;
 *  Deno's call sites have a bare `Object`. This gives their shared prototype a constructor of that name. Under Node it changes nothing. */

class CallSite {}

/** The prototype that all call sites of this realm share. */
function callSitePrototype(): object | undefined {
  const prepareStackTrace = Error.prepareStackTrace;
  let prototype: object | undefined;
  Error.prepareStackTrace = (_error, callSites) => {
    const [callSite] = callSites;
    prototype = callSite === undefined ? undefined : Object.getPrototypeOf(callSite);
    return "";
  };
  // Reading `stack` is what formats the trace.
  void new Error("capture").stack;
  Error.prepareStackTrace = prepareStackTrace;
  return prototype;
}

const prototype = callSitePrototype();
if (prototype !== undefined && prototype.constructor.name !== "CallSite") {
  Object.defineProperty(prototype, "constructor", { value: CallSite, configurable: true, writable: true });
}
