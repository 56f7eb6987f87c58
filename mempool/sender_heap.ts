/** Which sender holds most of the pool? A binary max-heap over senders that knows each one's position, so that the answer is
 *  at hand and every change costs O(log senders). Ties go to the sender that came first, so the order never depends on luck. */

import type { ParsedTransaction } from "../types/application.ts";
import { assert } from "../types/assert.ts";

/** One pending transaction: a node of the arrival list and of its sender's list. */
export interface PoolEntry {
  readonly transaction: ParsedTransaction;
  readonly lane: SenderLane;
  readonly weight: number;
  previous: PoolEntry | undefined;
  next: PoolEntry | undefined;
  /** Neighbours within the lane, by arrival. */
  older: PoolEntry | undefined;
  newer: PoolEntry | undefined;
}

/** Everything pending of one sender. */
export interface SenderLane {
  readonly sender: string;
  /** Arrival number of the lane; breaks ties. */
  readonly sequence: number;
  /** By nonce; by hash where there is no sender. */
  readonly entries: Map<number | string, PoolEntry>;
  newest: PoolEntry | undefined;
  weight: number;
  position: number;
}

export interface SenderHeap {
  readonly heaviest: SenderLane | undefined;
  insert(lane: SenderLane): void;
  remove(lane: SenderLane): void;
  /** Call after `lane.weight` changed. */
  update(lane: SenderLane): void;
}

function isHeavier(left: SenderLane, right: SenderLane): boolean {
  return left.weight !== right.weight ? left.weight > right.weight : left.sequence < right.sequence;
}

export function createSenderHeap(): SenderHeap {
  const lanes: SenderLane[] = [];

  function place(lane: SenderLane, position: number): void {
    lanes[position] = lane;
    lane.position = position;
  }

  function rise(lane: SenderLane): void {
    let position = lane.position;
    while (position > 0) {
      const parent = lanes[(position - 1) >> 1] as SenderLane;
      if (!isHeavier(lane, parent)) break;
      place(parent, position);
      position = (position - 1) >> 1;
    }
    place(lane, position);
  }

  function sink(lane: SenderLane): void {
    let position = lane.position;
    for (let child = 2 * position + 1; child < lanes.length; child = 2 * position + 1) {
      let heavier = lanes[child] as SenderLane;
      const sibling = lanes[child + 1];
      if (sibling !== undefined && isHeavier(sibling, heavier)) {
        heavier = sibling;
        child++;
      }
      if (!isHeavier(heavier, lane)) break;
      place(heavier, position);
      position = child;
    }
    place(lane, position);
  }

  return {
    get heaviest() {
      return lanes[0];
    },
    insert(lane) {
      place(lane, lanes.length);
      rise(lane);
    },
    update(lane) {
      rise(lane);
      sink(lane);
    },
    remove(lane) {
      assert(lanes[lane.position] === lane, "a lane is removed from the heap that holds it");
      const last = lanes.pop() as SenderLane;
      if (last === lane) return;
      place(last, lane.position);
      rise(last);
      sink(last);
    },
  };
}
