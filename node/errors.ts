/** Failures that end the process or a start, with the exit code an operator's supervisor sees.
 *  Every message says what happened, whose move it is and what to do next. */

import process from "node:process";

/** usage: arguments, configuration or files given by the operator. environment: disk, ports, missing native parts.
 *  safety: going on could make this validator contradict itself or the chain; never restart such a process in a loop. */
export type NodeErrorCode = "usage" | "environment" | "safety";

/** Exit codes of the validator process; the testnet uses the same numbers. */
export const EXIT_CODES = { ok: 0, usage: 1, environment: 2, crash: 127, safety: 129 } as const;

export class NodeError extends Error {
  override readonly name = "NodeError";
  readonly code: NodeErrorCode;

  constructor(code: NodeErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}

/** The exit code for whatever ended the process; everything that is not a NodeError is a crash. */
export function exitCodeOf(error: unknown): number {
  return error instanceof NodeError ? EXIT_CODES[error.code] : EXIT_CODES.crash;
}

/** Tells an operator on stderr what ended a command, with the stack only when it is our bug; returns the exit code. */
export function reportFailure(error: unknown): number {
  const isBug = error instanceof Error && !(error instanceof NodeError);
  process.stderr.write(`${isBug ? (error.stack ?? error.message) : messageOf(error)}\n`);
  return exitCodeOf(error);
}

/** A short text for any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` that the runtime puts on system errors ("ENOENT", "EADDRINUSE"); undefined on anything else. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
