/** Command line of the simulator. Every mistake is named with what is allowed. */

import { parseArgs } from "node:util";
import { TestnetFailure } from "../failure.ts";
import type { SignatureTier } from "./world.ts";

export interface SimulateOptions {
  /** Seeds from `first` to `last`; with `minutes`, from `first` on until the time is over. */
  readonly first: number;
  readonly last: number;
  readonly scenario: string | undefined;
  readonly signatures: SignatureTier;
  readonly shrink: boolean;
  readonly minutes: number | undefined;
  readonly json: boolean;
  readonly reportFile: string | undefined;
  readonly junitFile: string | undefined;
  readonly keepGoing: boolean;
}

export type ParsedSimulateOptions = { readonly type: "help" } | { readonly type: "run"; readonly options: SimulateOptions };

const SEED_MAX = 2 ** 32 - 1;
const MINUTES_MAX = 7 * 24 * 60;
const SEEDS_DEFAULT = 100;

export const SIMULATE_USAGE = `Usage: npm run simulate -- [options]        (with Deno: deno task simulate [options])

Runs whole clusters in simulated time under seeded faults and traitors, and checks every invariant. The same seed gives the same run.

  --seed N           one seed, with all that it draws on one line
  --seeds N[..M]     seeds 1 to N, or N to M (1 to ${SEEDS_DEFAULT})
  --scenario FILE    a scenario file instead, YAML or JSON (testnet/scenario/README.md)
  --bls              real signatures, sealing and codecs instead of the fast doubles
  --shrink           reduce a failure to its cause and write it as a scenario file
  --minutes T        go on with further seeds until so many minutes are over
  --keep-going       do not stop at the first failure
  --report FILE      write the last run, or the failing one, as an HTML page
  --junit FILE       write the results as JUnit XML
  --json             events as JSON lines on stdout, the summary last; text for people on stderr
  --help             this text

Exit codes: 0 all passed, 1 usage, 2 environment, 127 the machine crashed, 128 no progress, 129 safety.`;

/** Throws TestnetFailure "usage". */
export function parseSimulateOptions(args: readonly string[]): ParsedSimulateOptions {
  const values = read(args);
  if (values.help === true) return { type: "help" };
  const sources = [values.seed, values.seeds, values.scenario].filter((value) => value !== undefined);
  if (sources.length > 1) throw usage("--seed, --seeds and --scenario exclude each other; give one of them");
  if (values.scenario !== undefined && values.minutes !== undefined)
    throw usage("--minutes goes on with further seeds, so it does not go with --scenario");
  const [first, last] = seedsOf(values.seed, values.seeds);
  return {
    type: "run",
    options: {
      first,
      last,
      scenario: values.scenario,
      signatures: values.bls === true ? "bls" : "fast",
      shrink: values.shrink === true,
      minutes: values.minutes === undefined ? undefined : minutesOf(values.minutes),
      json: values.json === true,
      reportFile: values.report,
      junitFile: values.junit,
      keepGoing: values["keep-going"] === true,
    },
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: false,
      options: {
        seed: { type: "string" },
        seeds: { type: "string" },
        scenario: { type: "string" },
        bls: { type: "boolean" },
        shrink: { type: "boolean" },
        minutes: { type: "string" },
        "keep-going": { type: "boolean" },
        report: { type: "string" },
        junit: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function seedsOf(seed: string | undefined, seeds: string | undefined): readonly [number, number] {
  if (seed !== undefined) {
    const only = seedOf(seed, "--seed");
    return [only, only];
  }
  if (seeds === undefined) return [1, SEEDS_DEFAULT];
  const range = /^(\d+)\.\.(\d+)$/.exec(seeds);
  if (range === null) {
    const count = seedOf(seeds, "--seeds");
    if (count === 0) throw usage("--seeds 0 runs nothing: give a number from 1 on, or a range such as 5..9");
    return [1, count];
  }
  const first = seedOf(range[1] ?? "", "--seeds");
  const last = seedOf(range[2] ?? "", "--seeds");
  if (last < first) throw usage(`--seeds ${seeds} is empty: the second number must not be below the first`);
  return [first, last];
}

function seedOf(text: string, option: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed > SEED_MAX) throw usage(`${option} takes a whole number from 0 to ${SEED_MAX}, not "${text}"`);
  return seed;
}

function minutesOf(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0 && minutes <= MINUTES_MAX)) throw usage(`--minutes takes a number above 0 and up to ${MINUTES_MAX}, not "${text}"`);
  return minutes;
}

const usage = (message: string): TestnetFailure => new TestnetFailure("usage", `${message}\n(--help lists the options)`);
