/** Simulated time for tests: events by (time, order of scheduling), in a binary heap. */

interface Event {
  readonly atMs: number;
  readonly sequence: number;
  readonly act: () => void;
}

export interface EventQueue {
  readonly nowMs: number;
  /** Events run so far. */
  readonly count: number;
  after(delayMs: number, act: () => void): void;
  /** Runs events for `forMs`, or until `until` holds. True when it held (or when it was not given). */
  run(forMs: number, until?: () => boolean): boolean;
}

export function createEventQueue(): EventQueue {
  const heap: Event[] = [];
  let nowMs = 0;
  let sequence = 0;
  let count = 0;

  const isBefore = (left: Event, right: Event): boolean =>
    left.atMs < right.atMs || (left.atMs === right.atMs && left.sequence < right.sequence);

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

  function pop(): Event | undefined {
    const [top] = heap;
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
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
    get nowMs() {
      return nowMs;
    },
    get count() {
      return count;
    },
    after: (delayMs, act) => push({ atMs: nowMs + delayMs, sequence: sequence++, act }),
    run(forMs, until) {
      const endMs = nowMs + forMs;
      while (until === undefined || !until()) {
        if ((heap[0]?.atMs ?? Number.POSITIVE_INFINITY) > endMs) {
          nowMs = endMs;
          return until === undefined;
        }
        const event = pop() as Event;
        nowMs = event.atMs;
        count++;
        event.act();
      }
      return true;
    },
  };
}
