/** Which setting of a timer counts, as in node/timers.ts: an expiry of an earlier setting is worthless. */

import type { TimerTicket } from "../../node/timers.ts";
import type { ReplicaTimer } from "../../replica/interface.ts";

export interface TimerTickets {
  /** The machine decided to set or cancel this timer: what was armed before no longer counts. */
  invalidate(timer: ReplicaTimer): void;
  ticketOf(timer: ReplicaTimer): TimerTicket;
  isCurrent(ticket: TimerTicket): boolean;
}

export function createTimerTickets(): TimerTickets {
  const generations = new Map<ReplicaTimer, number>();
  const generationOf = (timer: ReplicaTimer): number => generations.get(timer) ?? 0;
  return {
    invalidate(timer) {
      generations.set(timer, generationOf(timer) + 1);
    },
    ticketOf: (timer) => ({ timer, generation: generationOf(timer) }),
    isCurrent: ({ timer, generation }) => generationOf(timer) === generation,
  };
}
