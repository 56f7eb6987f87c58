/** Assertions for our own bugs. Always on, never caught: the process that trips one halts.
 *  A peer can never reach one; ingress rejects bad input first with a returned reason. */

export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Throws AssertionError when `condition` is false. One condition per call; `message` says which invariant broke. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Closes an exhaustive switch: the compiler proves that `value` has no case left. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable case: ${String(value)}`);
}
