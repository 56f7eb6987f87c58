/** Simulated time: events in total order of (time, tie-break, sequence), in a binary heap. Time is whole microseconds. Events of one
 *  microsecond run in the order in which they were scheduled, or in a seeded shuffle. */

import type { Stream } from "./streams.ts";

/** Something goes round in circles: far more happens within one simulated second than any healthy cluster does. */
export class Livelock extends Error {
  override readonly name = "Livelock";
}

/** Events within one second of simulated time; sixteen busy validators make a twentieth of it. */
export const EVENTS_PER_SECOND_MAX = 300_000;

export interface Scheduler {
  readonly nowUs: number;
  /** Events run so far. */
  readonly count: number;
  after(delayUs: number, act: () => void): void;
  /** Runs events up to `untilUs`, or until `isDone` holds (asked after each event). True when it held. Throws Livelock. */
  run(untilUs: number, isDone: () => boolean): boolean;
}

interface Event {
  readonly atUs: number;
  readonly tie: number;
  readonly sequence: number;
  readonly act: () => void;
}

/** `ties`: undefined for first in, first out; else the stream that shuffles. */
export function createScheduler(ties: Stream | undefined): Scheduler {
  const heap: Event[] = [];
  let nowUs = 0;
  let sequence = 0;
  let count = 0;
  let second = 0;
  let countAtSecond = 0;

  function countEvent(): void {
    count++;
    if (nowUs >= second + 1_000_000) {
      second = nowUs - (nowUs % 1_000_000);
      countAtSecond = count;
    }
    if (count - countAtSecond > EVENTS_PER_SECOND_MAX) {
      throw new Livelock(`more than ${EVENTS_PER_SECOND_MAX} events within the simulated second from ${second / 1_000_000} s on`);
    }
  }

  function push(event: Event): void {
    let position = heap.push(event) - 1;
    while (position > 0) {
      const above = (position - 1) >> 1;
      if (!isBefore(event, heap[above] as Event)) break;
      heap[position] = heap[above] as Event;
      position = above;
    }
    heap[position] = event;
  }

  function pop(): Event {
    const top = heap[0] as Event;
    const last = heap.pop() as Event;
    if (heap.length === 0) return top;
    let position = 0;
    for (let child = 1; child < heap.length; child = 2 * position + 1) {
      const right = heap[child + 1];
      const least = right !== undefined && isBefore(right, heap[child] as Event) ? child + 1 : child;
      if (!isBefore(heap[least] as Event, last)) break;
      heap[position] = heap[least] as Event;
      position = least;
    }
    heap[position] = last;
    return top;
  }

  return {
    get nowUs() {
      return nowUs;
    },
    get count() {
      return count;
    },
    after(delayUs, act) {
      const atUs = nowUs + Math.max(0, Math.round(delayUs));
      push({ atUs, tie: ties === undefined ? 0 : ties.uint32(), sequence: sequence++, act });
    },
    run(untilUs, isDone) {
      while (!isDone()) {
        const next = heap[0];
        if (next === undefined || next.atUs > untilUs) {
          nowUs = untilUs;
          return false;
        }
        pop();
        nowUs = next.atUs;
        countEvent();
        next.act();
      }
      return true;
    },
  };
}

function isBefore(left: Event, right: Event): boolean {
  if (left.atUs !== right.atUs) return left.atUs < right.atUs;
  return left.tie !== right.tie ? left.tie < right.tie : left.sequence < right.sequence;
}
