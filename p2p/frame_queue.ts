/** Frames that wait for one peer's direct stream. Bounded in bytes and in frames.
 *
 *  Drop rule: when a bound is exceeded, the oldest frame of the kind that takes most of the exceeded resource goes, as often
 *  as needed; the frame just queued never does. A newer frame of a kind supersedes an older one: votes of past views, certificates
 *  and proposals below the tip reach the peer by re-sending or sync, lost shares and seeds by the fall-back of the opening. Of control
 *  frames, inclusion lists and bids only the latest of each type waits: a newer list or bid stands for its sender's older ones. */

import { concatBytes } from "../types/bytes.ts";
import type { Message } from "../types/message.ts";

export type FrameKind = "status" | "ping" | "pong" | Message["type"];

export interface FrameQueue {
  readonly bytes: number;
  readonly count: number;
  /** Returns how many waiting frames were dropped to make room. */
  push(kind: FrameKind, frame: Uint8Array): number;
  /** The oldest frames joined, up to `bytesMax` (at least one); undefined when nothing waits. */
  take(bytesMax: number): Uint8Array | undefined;
  /** Moves everything that waits into `other`, in order. */
  moveTo(other: FrameQueue): void;
}

interface Waiting {
  readonly kind: FrameKind;
  readonly frame: Uint8Array;
}

const LATEST_ONLY: ReadonlySet<FrameKind> = new Set<FrameKind>(["status", "ping", "pong", "list", "bid"]);

export function createFrameQueue(bounds: { readonly bytesMax: number; readonly framesMax: number }): FrameQueue {
  let waiting: Waiting[] = [];
  let bytes = 0;

  function remove(index: number): void {
    const [removed] = waiting.splice(index, 1);
    bytes -= removed?.frame.length ?? 0;
  }

  /** The oldest frame of the greediest kind, the newest frame excepted. */
  function victim(weightOf: (frame: Uint8Array) => number): number {
    const totals = new Map<FrameKind, number>();
    const candidates = waiting.length - 1;
    for (let index = 0; index < candidates; index++) {
      const { kind, frame } = waiting[index] as Waiting;
      totals.set(kind, (totals.get(kind) ?? 0) + weightOf(frame));
    }
    let greediest: FrameKind | undefined;
    for (const [kind, total] of totals) {
      if (greediest === undefined || total > (totals.get(greediest) ?? 0)) greediest = kind;
    }
    return waiting.findIndex(({ kind }) => kind === greediest);
  }

  function push(kind: FrameKind, frame: Uint8Array): number {
    if (LATEST_ONLY.has(kind)) {
      const earlier = waiting.findIndex((other) => other.kind === kind);
      if (earlier >= 0) remove(earlier);
    }
    waiting.push({ kind, frame });
    bytes += frame.length;
    let dropped = 0;
    while (waiting.length > 1 && bytes > bounds.bytesMax) {
      remove(victim((other) => other.length));
      dropped++;
    }
    while (waiting.length > bounds.framesMax) {
      remove(victim(() => 1));
      dropped++;
    }
    return dropped;
  }

  function take(bytesMax: number): Uint8Array | undefined {
    const [first] = waiting;
    if (first === undefined) return undefined;
    let count = 1;
    let taken = first.frame.length;
    for (; count < waiting.length; count++) {
      const length = (waiting[count] as Waiting).frame.length;
      if (taken + length > bytesMax) break;
      taken += length;
    }
    const batch = waiting.slice(0, count);
    waiting = count === waiting.length ? [] : waiting.slice(count);
    bytes -= taken;
    return count === 1 ? first.frame : concatBytes(batch.map(({ frame }) => frame));
  }

  return {
    get bytes() {
      return bytes;
    },
    get count() {
      return waiting.length;
    },
    push,
    take,
    moveTo(other) {
      for (const { kind, frame } of waiting) other.push(kind, frame);
      waiting = [];
      bytes = 0;
    },
  };
}
