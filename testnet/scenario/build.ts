/** Scenarios in code. Each call gives a new builder, so a common beginning can be shared; `build` fills in the defaults of files and
 *  asserts that the same schema has nothing to say. */

import { assert } from "../../types/assert.ts";
import type {
  BuilderPlan,
  FaultAction,
  MessageKind,
  MessageName,
  Phases,
  Protocol,
  SaveContent,
  Scenario,
  SealingPlan,
  StrategyName,
  Topology,
  Trigger,
  WorkloadKind,
} from "./manifest.ts";
import { mistakesText } from "./read.ts";
import { parseScenario } from "./schema.ts";

/** `validators`: so many of weight 1; or `weights`. Everything else as in a file. */
export interface ScenarioOptions {
  readonly seed?: number;
  readonly validators?: number;
  readonly weights?: readonly number[];
  readonly topology?: Topology;
  readonly protocol?: Partial<Protocol>;
  readonly application?: Scenario["application"];
  /** Left out: no sealed transactions. */
  readonly sealing?: Partial<Omit<SealingPlan, "mix">> & { readonly mix?: Readonly<Partial<SealingPlan["mix"]>> };
  /** Left out: a chain without. Fields that are left out are as in a file. */
  readonly builders?: readonly Partial<BuilderPlan>[];
  readonly workload?: {
    readonly clients?: number;
    readonly perSecond?: number;
    readonly mix?: Readonly<Partial<Record<WorkloadKind, number>>>;
  };
  readonly phases?: Partial<Phases>;
  readonly ties?: Scenario["ties"];
}

/** When a fault begins, and how long it lasts. */
export type Moment = ({ readonly atMs: number } | { readonly when: Trigger }) & { readonly forMs?: number };

/** A direction: `to` hears `from`. */
export interface Direction {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

export interface LinkTrouble {
  readonly kinds?: readonly MessageKind[];
  readonly loss?: number;
  readonly duplicate?: number;
  readonly reorder?: number;
  readonly reorderMs?: number;
  readonly extraDelayMs?: readonly [number, number];
}

export interface ScenarioBuilder {
  partition(groups: readonly (readonly number[])[], moment: Moment): ScenarioBuilder;
  cut(direction: Direction, moment: Moment): ScenarioBuilder;
  link(trouble: Direction & LinkTrouble, moment: Moment): ScenarioBuilder;
  bandwidth(limit: Direction & { readonly bytesPerSecond: number }, moment: Moment): ScenarioBuilder;
  stall(direction: Direction, moment: Moment): ScenarioBuilder;
  reset(direction: Direction, moment: Moment): ScenarioBuilder;
  message(fate: { readonly message: MessageName; readonly delaysMs: readonly number[] }, moment: Moment): ScenarioBuilder;
  crash(validator: number, moment: Moment & { readonly unsynced?: "kept" | "lost" | "torn" }): ScenarioBuilder;
  pause(validator: number, moment: Moment): ScenarioBuilder;
  upgrade(validator: number, moment: Moment): ScenarioBuilder;
  /** Left out of the start; begins after `forMs`. */
  lateStart(validator: number, options: { readonly forMs: number }): ScenarioBuilder;
  wipe(validator: number, moment: Moment): ScenarioBuilder;
  diskFull(validator: number, moment: Moment): ScenarioBuilder;
  slowDisk(validator: number, moment: Moment & { readonly syncMs: readonly [number, number] }): ScenarioBuilder;
  bitFlip(validator: number, moment: Moment): ScenarioBuilder;
  truncate(validator: number, moment: Moment): ScenarioBuilder;
  rollback(validator: number, moment: Moment & { readonly saves: number; readonly hidesCounter?: boolean }): ScenarioBuilder;
  clockSkew(validator: number, moment: Moment & { readonly offsetMs: number }): ScenarioBuilder;
  clockDrift(validator: number, moment: Moment & { readonly partsPerMillion: number }): ScenarioBuilder;
  traitor(
    validator: number,
    strategy: StrategyName,
    options?: { readonly chance?: number; readonly views?: readonly number[] },
  ): ScenarioBuilder;
  expect(expected: Scenario["expect"]): ScenarioBuilder;
  build(): Scenario;
}

export function scenario(name: string, options: ScenarioOptions = {}): ScenarioBuilder {
  return builderOf({ version: 1, name, ...options, faults: [], byzantine: [] });
}

/** Triggers by what they wait for; `nth` counts from 1. */
export const on = {
  time: (atMs: number): Trigger => ({ on: "time", atMs }),
  height: (height: number): Trigger => ({ on: "height", height }),
  heightAt: (validator: number, { height }: { readonly height: number }): Trigger => ({ on: "height", height, validator }),
  view: (view: number): Trigger => ({ on: "view", view }),
  viewAt: (validator: number, { view }: { readonly view: number }): Trigger => ({ on: "view", view, validator }),
  leader: (validator: number, { nth = 1 }: { readonly nth?: number } = {}): Trigger => ({ on: "leader", validator, nth }),
  beforeSave: (validator: number, content: SaveContent, { nth = 1 }: { readonly nth?: number } = {}): Trigger => ({
    on: "save",
    validator,
    content,
    edge: "before",
    nth,
  }),
  afterSave: (validator: number, content: SaveContent, { nth = 1 }: { readonly nth?: number } = {}): Trigger => ({
    on: "save",
    validator,
    content,
    edge: "after",
    nth,
  }),
} as const;

interface Draft {
  readonly name: string;
  readonly faults: readonly unknown[];
  readonly byzantine: readonly unknown[];
  readonly [key: string]: unknown;
}

/** An action whose fields with a default may be missing. */
type DraftAction = { readonly type: FaultAction["type"] } & Readonly<Record<string, unknown>>;

function builderOf(draft: Draft): ScenarioBuilder {
  const add = (action: DraftAction, moment: Moment): ScenarioBuilder => {
    const when = "when" in moment ? moment.when : on.time(moment.atMs);
    const length = moment.forMs === undefined ? {} : { forMs: moment.forMs };
    return builderOf({ ...draft, faults: [...draft.faults, { when, action, ...length }] });
  };
  return {
    partition: (groups, moment) => add({ type: "partition", groups }, moment),
    cut: (direction, moment) => add({ type: "cut", ...direction }, moment),
    link: (trouble, moment) => add({ type: "link", ...trouble }, moment),
    bandwidth: (limit, moment) => add({ type: "bandwidth", ...limit }, moment),
    stall: (direction, moment) => add({ type: "stall", ...direction }, moment),
    reset: (direction, moment) => add({ type: "reset", ...direction }, moment),
    message: (fate, moment) => add({ type: "message", ...fate }, moment),
    crash: (validator, { unsynced, ...moment }) =>
      add({ type: "crash", validator, ...(unsynced === undefined ? {} : { unsynced }) }, moment),
    pause: (validator, moment) => add({ type: "pause", validator }, moment),
    upgrade: (validator, moment) => add({ type: "upgrade", validator }, moment),
    lateStart: (validator, { forMs }) => add({ type: "lateStart", validator }, { atMs: 0, forMs }),
    wipe: (validator, moment) => add({ type: "wipe", validator }, moment),
    diskFull: (validator, moment) => add({ type: "diskFull", validator }, moment),
    slowDisk: (validator, { syncMs, ...moment }) => add({ type: "slowDisk", validator, syncMs }, moment),
    bitFlip: (validator, moment) => add({ type: "bitFlip", validator }, moment),
    truncate: (validator, moment) => add({ type: "truncate", validator }, moment),
    rollback: (validator, { saves, hidesCounter, ...moment }) =>
      add({ type: "rollback", validator, saves, ...(hidesCounter === undefined ? {} : { hidesCounter }) }, moment),
    clockSkew: (validator, { offsetMs, ...moment }) => add({ type: "clockSkew", validator, offsetMs }, moment),
    clockDrift: (validator, { partsPerMillion, ...moment }) => add({ type: "clockDrift", validator, partsPerMillion }, moment),
    traitor: (validator, strategy, options = {}) =>
      builderOf({ ...draft, byzantine: [...draft.byzantine, { validator, strategy, ...options }] }),
    expect: (expected) => builderOf({ ...draft, expect: expected }),
    build: () => {
      const parsed = parseScenario(draft);
      assert(parsed.ok, `scenario ${JSON.stringify(draft.name)}: ${parsed.ok ? "" : mistakesText(parsed.mistakes)}`);
      return parsed.scenario;
    },
  };
}
