/** Work gathered during one turn of the event loop and done once at its end: first the flushes (frames of a peer leave in one
 *  write), then the releases (corked sockets hand everything to the kernel in one call). */

import { setImmediate } from "node:timers";

export interface TurnEnd {
  flush(task: () => void): void;
  release(task: () => void): void;
}

export function createTurnEnd(): TurnEnd {
  let flushes: (() => void)[] = [];
  let releases: (() => void)[] = [];
  let isScheduled = false;

  function run(): void {
    const due = flushes;
    flushes = [];
    for (const task of due) task();
    const corked = releases;
    releases = [];
    isScheduled = false;
    for (const task of corked) task();
    // A flush may be asked for by a flush or a release; it belongs to the next turn.
    if (flushes.length > 0) schedule();
  }

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(run);
  }

  return {
    flush(task) {
      flushes.push(task);
      schedule();
    },
    release(task) {
      releases.push(task);
      schedule();
    },
  };
}
