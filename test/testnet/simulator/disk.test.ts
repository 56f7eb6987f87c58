/** The simulated disk: what a crash keeps, loses or tears, and what the next start notices. */

import { test } from "tap";
import type { Durable } from "../../../replica/interface.ts";
import { createSimulatedDisk, type SimulatedDisk } from "../../../testnet/simulator/disk.ts";
import { type ChainId, Epoch, View } from "../../../types/ids.ts";
import { emptySafetyRecord } from "../../../types/safety_record.ts";

const NOTHING: Durable = { records: [], blocks: [], finality: [], operations: [], evidence: [], shares: [] };
const votedIn = (view: number): Durable => ({
  ...NOTHING,
  records: [{ ...emptySafetyRecord(Epoch.ZERO, View.of(view)), hasTimedOut: true }],
});

function disk(): SimulatedDisk {
  return createSimulatedDisk({ chainId: "00".repeat(32) as ChainId, validatorKey: "11".repeat(32) });
}

function viewsAfterRestart(of: SimulatedDisk): readonly number[] | string {
  const opened = of.open();
  return opened.ok ? opened.store.recovered.records.map(({ view }) => view as number) : opened.reason;
}

function written(...views: readonly number[]): SimulatedDisk {
  const made = disk();
  for (const view of views) {
    made.begin(votedIn(view));
    made.commit();
  }
  return made;
}

test("disk: a crash between writes, what was synced is there", async (t) => {
  const made = written(1, 2);
  t.same(made.crash("lost"), { lostWrites: 0, kept: undefined });
  t.same(viewsAfterRestart(made), [1, 2]);
});

test("disk: a crash during a write, it is kept, lost, or torn", async (t) => {
  for (const [unsynced, views] of [
    ["kept", [1, 2]],
    ["lost", [1]],
    ["torn", [1]],
  ] as const) {
    const made = written(1);
    made.begin(votedIn(2));
    made.crash(unsynced);
    t.same(viewsAfterRestart(made), views, unsynced);
  }
});

test("disk: a bit flipped or the file cut off, the next start refuses", async (t) => {
  for (const kind of ["bitFlip", "truncate"] as const) {
    const made = written(1);
    made.damage(kind);
    t.match(viewsAfterRestart(made), /the store is damaged/);
  }
});

test("disk: an old copy put back, the counter shows it unless it went back too", async (t) => {
  const shown = written(1, 2, 3);
  shown.rollBack({ saves: 1, hidesCounter: false });
  t.match(viewsAfterRestart(shown), /an old copy/);
  const hidden = written(1, 2, 3);
  hidden.rollBack({ saves: 2, hidesCounter: true });
  t.same(viewsAfterRestart(hidden), [1]);
});
