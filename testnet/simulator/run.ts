/** Runs one scenario from its first fault to its verdict: faults, then a core with a quorum heals and must make progress, then all heal and
 *  must agree, with every transaction answered. The same scenario gives the same facts, always and everywhere. */

import { createCheckers, createDispatcher } from "../checks/all.ts";
import type { Checker, Invariant, Violation } from "../checks/checker.ts";
import { isQuorumOf } from "../checks/quorum.ts";
import { nodeCountOf } from "../scenario/check.ts";
import type { Scenario } from "../scenario/manifest.ts";
import { createAuditor } from "../workload/auditor.ts";
import { createSealedTruths } from "../workload/sealed_truths.ts";
import { createSearchers, type Searchers } from "../workload/searchers.ts";
import { createWorkload, type Workload } from "../workload/workload.ts";
import { type BuilderDesk, createBuilderDesk } from "./builders/desk.ts";
import { createSimulatedCluster, type SimulatedCluster, type TraitorAct } from "./cluster.ts";
import { type Coverage, type CoveragePoint, createCoverage } from "./coverage.ts";
import { type Fact, isOfBuilders, type Observer, type Phase } from "./facts.ts";
import { createFaultController, type FaultController } from "./faults.ts";
import { Livelock } from "./scheduler.ts";
import { createStream } from "./streams.ts";
import { createTraceHash } from "./trace_hash.ts";
import { createWorld, type SignatureTier, type World } from "./world.ts";

export interface RunOptions {
  readonly signatures?: SignatureTier;
  /** Hear every fact, before the checkers do. */
  readonly observers?: readonly Observer[];
  /** Hears in which views traitors act. */
  readonly onActs?: (act: TraitorAct) => void;
}

export interface RunResult {
  /** Does the run show what the scenario expects? */
  readonly verdict: "pass" | "violation";
  /** What decided against it. */
  readonly violation: Violation | undefined;
  /** All that fired; in a scenario that expects `break`, among them what was expected. */
  readonly violations: readonly Violation[];
  /** The fact that showed it; undefined where only the end of the run did. */
  readonly violatingFact: Fact | undefined;
  readonly traceHash: string;
  readonly facts: number;
  readonly events: number;
  readonly simulatedMs: number;
  /** Highest final height of an honest validator. */
  readonly finalHeight: number;
  readonly coverage: ReadonlyMap<CoveragePoint, number>;
}

/** The scenario asks for what cannot be judged: named in the message. */
export class ScenarioError extends Error {
  override readonly name = "ScenarioError";
}

/** How often the run looks whether a phase is over. */
const POLL_US = 20_000;
/** How much longer than its paces say the core may take for a height: leaders that are down or traitors cost views. */
const CORE_SLACK = 3;

export function runScenario(scenario: Scenario, options: RunOptions = {}): RunResult {
  return new Run(scenario, options).finish();
}

class Run {
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #cluster: SimulatedCluster;
  readonly #faults: FaultController;
  readonly #workload: Workload;
  readonly #searchers: Searchers;
  readonly #desks: readonly BuilderDesk[];
  readonly #checkers: readonly Checker[];
  readonly #violations: Violation[] = [];
  readonly #fired = new Set<Checker>();
  readonly #heights: number[];
  readonly #trace = createTraceHash();
  readonly #coverage: Coverage;
  #violatingFact: Fact | undefined;
  /** What the checkers are hearing; undefined at the end of the run. */
  #fact: Fact | undefined;
  #isOver = false;

  constructor(scenario: Scenario, options: RunOptions) {
    this.#scenario = scenario;
    this.#coverage = createCoverage(scenario.weights.length);
    this.#world = createWorld(scenario, options.signatures ?? "fast");
    const world = this.#world;
    const count = scenario.weights.length;
    this.#heights = new Array<number>(nodeCountOf(scenario)).fill(0);
    const { chainId, genesis, ed25519, checked } = world;
    const truths = createSealedTruths();
    const sealing = { suite: world.suite, liar: world.liar, truths };
    this.#workload = createWorkload({ scenario, chainId, stream: createStream(scenario.seed, "workload"), ed25519, sealing });
    this.#searchers = createSearchers({ scenario, chainId, ed25519 });
    this.#checkers = [
      ...createCheckers({ cluster: checked, scenario }),
      ...createAuditor({ cluster: checked, scenario, genesis, chainId, truths }),
    ];
    const dispatch = createDispatcher(this.#checkers, {
      validators: count,
      report: (checker, violation) => this.#note(checker, violation),
    });
    const check: Observer = (fact) => {
      this.#fact = fact;
      dispatch(fact);
    };
    const observers: Observer[] = [
      this.#trace.observe,
      ...(options.observers ?? []),
      (fact) => {
        if (isOfBuilders(fact, count)) return;
        this.#faults.observe(fact);
        this.#workload.observe(fact);
      },
      (fact) => this.#follow(fact),
      check,
      (fact) => {
        for (const desk of this.#desks) desk.observe(fact);
      },
      this.#coverage.observe,
    ];
    this.#cluster = createSimulatedCluster({
      world,
      observers,
      isShuffled: scenario.ties === "shuffle",
      onActs: options.onActs ?? (() => undefined),
      onBuildable: (node, opportunity) => this.#desks[node - count]?.onBuildable(opportunity),
    });
    this.#desks = (scenario.builders ?? []).map((plan, index) => {
      const secretKey = world.builderSecretKeys[index] as Uint8Array;
      return createBuilderDesk({ cluster: () => this.#cluster, world, index: count + index, plan, secretKey });
    });
    this.#faults = createFaultController(this.#cluster, scenario);
    this.#cluster.onSave = (validator, durable, edge) => this.#faults.onSave(validator, durable, edge);
  }

  finish(): RunResult {
    const { scheduler } = this.#cluster;
    const { expect } = this.#scenario;
    const core = expect === "pass" ? this.#chooseCore() : [];
    try {
      this.#runPhases(core);
    } catch (error) {
      if (!(error instanceof Livelock)) throw error;
      this.#violations.push({
        invariant: "progress",
        kind: "liveness",
        atUs: scheduler.nowUs,
        validators: [],
        detail: `Nothing but a circle: ${error.message}.`,
      });
      this.#isOver = true;
    }
    this.#enter("end", core);
    this.#fact = undefined;
    if (!this.#isOver || expect === "break") for (const checker of this.#checkers) this.#note(checker, checker.finish?.(scheduler.nowUs));
    const violation = this.#judge();
    return {
      verdict: violation === undefined ? "pass" : "violation",
      violation,
      violations: this.#violations,
      violatingFact: this.#violatingFact,
      traceHash: this.#trace.digest,
      facts: this.#trace.count,
      events: scheduler.count,
      simulatedMs: Math.round(scheduler.nowUs / 1_000),
      finalHeight: Math.max(...this.#heights.slice(0, this.#scenario.weights.length)),
      coverage: this.#coverage.counts(),
    };
  }

  #runPhases(core: readonly number[]): void {
    const { phases, expect } = this.#scenario;
    this.#enter("faults", core);
    this.#faults.begin();
    this.#submitDue();
    this.#searchDue();
    this.#cluster.scheduler.run(phases.faultsMs * 1_000, () => this.#isOver);
    if (expect === "pass") this.#recoverCore(core);
    if (expect !== "break") this.#settle();
  }

  #follow(fact: Fact): void {
    if (fact.type === "finalized") this.#heights[fact.validator] = fact.blocks.at(-1)?.header.height ?? 0;
    else if (fact.type === "started") this.#heights[fact.validator] = fact.finalHeight;
    else if (fact.type === "saved")
      this.#heights[fact.validator] = fact.durable.finality.at(-1)?.height ?? (this.#heights[fact.validator] as number);
  }

  /** Only a checker's first word counts. A run that should pass ends with it. */
  #note(checker: Checker, violation: Violation | undefined): void {
    if (violation === undefined || this.#fired.has(checker)) return;
    this.#fired.add(checker);
    this.#violatingFact ??= this.#fact;
    this.#violations.push(violation);
    if (this.#scenario.expect !== "break") this.#isOver = true;
  }

  #judge(): Violation | undefined {
    if (this.#scenario.expect !== "break") return this.#violations[0];
    const unexpected = this.#violations.find(({ invariant }) => NEVER_EVEN_IN_A_BREAK.includes(invariant));
    if (unexpected !== undefined) return unexpected;
    if (this.#violations.some(({ isConflict }) => isConflict === true)) return undefined;
    const detail = "The traitors were to break agreement, and no checker saw two different final blocks.";
    return { invariant: "agreement", kind: "safety", atUs: this.#cluster.scheduler.nowUs, validators: [], detail };
  }

  #enter(phase: Phase, core: readonly number[]): void {
    this.#cluster.emit({ type: "phase", atUs: this.#cluster.scheduler.nowUs, phase, core });
  }

  #submitDue(): void {
    const { scheduler, nodes } = this.#cluster;
    const { nowUs } = scheduler;
    for (const { client, validator, bytes } of this.#workload.due(nowUs)) {
      const parsed = this.#cluster.parse(bytes);
      this.#cluster.emit({
        type: "submitted",
        atUs: nowUs,
        validator,
        client,
        bytes,
        hash: parsed.ok ? parsed.transaction.hash : undefined,
      });
      if (nodes[validator]?.state === "up") nodes[validator]?.submit(bytes, client);
    }
    const next = this.#workload.nextDueUs;
    scheduler.after(next === undefined ? POLL_US : Math.max(1_000, next - nowUs), () => this.#submitDue());
  }

  #searchDue(): void {
    const { scheduler } = this.#cluster;
    const { nowUs } = scheduler;
    const finalHeight = Math.max(...this.#heights);
    for (const { builders, open, ...group } of this.#searchers.due(nowUs, finalHeight)) {
      if (open !== undefined) this.#workload.follow(open, nowUs);
      for (const builder of builders) this.#desks[builder]?.submit(group);
    }
    const next = this.#searchers.nextDueUs;
    if (next !== undefined) scheduler.after(Math.max(1, next - nowUs), () => this.#searchDue());
  }

  /** Honest validators that no fault takes for good, in random order until they are a quorum, or all of them. */
  #chooseCore(): readonly number[] {
    const { weights, seed, faults } = this.#scenario;
    const lost = new Set(
      faults.flatMap(({ action }) => (LOST_FOR_GOOD.includes(action.type) && "validator" in action ? [action.validator] : [])),
    );
    const stream = createStream(seed, "core");
    const candidates = stream.shuffled([...this.#world.checked.honest].filter((validator) => !lost.has(validator)));
    const isAll = stream.chance(0.5);
    const core: number[] = [];
    for (const candidate of candidates) {
      if (!isAll && isQuorumOf(core, weights)) break;
      core.push(candidate);
    }
    if (!isQuorumOf(core, weights)) {
      throw new ScenarioError('no quorum of honest validators survives the faults, so progress cannot be expected: use expect: "stall"');
    }
    return core.sort((left, right) => left - right);
  }

  #recoverCore(core: readonly number[]): void {
    if (this.#isOver) return;
    const target = Math.max(...this.#heights) + this.#scenario.phases.coreHeights;
    this.#enter("core", core);
    this.#faults.healCore(core);
    this.#runUntil(this.#coreMsMax(), () => core.every((validator) => (this.#heights[validator] as number) >= target), {
      what: `The core ${core.join(", ")} did not reach height ${target}`,
      validators: core,
    });
  }

  /** For each height a lost view, a heartbeat and the repetition of what was lost, each at its slowest. */
  #coreMsMax(): number {
    const { protocol, phases } = this.#scenario;
    return CORE_SLACK * (phases.coreHeights + 1) * (3 * protocol.deltaMsMax + protocol.heartbeatMs + 8 * protocol.resendMs);
  }

  #settle(): void {
    if (this.#isOver) return;
    this.#enter("heal", []);
    this.#faults.healAll();
    const target = Math.max(...this.#heights) + 1;
    const following = [...this.#world.checked.honest];
    this.#runUntil(
      this.#scenario.phases.settleMsMax,
      () => {
        const running = following.filter((validator) => this.#cluster.nodes[validator]?.state === "up");
        const heights = running.map((validator) => this.#heights[validator] as number);
        const isLevel = heights.every((height) => height >= target && height === heights[0]);
        const isFollowed = this.#heights.slice(this.#scenario.weights.length).every((height) => height >= target);
        return isLevel && isFollowed && this.#workload.isSettled && running.every((validator) => this.#hasKey(validator));
      },
      {
        what: `After all faults were healed, not all honest validators came level above height ${target - 1} with every client answered`,
        validators: following,
      },
    );
  }

  /** A chain that takes sealed transactions has a key to seal to in the end. */
  #hasKey(validator: number): boolean {
    return this.#scenario.sealing === undefined || this.#cluster.nodes[validator]?.replica?.sealingKey !== undefined;
  }

  #runUntil(forMs: number, isDone: () => boolean, failure: { readonly what: string; readonly validators: readonly number[] }): void {
    const { scheduler } = this.#cluster;
    const endUs = scheduler.nowUs + forMs * 1_000;
    let isReached = false;
    const poll = (): void => {
      isReached = isDone();
      if (!isReached && scheduler.nowUs < endUs) scheduler.after(POLL_US, poll);
    };
    poll();
    const isDoneInTime = scheduler.run(endUs, () => isReached || this.#isOver);
    if (isDoneInTime) return;
    const heights = this.#heights.map((height, validator) => `${validator}: ${height} (${this.#cluster.nodes[validator]?.state})`);
    const detail = `${failure.what} within ${forMs} ms. Final heights by validator: ${heights.join(", ")}.`;
    this.#violations.push({ invariant: "progress", kind: "liveness", atUs: scheduler.nowUs, validators: failure.validators, detail });
    this.#isOver = true;
  }
}

/** Traitors may break agreement, never what an honest validator does itself. */
const NEVER_EVEN_IN_A_BREAK: readonly Invariant[] = ["attribution", "noHonestAccused", "noCrash", "signedOnce", "recordBeforeSignature"];

const LOST_FOR_GOOD: readonly string[] = ["wipe", "bitFlip", "truncate", "rollback"];
