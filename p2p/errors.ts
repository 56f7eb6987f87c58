/** What the network tells its caller when something did not work: one error class, a literal code each. */

/** deadline: no answer in time. gone: the peer is not connected, or the connection broke. refused: the peer closed the stream
 *  without an answer. invalid: it answered something else than asked. busy: too many requests are under way already.
 *  aborted: the caller gave up. stopped: the network is shutting down. start: it could not start (`cause` says why). */
export type NetworkErrorCode = "deadline" | "gone" | "refused" | "invalid" | "busy" | "aborted" | "stopped" | "start";

export class NetworkError extends Error {
  override readonly name = "NetworkError";
  readonly code: NetworkErrorCode;

  constructor(options: { readonly code: NetworkErrorCode; readonly detail: string; readonly cause: unknown }) {
    super(options.detail, { cause: options.cause });
    this.code = options.code;
  }
}

/** The text of whatever was thrown, for an event's detail. */
export function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
