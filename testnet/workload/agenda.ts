/** What clients mean to do and when: a heap by simulated time, first in first out within one microsecond. Reads no clock. */

export interface Agenda<Item> {
  readonly nextUs: number | undefined;
  add(atUs: number, item: Item): void;
  /** The earliest item that is due, removed; undefined when none is. */
  take(nowUs: number): Item | undefined;
}

interface Entry<Item> {
  readonly atUs: number;
  readonly sequence: number;
  readonly item: Item;
}

export function createAgenda<Item>(): Agenda<Item> {
  const heap: Entry<Item>[] = [];
  let sequence = 0;

  function place(entry: Entry<Item>, from: number): void {
    let at = from;
    for (let above = (at - 1) >> 1; at > 0 && isBefore(entry, heap[above] as Entry<Item>); above = (at - 1) >> 1) {
      heap[at] = heap[above] as Entry<Item>;
      at = above;
    }
    heap[at] = entry;
  }

  /** Fills the hole at the top: the smaller child rises to the bottom, then the last entry takes its place. */
  function removeTop(): void {
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as Entry<Item>)) child++;
      heap[at] = heap[child] as Entry<Item>;
      at = child;
    }
    place(last, at);
  }

  return {
    get nextUs() {
      return heap[0]?.atUs;
    },
    add(atUs, item) {
      place({ atUs, sequence: sequence++, item }, heap.length);
    },
    take(nowUs) {
      const first = heap[0];
      if (first === undefined || first.atUs > nowUs) return undefined;
      removeTop();
      return first.item;
    },
  };
}

function isBefore(left: Entry<unknown>, right: Entry<unknown>): boolean {
  return left.atUs < right.atUs || (left.atUs === right.atUs && left.sequence < right.sequence);
}
