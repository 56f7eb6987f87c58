/** Command line of Twins. Every mistake is named with what is allowed; nothing is guessed. */

import { parseArgs } from "node:util";
import { TestnetFailure } from "../failure.ts";
import { INSTANCES_MAX, type SpaceShape } from "./space.ts";

/** sample: so many scenarios in an order that the seed decides, each at most once. exhaustive: all of them. index: the one of this
 *  number. */
export type TwinsPlan =
  | { readonly type: "sample"; readonly scenarios: number; readonly seed: number }
  | { readonly type: "exhaustive" }
  | { readonly type: "index"; readonly index: bigint };

export type TwinsOptions = { readonly json: boolean } & (
  | { readonly type: "space"; readonly shape: SpaceShape; readonly plan: TwinsPlan }
  | { readonly type: "file"; readonly path: string }
);

export type ParsedTwinsOptions = { readonly type: "help" } | { readonly type: "run"; readonly options: TwinsOptions };

const VALIDATORS_MAX = 8;
const ROUNDS_MAX = 16;
const SCENARIOS_MAX = 1_000_000_000;
const SEED_MAX = 2 ** 32 - 1;
const DEFAULTS = { validators: 4, twins: 1, rounds: 4, phases: 2, scenarios: 10_000, seed: 1 } as const;

export const TWINS_USAGE = `Usage: npm run twins -- [options]        (with Deno: deno task twins [options])

Runs validators of which some run twice under one key, through every way to split the network and to choose leaders,
one per round; then heals the network. See testnet/twins/README.md.

  --validators N    validators of equal weight, 1 to ${VALIDATORS_MAX} (${DEFAULTS.validators}); with the twins at most ${INSTANCES_MAX} instances
  --twins K         how many of them run twice, 0 to the number of validators (${DEFAULTS.twins}); from a third on agreement must break
  --rounds R        rounds before the network heals, 1 to ${ROUNDS_MAX} (${DEFAULTS.rounds})
  --phases 1|2      partitions per round: 2 gives commit votes and timeouts their own (${DEFAULTS.phases})
  --scenarios N     so many scenarios, drawn uniformly without repetition, 1 to ${SCENARIOS_MAX} (${DEFAULTS.scenarios})
  --seed S          decides which, 0 to ${SEED_MAX} (${DEFAULTS.seed})
  --exhaustive      all scenarios
  --index I         only the scenario of this number, 0 to their number less one
  --scenario FILE   only the scenario of this JSON or YAML file
  --json            a summary as one JSON line on stdout, last; text for people on stderr
  --help            this text

Exit codes: 0 ok, 1 usage, 2 environment, 127 an instance crashed, 128 no progress after the heal, 129 a safety violation.`;

/** Reads the arguments after the script's name. Throws TestnetFailure "usage". */
export function parseTwinsOptions(args: readonly string[]): ParsedTwinsOptions {
  const values = parseValues(args);
  if (values.help === true) return { type: "help" };
  const json = values.json === true;
  if (values.scenario !== undefined) {
    if (values.scenario === "") throw new TestnetFailure("usage", "--scenario needs the name of a file");
    refuseOthers("--scenario", values, ["scenario", "json"]);
    return { type: "run", options: { type: "file", path: values.scenario, json } };
  }
  const options: TwinsOptions = { type: "space", shape: shapeOf(values), plan: planOf(values), json };
  return { type: "run", options };
}

function shapeOf(values: Values): SpaceShape {
  const validators = integer("--validators", values.validators, { min: 1, max: VALIDATORS_MAX, fallback: DEFAULTS.validators });
  const twins = integer("--twins", values.twins, { min: 0, max: validators, fallback: DEFAULTS.twins });
  const rounds = integer("--rounds", values.rounds, { min: 1, max: ROUNDS_MAX, fallback: DEFAULTS.rounds });
  const phases = integer("--phases", values.phases, { min: 1, max: 2, fallback: DEFAULTS.phases }) === 1 ? 1 : 2;
  if (validators + twins > INSTANCES_MAX) {
    const asked = `--validators ${validators} with --twins ${twins}`;
    throw new TestnetFailure("usage", `${asked} are ${validators + twins} instances; at most ${INSTANCES_MAX} can be enumerated`);
  }
  return { validators, twins, rounds, phases };
}

function planOf(values: Values): TwinsPlan {
  if (values.exhaustive === true) {
    refuseOthers("--exhaustive", values, ["exhaustive", "validators", "twins", "rounds", "phases", "json"]);
    return { type: "exhaustive" };
  }
  if (values.index !== undefined) {
    refuseOthers("--index", values, ["index", "validators", "twins", "rounds", "phases", "json"]);
    if (!/^\d{1,60}$/.test(values.index)) {
      throw new TestnetFailure("usage", `--index must be a whole number, not ${JSON.stringify(values.index)}`);
    }
    return { type: "index", index: BigInt(values.index) };
  }
  return {
    type: "sample",
    scenarios: integer("--scenarios", values.scenarios, { min: 1, max: SCENARIOS_MAX, fallback: DEFAULTS.scenarios }),
    seed: integer("--seed", values.seed, { min: 0, max: SEED_MAX, fallback: DEFAULTS.seed }),
  };
}

function parseValues(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        validators: { type: "string" },
        twins: { type: "string" },
        rounds: { type: "string" },
        phases: { type: "string" },
        scenarios: { type: "string" },
        seed: { type: "string" },
        exhaustive: { type: "boolean" },
        index: { type: "string" },
        scenario: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (cause) {
    const [text] = (cause instanceof Error ? cause.message : String(cause)).split(". ");
    throw new TestnetFailure("usage", `${text}; --help lists the options`, { cause });
  }
}

type Values = ReturnType<typeof parseValues>;

function refuseOthers(name: string, values: Values, allowed: readonly (keyof Values)[]): void {
  const others = (Object.keys(values) as (keyof Values)[]).filter((key) => !allowed.includes(key));
  if (others.length === 0) return;
  throw new TestnetFailure("usage", `${name} leaves nothing to choose for --${others.sort().join(", --")}; leave one or the other out`);
}

function integer(
  name: string,
  text: string | undefined,
  range: { readonly min: number; readonly max: number; readonly fallback: number },
): number {
  if (text === undefined) return range.fallback;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= range.min && value <= range.max) return value;
  throw new TestnetFailure("usage", `${name} must be a whole number from ${range.min} to ${range.max}, not ${JSON.stringify(text)}`);
}
