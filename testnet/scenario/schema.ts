/** The shape of a scenario file, and the scenario that comes of it. Unknown keys are mistakes; what has a default may be left out
 *  (defaults.ts). Each mistake names its path and what is allowed there. How fields go together is judged in check.ts. */

import { z } from "zod";
import { pathText } from "../../node/json_file.ts";
import { type Mistake, scenarioMistakes } from "./check.ts";
import {
  DEFAULT_BUILDER,
  DEFAULT_NAME,
  DEFAULT_PROTOCOL,
  DEFAULT_SEALING,
  DEFAULT_SEED,
  DEFAULT_TOPOLOGY,
  DEFAULT_VALIDATORS,
  DEFAULT_WORKLOAD,
  defaultPhases,
  NO_MIX,
  NO_SEALED_MIX,
} from "./defaults.ts";
import { actionSchema, triggerSchema } from "./fault_schema.ts";
import {
  integer,
  listOf,
  milliseconds,
  millisecondsRange,
  oneOf,
  probability,
  real,
  strict,
  text,
  validatorIndex,
  variants,
} from "./fields.ts";
import { loadMatrix, ROUND_TRIP_MS_MAX, type TextReader } from "./latency.ts";
import {
  BUILDER_STRATEGIES,
  type Scenario,
  SEALED_KINDS,
  type SealedKind,
  STRATEGIES,
  WORKLOAD_KINDS,
  type WorkloadKind,
} from "./manifest.ts";

export const VALIDATORS_MAX = 64;
export const WEIGHT_MAX = 1_000_000;
export const FAULTS_MAX = 10_000;
export const BUILDERS_MAX = 8;
const BOND_MAX = 10 ** 9;
const SEED_MAX = 2 ** 32 - 1;
const PHASE_MS_MAX = 3_600_000;

export type ParsedScenario =
  | { readonly ok: true; readonly scenario: Scenario }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

/** Checks a value that was read from a file or built. `readText` resolves the matrix that it names. */
export function parseScenario(value: unknown, readText?: TextReader): ParsedScenario {
  const schema = readText === undefined ? SCHEMA_WITHOUT_FILES : fileSchema(readText);
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    return { ok: false, mistakes: parsed.error.issues.map(({ path, message }) => ({ path: pathText(path), message })) };
  }
  const scenario = scenarioOf(parsed.data);
  const mistakes = scenarioMistakes(scenario);
  return mistakes.length === 0 ? { ok: true, scenario } : { ok: false, mistakes };
}

/** What a file may hold, as a tool that writes one sees it. */
export type ScenarioFile = z.input<ReturnType<typeof fileSchema>>;

type CheckedFile = z.output<ReturnType<typeof fileSchema>>;

function scenarioOf({ validators, weights, protocol, phases, ...rest }: CheckedFile): Scenario {
  const all = weights ?? Array.from({ length: validators ?? DEFAULT_VALIDATORS }, () => 1);
  return {
    ...rest,
    weights: all,
    protocol: { ...DEFAULT_PROTOCOL, ...definedOf(protocol) },
    phases: { ...defaultPhases(all.length), ...definedOf(phases) },
  };
}

const protocolSchema = strict({
  deltaMsMin: integer(1, 60_000).optional(),
  deltaMsMax: integer(1, 60_000).optional(),
  heartbeatMs: integer(10, 600_000).optional(),
  proposeDelayMs: integer(0, 10_000).optional(),
  resendMs: integer(1, 60_000).optional(),
  blockTransactionsMax: integer(1, 16_384).optional(),
  poolTransactionsMax: integer(1, 65_536).optional(),
  snapshotBlocks: integer(1, 1_000_000).optional(),
  syncMs: millisecondsRange(10_000).optional(),
});

const share = integer(0, 1_000_000).optional();
const mixShape = Object.fromEntries(WORKLOAD_KINDS.map((kind) => [kind, share])) as Record<WorkloadKind, typeof share>;

const workloadSchema = strict({
  clients: integer(0, 1_000).default(DEFAULT_WORKLOAD.clients),
  perSecond: integer(0, 100_000).default(DEFAULT_WORKLOAD.perSecond),
  mix: strict(mixShape)
    .transform((mix) => ({ ...NO_MIX, ...definedOf(mix) }))
    .default({ ...DEFAULT_WORKLOAD.mix }),
});

const sealedMixShape = Object.fromEntries(SEALED_KINDS.map((kind) => [kind, share])) as Record<SealedKind, typeof share>;

const sealingSchema = strict({
  keygenWindowMs: integer(1, 600_000).default(DEFAULT_SEALING.keygenWindowMs),
  fewSealed: integer(0, 2_048).default(DEFAULT_SEALING.fewSealed),
  openMs: integer(1, 60_000).default(DEFAULT_SEALING.openMs),
  listIntervalMs: integer(0, 60_000).default(DEFAULT_SEALING.listIntervalMs),
  poolTransactionsMax: integer(1, 65_536).default(DEFAULT_SEALING.poolTransactionsMax),
  perSecond: integer(0, 100_000).default(DEFAULT_SEALING.perSecond),
  mix: strict(sealedMixShape)
    .transform((mix) => ({ ...NO_SEALED_MIX, ...definedOf(mix) }))
    .default({ ...DEFAULT_SEALING.mix }),
});

const builderSchema = strict({
  strategy: oneOf(BUILDER_STRATEGIES).default(DEFAULT_BUILDER.strategy),
  bond: integer(1, BOND_MAX).default(DEFAULT_BUILDER.bond),
  bundlesPerSecond: integer(0, 1_000).default(DEFAULT_BUILDER.bundlesPerSecond),
  buildMs: millisecondsRange(10_000).default([...DEFAULT_BUILDER.buildMs]),
  chance: probability.default(DEFAULT_BUILDER.chance),
});

const phasesSchema = strict({
  faultsMs: integer(0, PHASE_MS_MAX).optional(),
  coreHeights: integer(1, 10_000).optional(),
  viewsMax: integer(1, 100_000).optional(),
  settleMsMax: integer(1, PHASE_MS_MAX).optional(),
});

const faultSchema = strict({
  when: triggerSchema,
  action: actionSchema,
  forMs: milliseconds(PHASE_MS_MAX).exactOptional(),
});

const traitorSchema = strict({
  validator: validatorIndex,
  strategy: oneOf(STRATEGIES),
  chance: probability.default(1),
  views: listOf(integer(0, Number.MAX_SAFE_INTEGER), { what: "views", max: 10_000 }).exactOptional(),
});

function topologySchema(readText: TextReader) {
  const inline = strict({
    regions: listOf(text(64), { what: "names of regions", max: 64 }),
    roundTripMs: listOf(listOf(real(0, ROUND_TRIP_MS_MAX), { what: "round trips in ms", max: 64 }), {
      what: "rows of round trips in ms",
      max: 64,
    }),
  });
  const matrix = z.preprocess((value, context) => {
    if (typeof value !== "string") return value;
    const loaded = loadMatrix(value, readText);
    if (loaded.ok) return loaded.matrix;
    context.issues.push({ code: "custom", message: loaded.message, input: value });
    return z.NEVER;
  }, inline);
  return variants("type", [
    strict({ type: z.literal("uniform"), delayMs: millisecondsRange(60_000) }),
    strict({
      type: z.literal("regions"),
      regions: listOf(text(64), { what: "one region per validator", max: VALIDATORS_MAX }),
      matrix,
      jitter: real(0, 100).default(0),
    }),
  ]);
}

function fileSchema(readText: TextReader) {
  return strict({
    version: z.literal(1, { error: "must be 1, the version of this format" }),
    name: text(200).default(DEFAULT_NAME),
    seed: integer(0, SEED_MAX).default(DEFAULT_SEED),
    /** So many of weight 1, in place of `weights`. */
    validators: integer(1, VALIDATORS_MAX).optional(),
    weights: listOf(integer(1, WEIGHT_MAX), { what: "weights", min: 1, max: VALIDATORS_MAX }).optional(),
    topology: topologySchema(readText).default(DEFAULT_TOPOLOGY as { type: "uniform"; delayMs: [number, number] }),
    protocol: protocolSchema.default({}),
    application: z.enum(["ledger", "null"], { error: 'must be ledger or "null", the latter in quotes' }).default("ledger"),
    sealing: sealingSchema.exactOptional(),
    builders: listOf(builderSchema, { what: "builders", min: 1, max: BUILDERS_MAX }).exactOptional(),
    workload: workloadSchema.prefault({}),
    faults: listOf(faultSchema, { what: "faults", max: FAULTS_MAX }).default([]),
    byzantine: listOf(traitorSchema, { what: "traitors", max: VALIDATORS_MAX * STRATEGIES.length }).default([]),
    phases: phasesSchema.default({}),
    ties: oneOf(["fifo", "shuffle"]).default("fifo"),
    expect: oneOf(["pass", "stall", "break"]).default("pass"),
  }).refine(({ validators, weights }) => validators === undefined || weights === undefined, {
    error: 'give either "validators" or "weights", not both',
    path: ["validators"],
  });
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

function definedOf<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Defined<T>;
}

const SCHEMA_WITHOUT_FILES = fileSchema(() => undefined);
