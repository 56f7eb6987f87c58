/** How a testnet run fails: the exit code that scripts see, and a message for people. Codes as everywhere in Sealstone:
 *  0 ok, 1 usage, 2 environment, 127 crash, 128 no progress, 129 safety. */

export const EXIT_CODES = { ok: 0, usage: 1, environment: 2, crash: 127, liveness: 128, safety: 129 } as const;

export type FailureCode = Exclude<keyof typeof EXIT_CODES, "ok">;

/** Ends the run. `message` says what happened and, where somebody can do something about it, what. */
export class TestnetFailure extends Error {
  override readonly name = "TestnetFailure";
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}

/** Any thrown value as a failure of the run; what is not a TestnetFailure is a crash of the testnet itself. */
export function failureOf(error: unknown): TestnetFailure {
  if (error instanceof TestnetFailure) return error;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new TestnetFailure("crash", `the testnet itself failed: ${text}`, { cause: error });
}

/** A short text for any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
