/** Command line of the testnet. Every mistake is named with what is allowed; nothing is guessed. */

import { parseArgs } from "node:util";
import { TestnetFailure } from "./failure.ts";

export type RuntimeChoice = "node" | "deno" | "mixed";
export type ApplicationName = "ledger" | "null";

export interface TestnetOptions {
  readonly validators: number;
  /** Transactions per second that are submitted; 0: none. */
  readonly load: number;
  /** Sealed transactions per second that are submitted; 0: none. */
  readonly sealed: number;
  /** Builders that bid for blocks; 0: every proposer builds itself. */
  readonly builders: number;
  /** Private bundles per second that the builders get; 0: none. */
  readonly bundles: number;
  readonly operationsPerTransaction: number;
  readonly application: ApplicationName;
  /** Bytes of one opaque transaction of the null application. */
  readonly payloadBytes: number;
  /** From the first final block on; undefined: until Ctrl-C. */
  readonly durationMs: number | undefined;
  readonly runtime: RuntimeChoice;
  readonly killOne: boolean;
  /** Validators take no bids: builders follow and bid in vain. */
  readonly noBids: boolean;
  /** All builders are killed half-way through the run, for good. */
  readonly killBuilders: boolean;
  readonly json: boolean;
  readonly keep: boolean;
  /** Where keys, genesis and stores go; undefined: a fresh temporary directory. */
  readonly dataDirectory: string | undefined;
}

export type ParsedOptions = { readonly type: "help" } | { readonly type: "run"; readonly options: TestnetOptions };

export const TESTNET_VALIDATORS_MAX = 64;
const LOAD_MAX = 1_000_000;
/** One process seals them, at less than 1 ms each. */
const SEALED_MAX = 1_000;
const BUILDERS_MAX = 16;
/** Below what one builder takes in a second. */
const BUNDLES_MAX = 400;
const LOAD_PER_BUNDLE = 10;
/** Largest values that the protocol takes, from types/limits.ts; not imported, so that a wrong option answers at once. */
export const OPERATIONS_MAX = 1_024;
/** Operations that fit a sealed body. */
export const SEALED_OPERATIONS_MAX = 1_023;
export const PAYLOAD_BYTES_MAX = 128 * 1_024;
/** A payload names its run and its number, so that no two are equal. */
export const PAYLOAD_BYTES_MIN = 32;
const DURATION_SECONDS_MAX = 7 * 86_400;
/** Fewer than four validators have no quorum without one of them. */
const KILL_ONE_VALIDATORS_MIN = 4;

export const USAGE = `Usage: npm run testnet -- [options]        (with Deno: deno task testnet [options])

Starts real validator processes on this machine, submits signed transactions, checks that all agree, cleans up.

  --validators N                 validators, 1 to ${TESTNET_VALIDATORS_MAX} (4)
  --load N                       transactions per second to submit; 0 for none (20)
  --sealed N                     sealed transactions per second to submit beside the load, up to ${SEALED_MAX}; 0 for none (0);
                                 begins when the validators have made their sealing key
  --builders N                   builders that bid for blocks, up to ${BUILDERS_MAX}; 0 for none (0). They are registered with a bond
  --bundles N                    private bundles per second for the builders (one for every ten transactions of the load); needs --builders
  --operations-per-transaction N transfers under one signature, 1 to ${OPERATIONS_MAX} (1)
  --application ledger|null      what executes; null only orders opaque bytes (ledger)
  --payload-bytes N              bytes of one transaction of the null application, ${PAYLOAD_BYTES_MIN} to ${PAYLOAD_BYTES_MAX} (512)
  --duration S                   seconds to run after the first final block (until Ctrl-C)
  --runtime node|deno|mixed      what runs the validators; mixed alternates (the runtime of this command)
  --kill-one                     kill a validator a third into the run, restart it at two thirds; needs --duration
  --no-bids                      validators take no bids: what two more full nodes cost, without what they build; needs --builders
  --kill-builders                kill all builders half-way; needs --duration and --builders
  --json                         events as JSON lines on stdout, the summary last; text for people on stderr
  --keep                         leave keys, stores and logs behind and say where
  --data DIR                     use this directory, new or empty (a temporary one)
  --help                         this text

Exit codes: 0 ok, 1 usage, 2 environment, 127 a validator crashed, 128 no progress, 129 validators disagree.`;

/** Reads the arguments after the script's name. Throws TestnetFailure "usage". */
export function parseOptions(args: readonly string[], ownRuntime: "node" | "deno"): ParsedOptions {
  const values = parseValues(args);
  if (values.help === true) return { type: "help" };
  const application = choice("--application", values.application, ["ledger", "null"], "ledger");
  const load = integer("--load", values.load, { min: 0, max: LOAD_MAX, fallback: 20 });
  const builders = integer("--builders", values.builders, { min: 0, max: BUILDERS_MAX, fallback: 0 });
  const options: TestnetOptions = {
    validators: integer("--validators", values.validators, { min: 1, max: TESTNET_VALIDATORS_MAX, fallback: 4 }),
    load,
    sealed: integer("--sealed", values.sealed, { min: 0, max: SEALED_MAX, fallback: 0 }),
    builders,
    bundles: integer("--bundles", values.bundles, { min: 0, max: BUNDLES_MAX, fallback: builders === 0 ? 0 : load / LOAD_PER_BUNDLE }),
    operationsPerTransaction: integer("--operations-per-transaction", values["operations-per-transaction"], {
      min: 1,
      max: OPERATIONS_MAX,
      fallback: 1,
    }),
    application,
    payloadBytes: integer("--payload-bytes", values["payload-bytes"], { min: PAYLOAD_BYTES_MIN, max: PAYLOAD_BYTES_MAX, fallback: 512 }),
    durationMs: duration(values.duration),
    runtime: choice("--runtime", values.runtime, ["node", "deno", "mixed"], ownRuntime),
    killOne: values["kill-one"] === true,
    noBids: values["no-bids"] === true,
    killBuilders: values["kill-builders"] === true,
    json: values.json === true,
    keep: values.keep === true,
    dataDirectory: values.data,
  };
  requireSense(options, values);
  return { type: "run", options };
}

function parseValues(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        validators: { type: "string" },
        load: { type: "string" },
        sealed: { type: "string" },
        builders: { type: "string" },
        bundles: { type: "string" },
        "operations-per-transaction": { type: "string" },
        application: { type: "string" },
        "payload-bytes": { type: "string" },
        duration: { type: "string" },
        runtime: { type: "string" },
        "kill-one": { type: "boolean" },
        "no-bids": { type: "boolean" },
        "kill-builders": { type: "boolean" },
        json: { type: "boolean" },
        keep: { type: "boolean" },
        data: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (cause) {
    // Only the first sentence: the rest of the runtime's text advises on positionals, which we have none of.
    const [text] = (cause instanceof Error ? cause.message : String(cause)).split(". ");
    throw new TestnetFailure("usage", `${text}; --help lists the options`, { cause });
  }
}

type Values = ReturnType<typeof parseValues>;

/** Combinations that each option alone cannot judge. */
function requireSense(options: TestnetOptions, values: Values): void {
  if (options.killOne && options.durationMs === undefined) {
    throw new TestnetFailure("usage", "--kill-one needs --duration: it kills a third into the run and restarts at two thirds");
  }
  if (options.killOne && options.validators < KILL_ONE_VALIDATORS_MIN) {
    const asked = `--validators ${options.validators}`;
    throw new TestnetFailure(
      "usage",
      `--kill-one needs --validators ${KILL_ONE_VALIDATORS_MIN} or more: ${asked} has no quorum without one`,
    );
  }
  if (options.noBids && options.builders === 0)
    throw new TestnetFailure("usage", "--no-bids needs --builders: without them there are none");
  if (options.killBuilders && options.killOne) {
    throw new TestnetFailure("usage", "--kill-one and --kill-builders are drills of their own: one of them at a time");
  }
  if (options.killBuilders && (options.builders === 0 || options.durationMs === undefined)) {
    throw new TestnetFailure("usage", "--kill-builders needs --builders and --duration: it kills them half-way through the run");
  }
  if (values.bundles !== undefined && options.builders === 0) {
    throw new TestnetFailure("usage", "--bundles needs --builders: nobody else takes them");
  }
  if (options.application === "null" && options.builders > 0) {
    throw new TestnetFailure("usage", "--builders needs --application ledger: the null application has no bonds to bid with");
  }
  if (options.application === "null" && options.sealed > 0) {
    throw new TestnetFailure("usage", "--sealed needs --application ledger: the null application takes no sealed transactions");
  }
  if (options.sealed > 0 && options.operationsPerTransaction > SEALED_OPERATIONS_MAX) {
    const asked = `--operations-per-transaction ${options.operationsPerTransaction}`;
    throw new TestnetFailure("usage", `--sealed takes at most ${SEALED_OPERATIONS_MAX} operations in one transaction, not ${asked}`);
  }
  if (options.application === "null" && values["operations-per-transaction"] !== undefined) {
    throw new TestnetFailure("usage", "--operations-per-transaction needs --application ledger: the null application has no operations");
  }
  if (options.application === "ledger" && values["payload-bytes"] !== undefined) {
    throw new TestnetFailure("usage", "--payload-bytes needs --application null: ledger transactions have their own size");
  }
  if (options.dataDirectory === "") throw new TestnetFailure("usage", "--data needs the name of a directory");
}

function integer(
  name: string,
  text: string | undefined,
  range: { readonly min: number; readonly max: number; readonly fallback: number },
): number {
  if (text === undefined) return range.fallback;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= range.min && value <= range.max) return value;
  throw new TestnetFailure("usage", `${name} must be a whole number from ${range.min} to ${range.max}, not ${JSON.stringify(text)}`);
}

function duration(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 1 && seconds <= DURATION_SECONDS_MAX) return Math.round(seconds * 1_000);
  throw new TestnetFailure("usage", `--duration must be seconds from 1 to ${DURATION_SECONDS_MAX}, not ${JSON.stringify(text)}`);
}

function choice<T extends string>(name: string, text: string | undefined, allowed: readonly T[], fallback: T): T {
  if (text === undefined) return fallback;
  const found = allowed.find((value) => value === text);
  if (found !== undefined) return found;
  throw new TestnetFailure("usage", `${name} must be one of ${allowed.join(", ")}, not ${JSON.stringify(text)}`);
}
