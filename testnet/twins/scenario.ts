/** A Twins scenario as data: who has a second copy, and for each round the leader of its view and who hears whom.
 *  Instances are numbered: i below `validators` is validator i, and `validators + k` is the second copy of `twins[k]`.
 *  The schema names every mistake by its path together with what is allowed there; nothing is guessed or filled in. */

export interface TwinsRound {
  /** The validator that leads the view of this round's number (from 1). When it is twinned, both copies lead. */
  readonly leader: number;
  /** Who hears whom: each instance is in exactly one group. */
  readonly groups: readonly (readonly number[])[];
  /** Groups for commit votes, timeouts and their certificates; left out: as `groups`, which always holds for proposals, votes,
   *  QCs, requests and answers. */
  readonly commitGroups?: readonly (readonly number[])[];
}

export interface TwinsScenario {
  readonly type: "twins";
  readonly validators: number;
  /** Validators that run twice. */
  readonly twins: readonly number[];
  readonly rounds: readonly TwinsRound[];
}

export const VALIDATORS_MAX = 32;
export const ROUNDS_MAX = 64;

export type ParsedScenario =
  | { readonly ok: true; readonly scenario: TwinsScenario }
  | { readonly ok: false; readonly mistakes: readonly string[] };

/** Reads decoded JSON or YAML. */
export function parseTwinsScenario(value: unknown): ParsedScenario {
  const mistakes: string[] = [];
  const document = objectAt(value, { path: "(file)", allowed: ["type", "validators", "twins", "rounds"] }, mistakes);
  if (document === undefined) return { ok: false, mistakes };
  if (document.type !== "twins") mistakes.push(`type: must be "twins", not ${shown(document.type)}`);
  const validators = integerAt(document.validators, { path: "validators", min: 1, max: VALIDATORS_MAX }, mistakes);
  if (validators === undefined) return { ok: false, mistakes };
  const twins = twinsAt(document.twins, validators, mistakes);
  const instances = validators + twins.length;
  const rounds = arrayAt(document.rounds, { path: "rounds", max: ROUNDS_MAX }, mistakes).map((round, index) =>
    roundAt(round, { path: `rounds[${index}]`, validators, instances }, mistakes),
  );
  if (mistakes.length > 0) return { ok: false, mistakes };
  return { ok: true, scenario: { type: "twins", validators, twins, rounds } };
}

/** JSON with one round a line, as scenario files are kept. */
export function formatScenario(scenario: TwinsScenario): string {
  const { type, validators, twins, rounds } = scenario;
  const head = `"type": ${JSON.stringify(type)}, "validators": ${validators}, "twins": ${JSON.stringify(twins)}`;
  const lines = rounds.map((round) => `    ${JSON.stringify(round)}`);
  return lines.length === 0 ? `{ ${head}, "rounds": [] }\n` : `{ ${head},\n  "rounds": [\n${lines.join(",\n")}\n  ] }\n`;
}

/** The validator whose key an instance holds. */
export function validatorOf(scenario: Pick<TwinsScenario, "validators" | "twins">, instance: number): number {
  return instance < scenario.validators ? instance : (scenario.twins[instance - scenario.validators] as number);
}

/** "2", or "4 (second copy of 0)". */
export function instanceName(scenario: Pick<TwinsScenario, "validators" | "twins">, instance: number): string {
  return instance < scenario.validators ? String(instance) : `${instance} (second copy of ${validatorOf(scenario, instance)})`;
}

interface Bounds {
  readonly path: string;
  readonly min: number;
  readonly max: number;
}

function twinsAt(value: unknown, validators: number, mistakes: string[]): readonly number[] {
  const twins: number[] = [];
  for (const [index, entry] of arrayAt(value, { path: "twins", max: validators }, mistakes).entries()) {
    const path = `twins[${index}]`;
    const twin = integerAt(entry, { path, min: 0, max: validators - 1 }, mistakes);
    if (twin === undefined) continue;
    if (twins.includes(twin)) mistakes.push(`${path}: validator ${twin} is named twice; each has at most one second copy`);
    twins.push(twin);
  }
  return twins;
}

function roundAt(
  value: unknown,
  at: { readonly path: string; readonly validators: number; readonly instances: number },
  mistakes: string[],
): TwinsRound {
  const { path, validators, instances } = at;
  const round = objectAt(value, { path, allowed: ["leader", "groups", "commitGroups"] }, mistakes) ?? {};
  const leader = integerAt(round.leader, { path: `${path}.leader`, min: 0, max: validators - 1 }, mistakes) ?? 0;
  const groups = groupsAt(round.groups, { path: `${path}.groups`, instances }, mistakes);
  if (round.commitGroups === undefined) return { leader, groups };
  return { leader, groups, commitGroups: groupsAt(round.commitGroups, { path: `${path}.commitGroups`, instances }, mistakes) };
}

function groupsAt(
  value: unknown,
  at: { readonly path: string; readonly instances: number },
  mistakes: string[],
): readonly (readonly number[])[] {
  const { path, instances } = at;
  const placed = new Map<number, string>();
  const countBefore = mistakes.length;
  const groups = arrayAt(value, { path, max: instances }, mistakes).map((group, row) =>
    arrayAt(group, { path: `${path}[${row}]`, max: instances }, mistakes).flatMap((entry, column) => {
      const own = `${path}[${row}][${column}]`;
      const instance = integerAt(entry, { path: own, min: 0, max: instances - 1 }, mistakes);
      if (instance === undefined) return [];
      const other = placed.get(instance);
      if (other !== undefined) mistakes.push(`${own}: instance ${instance} is in ${other} already; each is in exactly one group`);
      placed.set(instance, `${path}[${row}]`);
      return [instance];
    }),
  );
  if (mistakes.length > countBefore) return groups;
  const missing = Array.from({ length: instances }, (_, instance) => instance).filter((instance) => !placed.has(instance));
  if (missing.length > 0)
    mistakes.push(`${path}: instances ${missing.join(", ")} are in no group; one that is alone is a group of its own`);
  return groups;
}

function objectAt(
  value: unknown,
  at: { readonly path: string; readonly allowed: readonly string[] },
  mistakes: string[],
): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    mistakes.push(`${at.path}: must be an object with ${at.allowed.join(", ")}, not ${shown(value)}`);
    return undefined;
  }
  const unknown = Object.keys(value).filter((key) => !at.allowed.includes(key));
  for (const key of unknown) mistakes.push(`${at.path}: has no field ${JSON.stringify(key)}; allowed are ${at.allowed.join(", ")}`);
  return value as Readonly<Record<string, unknown>>;
}

function arrayAt(value: unknown, at: { readonly path: string; readonly max: number }, mistakes: string[]): readonly unknown[] {
  if (Array.isArray(value) && value.length <= at.max) return value;
  const found = Array.isArray(value) ? `${value.length} entries` : shown(value);
  mistakes.push(`${at.path}: must be a list of at most ${at.max} entries, not ${found}`);
  return [];
}

function integerAt(value: unknown, at: Bounds, mistakes: string[]): number | undefined {
  if (typeof value === "number" && Number.isInteger(value) && value >= at.min && value <= at.max) return value;
  mistakes.push(`${at.path}: must be a whole number from ${at.min} to ${at.max}, not ${shown(value)}`);
  return undefined;
}

const SHOWN_CHARACTERS_MAX = 40;

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  return (JSON.stringify(value) ?? typeof value).slice(0, SHOWN_CHARACTERS_MAX);
}
