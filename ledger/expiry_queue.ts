/** Pending transfers by time of expiry, then by slot: a binary heap that knows each slot's position, so that posting and voiding
 *  take theirs out at once. Rebuilt from the pending table on restore, never hashed; the order it gives is a function of the state (L8). */

import { assert } from "../types/assert.ts";

export class ExpiryQueue {
  #times = new Float64Array(256);
  #slots = new Uint32Array(256);
  /** By slot: position in the heap plus one; 0 when it is not in. */
  #positions = new Uint32Array(256);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  insert(slot: number, timeMs: number): void {
    if (this.#count === this.#slots.length) this.#growHeap();
    while (slot >= this.#positions.length) this.#positions = grow32(this.#positions);
    assert(this.#positions[slot] === 0, "a slot is queued once");
    this.#rise(this.#count++, slot, timeMs);
  }

  /** Takes a slot out; false when it is not in (it never expires). */
  remove(slot: number): boolean {
    const position = (this.#positions[slot] ?? 0) - 1;
    if (position < 0) return false;
    this.#positions[slot] = 0;
    this.#count--;
    if (position === this.#count) return true;
    const lastSlot = this.#slots[this.#count] as number;
    const lastTime = this.#times[this.#count] as number;
    this.#rise(position, lastSlot, lastTime);
    this.#sink((this.#positions[lastSlot] as number) - 1, lastSlot, lastTime);
    return true;
  }

  /** The first slot to expire if its time is not after `timeMs`; 0 when there is none. */
  due(timeMs: number): number {
    return this.#count > 0 && (this.#times[0] as number) <= timeMs ? (this.#slots[0] as number) : 0;
  }

  #isBefore(position: number, slot: number, timeMs: number): boolean {
    const time = this.#times[position] as number;
    return time !== timeMs ? time < timeMs : (this.#slots[position] as number) < slot;
  }

  #place(position: number, slot: number, timeMs: number): void {
    this.#slots[position] = slot;
    this.#times[position] = timeMs;
    this.#positions[slot] = position + 1;
  }

  #rise(from: number, slot: number, timeMs: number): void {
    let position = from;
    while (position > 0) {
      const parent = (position - 1) >>> 1;
      if (this.#isBefore(parent, slot, timeMs)) break;
      this.#place(position, this.#slots[parent] as number, this.#times[parent] as number);
      position = parent;
    }
    this.#place(position, slot, timeMs);
  }

  #sink(from: number, slot: number, timeMs: number): void {
    let position = from;
    for (let child = 2 * position + 1; child < this.#count; child = 2 * position + 1) {
      const sibling = child + 1;
      if (sibling < this.#count && this.#isBefore(sibling, this.#slots[child] as number, this.#times[child] as number)) child = sibling;
      if (!this.#isBefore(child, slot, timeMs)) break;
      this.#place(position, this.#slots[child] as number, this.#times[child] as number);
      position = child;
    }
    this.#place(position, slot, timeMs);
  }

  #growHeap(): void {
    this.#slots = grow32(this.#slots);
    const times = new Float64Array(2 * this.#times.length);
    times.set(this.#times);
    this.#times = times;
  }
}

function grow32(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * array.length);
  larger.set(array);
  return larger;
}
