/** Command line of the hunt for planted bugs. Every mistake is named with what is allowed. */

import { parseArgs } from "node:util";
import { TestnetFailure } from "../failure.ts";
import type { Mutant } from "./mutant.ts";
import { findMutant, MUTANTS } from "./table.ts";

export interface MutantOptions {
  readonly mutants: readonly Mutant[];
  readonly seconds: number;
  readonly jobs: number;
  readonly json: boolean;
}

export type ParsedMutantOptions =
  | { readonly type: "help" }
  | { readonly type: "list" }
  | { readonly type: "run"; readonly options: MutantOptions };

const SECONDS_DEFAULT = 120;
const SECONDS_MAX = 86_400;
const JOBS_MAX = 64;

export const MUTANTS_USAGE = `Usage: npm run mutants -- [options]        (with Deno: deno task mutants [options])

Plants one bug after the other into the consensus, the replica, the ledger and the pool as they are loaded, and runs the simulator
until an invariant is violated: first the scenario corpus, then seeds 1, 2, 3 … A bug that survives is a hole in checkers, workload
or faults. The same case must pass without the bug; if it does not, it proves nothing and the hunt goes on.

  --only NAME    this bug only; may be given several times (all ${MUTANTS.length})
  --seconds S    for each bug, 1 to ${SECONDS_MAX} (${SECONDS_DEFAULT})
  --jobs N       bugs at a time, 1 to ${JOBS_MAX} (1)
  --list         what is planted, with rule, file and sentence
  --json         one JSON line per bug on stdout, the summary last; text for people on stderr
  --help         this text

Exit codes: 0 all were found, 1 usage, 2 environment (a bug does not fit the sources, or a process cannot run), 129 one survived.`;

/** Throws TestnetFailure "usage". */
export function parseMutantOptions(args: readonly string[]): ParsedMutantOptions {
  const values = read(args);
  if (values.help === true) return { type: "help" };
  const mutants = values.only === undefined ? MUTANTS : values.only.map(mutantOf);
  const options = {
    mutants: MUTANTS.filter((mutant) => mutants.includes(mutant)),
    seconds: integer("--seconds", values.seconds, { max: SECONDS_MAX, fallback: SECONDS_DEFAULT }),
    jobs: integer("--jobs", values.jobs, { max: JOBS_MAX, fallback: 1 }),
    json: values.json === true,
  };
  return values.list === true ? { type: "list" } : { type: "run", options };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        only: { type: "string", multiple: true },
        seconds: { type: "string" },
        jobs: { type: "string" },
        list: { type: "boolean" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (cause) {
    // Only the first sentence: the rest of the runtime's text advises on positionals, which we have none of.
    const [text] = (cause instanceof Error ? cause.message : String(cause)).split(". ");
    throw new TestnetFailure("usage", `${text}; --help lists the options`, { cause });
  }
}

function mutantOf(name: string): Mutant {
  const mutant = findMutant(name);
  if (mutant !== undefined) return mutant;
  const near = MUTANTS.filter((each) => each.name.includes(name) || each.rule === name).map((each) => each.name);
  const advice = near.length === 0 ? "--list shows all" : `near it: ${near.join(", ")}`;
  throw new TestnetFailure("usage", `--only ${JSON.stringify(name)} names no planted bug; ${advice}`);
}

function integer(name: string, text: string | undefined, range: { readonly max: number; readonly fallback: number }): number {
  if (text === undefined) return range.fallback;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= range.max) return value;
  throw new TestnetFailure("usage", `${name} must be a whole number from 1 to ${range.max}, not ${JSON.stringify(text)}`);
}
