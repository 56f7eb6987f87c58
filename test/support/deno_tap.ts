/** Lets tap 21 run under Deno: `deno run -A --preload test/support/deno_tap.ts test/x/y.test.ts`.
 *  tap's stack traces ask each V8 call site for the name of its constructor and expect `CallSite`, as Node answers;
 *  Deno's call sites answer `Object`. This gives their shared prototype a constructor of that name. Under Node it changes nothing. */

class CallSite {}

/** V8's formatting hook, which the type libraries of the two runtimes describe differently or not at all. */
interface StackFormatter {
  prepareStackTrace: ((error: Error, callSites: readonly object[]) => unknown) | undefined;
}

function callSitePrototype(): object | undefined {
  const formatter = Error as unknown as StackFormatter;
  const previous = formatter.prepareStackTrace;
  let prototype: object | undefined;
  formatter.prepareStackTrace = (_error, callSites) => {
    const [callSite] = callSites;
    prototype = callSite === undefined ? undefined : Object.getPrototypeOf(callSite);
    return "";
  };
  // Reading `stack` is what formats the trace.
  void new Error("capture").stack;
  formatter.prepareStackTrace = previous;
  return prototype;
}

const prototype = callSitePrototype();
if (prototype !== undefined && prototype.constructor.name !== "CallSite") {
  Object.defineProperty(prototype, "constructor", { value: CallSite, configurable: true, writable: true });
}
