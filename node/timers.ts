/** The machine's named timers. One timer per name; setting or cancelling one makes an expiry of the same name that is still
 *  queued worthless, so the machine never sees a timer it has already replaced (failure 8: timers armed twice). */

import type { ReplicaTimer } from "../replica/interface.ts";
import { assert } from "../types/assert.ts";

export interface TimerTicket {
  readonly timer: ReplicaTimer;
  readonly generation: number;
}

export interface Timers {
  /** The machine decided to set or cancel this timer: what was armed or has expired before no longer counts. */
  invalidate(timer: ReplicaTimer): void;
  arm(timer: ReplicaTimer, afterMs: number): void;
  /** Is this expiry the latest word on its timer? */
  isCurrent(ticket: TimerTicket): boolean;
  stop(): void;
}

/** setTimeout takes 32 bits; longer delays are cut, which only makes a timer fire early. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export function createTimers(onExpiry: (ticket: TimerTicket) => void): Timers {
  const generations = new Map<ReplicaTimer, number>();
  const handles = new Map<ReplicaTimer, ReturnType<typeof setTimeout>>();
  let isStopped = false;

  function invalidate(timer: ReplicaTimer): void {
    generations.set(timer, (generations.get(timer) ?? 0) + 1);
    clearTimeout(handles.get(timer));
    handles.delete(timer);
  }

  function arm(timer: ReplicaTimer, afterMs: number): void {
    assert(Number.isFinite(afterMs), "a timer's delay is a number");
    if (isStopped) return;
    clearTimeout(handles.get(timer));
    const generation = generations.get(timer) ?? 0;
    handles.set(
      timer,
      setTimeout(() => onExpiry({ timer, generation }), Math.min(Math.max(0, afterMs), DELAY_MS_MAX)),
    );
  }

  return {
    invalidate,
    arm,
    isCurrent: (ticket) => (generations.get(ticket.timer) ?? 0) === ticket.generation,
    stop() {
      isStopped = true;
      for (const handle of handles.values()) clearTimeout(handle);
      handles.clear();
    },
  };
}
