/** The driver loop around the pure machine (R9): inputs of one turn of the event loop are stepped in order, what they must make
 *  durable goes out in one write, and only when that write is safe are their effects performed, in order. So nothing is signed
 *  or sent that a restart could have forgotten.
 *
 *  While a write is in flight new inputs wait in the bounded queue and are stepped when it is done. Steps without durable whose
 *  turn comes before any waiting effect are performed at once. Signing happens while effects are performed; the signed vote
 *  is fed back ahead of the queue and stepped in the same turn. A write that fails, or a step that throws, halts the driver for good. */

import type { Durable, Replica, ReplicaEffect, ReplicaInput } from "../replica/interface.ts";
import { assert } from "../types/assert.ts";
import type { TimestampMs } from "../types/ids.ts";
import { mergeDurable } from "./durable_batch.ts";
import { createInputQueue, type InputQueueLimits, type QueuedInput } from "./input_queue.ts";
import { saveFailure } from "./store_errors.ts";
import { createTimers } from "./timers.ts";

export interface DriverOptions {
  readonly replica: Pick<Replica, "step">;
  readonly store: { save(durable: Durable): Promise<void> };
  readonly now: () => TimestampMs;
  readonly limits: InputQueueLimits;
  /** Performs one effect other than timers. Returns inputs to feed back at once: what was just signed. */
  readonly perform: (effect: DriverEffect) => ReplicaInput | undefined;
  /** Called once, when the driver has stopped for good because of `error`. */
  readonly onHalt: (error: unknown) => void;
}

/** Effects that leave the driver; timers are its own. */
export type DriverEffect = Exclude<ReplicaEffect, { readonly type: "setTimer" | "cancelTimer" }>;

export interface Driver {
  /** Steps `start` first, then what has been submitted so far. */
  start(): void;
  /** Queues an input for the next turn. Ignored after a halt or stop. */
  submit(input: ReplicaInput): void;
  /** Stops stepping; resolves when the write in flight and its effects are done. */
  stop(): Promise<void>;
  readonly statistics: DriverStatistics;
}

export interface DriverStatistics {
  readonly turns: number;
  readonly steps: number;
  readonly saves: number;
  readonly waitingInputs: number;
  readonly droppedInputs: number;
}

/** Rounds of feeding back what was signed before the event loop gets its turn again. */
const FEEDBACK_ROUNDS_MAX = 16;

interface Waiting {
  readonly durables: Durable[];
  readonly effects: ReplicaEffect[];
}

export function createDriver(options: DriverOptions): Driver {
  const { replica, store, now, perform } = options;
  const queue = createInputQueue(options.limits);
  const timers = createTimers((ticket) => enqueue({ input: { type: "timer", timer: ticket.timer }, ticket }));
  let feedback: ReplicaInput[] = [];
  let state: "waiting" | "running" | "stopping" | "halted" = "waiting";
  let isTurnDue = false;
  let turn: Promise<void> | undefined;
  const counts = { turns: 0, steps: 0, saves: 0 };

  function submit(input: ReplicaInput): void {
    enqueue({ input, ticket: undefined });
  }

  function enqueue(queued: QueuedInput): void {
    if (state === "stopping" || state === "halted") return;
    queue.push(queued);
    if (state === "running") scheduleTurn();
  }

  /** setImmediate runs after all input that the event loop had ready, so a burst from several sockets is one turn. */
  function scheduleTurn(): void {
    if (isTurnDue || turn !== undefined) return;
    isTurnDue = true;
    setImmediate(() => {
      isTurnDue = false;
      if (state === "running") startTurn();
    });
  }

  function startTurn(): void {
    counts.turns += 1;
    turn = runTurn()
      .catch(halt)
      .finally(() => {
        turn = undefined;
        if (state === "running" && queue.length > 0) scheduleTurn();
      });
  }

  async function runTurn(): Promise<void> {
    for (let round = 0; round < FEEDBACK_ROUNDS_MAX && state === "running"; round++) {
      const inputs = queue.takeAll();
      if (inputs.length === 0) return;
      const waiting: Waiting = { durables: [], effects: [] };
      for (const queued of inputs) stepOne(queued, waiting);
      const durable = mergeDurable(waiting.durables);
      if (durable !== undefined) await saveOrFail(durable);
      performAll(waiting.effects);
      queue.pushFirst(feedback);
      feedback = [];
    }
  }

  /** An expiry counts unless its timer was set or cancelled since, even by an earlier step of this very turn. */
  function stepOne({ input, ticket }: QueuedInput, waiting: Waiting): void {
    if (ticket !== undefined && !timers.isCurrent(ticket)) return;
    const step = replica.step(input, now());
    counts.steps += 1;
    for (const effect of step.effects) {
      if (effect.type === "setTimer" || effect.type === "cancelTimer") timers.invalidate(effect.timer);
    }
    if (step.durable !== undefined) waiting.durables.push(step.durable);
    if (waiting.durables.length === 0) performAll(step.effects);
    else waiting.effects.push(...step.effects);
  }

  async function saveOrFail(durable: Durable): Promise<void> {
    counts.saves += 1;
    try {
      await store.save(durable);
    } catch (cause) {
      throw saveFailure(cause);
    }
  }

  function performAll(effects: readonly ReplicaEffect[]): void {
    for (const effect of effects) {
      if (state === "halted") return;
      if (effect.type === "setTimer") timers.arm(effect.timer, effect.afterMs);
      else if (effect.type !== "cancelTimer") {
        const signed = perform(effect);
        if (signed !== undefined) feedback.push(signed);
      }
    }
  }

  function halt(error: unknown): void {
    if (state === "halted") return;
    state = "halted";
    timers.stop();
    options.onHalt(error);
  }

  return {
    start() {
      assert(state === "waiting", "the driver is started once");
      state = "running";
      queue.pushFirst([{ type: "start" }]);
      scheduleTurn();
    },
    submit,
    async stop() {
      if (state !== "halted") state = "stopping";
      timers.stop();
      await turn;
    },
    get statistics() {
      return { ...counts, waitingInputs: queue.length, droppedInputs: queue.droppedCount };
    },
  };
}
