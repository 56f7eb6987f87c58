/** The simulated disk: what a crash keeps, loses or tears, and what the next start notices. */

import { test } from "tap";
import type { Durable } from "../../../replica/interface.ts";
import { createSimulatedDisk, type SimulatedDisk } from "../../../testnet/simulator/disk.ts";
import { type ChainId, Epoch, Height, View } from "../../../types/ids.ts";
import { emptySafetyRecord } from "../../../types/safety_record.ts";
import { blockHashOf, blockOf, finalityOf, operationOf } from "../../storage/fixtures.ts";

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

test("disk: a power cut, takes the operations of the last saves, but none up to the last one with openings", async (t) => {
  const made = disk();
  const heights = [1, 2, 3, 4];
  const save = (durable: Partial<Durable>): void => {
    made.begin({ ...NOTHING, ...durable });
    made.commit();
  };
  save({ blocks: heights.map((height) => ({ blockHash: blockHashOf(height), block: blockOf(height) })) });
  for (const height of heights) {
    const operation = height === 2 ? operationOf(height) : { ...operationOf(height), openings: [] };
    save({ finality: [finalityOf(height)], operations: [operation] });
  }
  made.crash("lost");
  const opening = made.open();
  const { store } = opening.ok ? opening : { store: undefined };
  t.same(
    heights.map((height) => store?.operation(Height.of(height))?.openings.length),
    [0, 2, undefined, undefined],
  );
  t.equal(store?.finalHeight, 4);
});
