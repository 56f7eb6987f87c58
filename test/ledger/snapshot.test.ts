/** L12: a snapshot restores exactly its state, and nothing that differs from it in a byte is taken. */

import fc from "fast-check";
import t from "tap";
import { createLedger, type Ledger } from "../../ledger/ledger.ts";
import { LEDGER_LIMITS } from "../../ledger/limits.ts";
import { isSnapshotChunk } from "../../ledger/snapshot.ts";
import type { StateSnapshot } from "../../types/application.ts";
import { Height, type StateRoot } from "../../types/ids.ts";
import { holds } from "../support/property.ts";
import { ALICE, account, BOB, FEE_ASSET, LedgerWorld, operation, testGenesis, transfer } from "./ledger_world.ts";

function busyWorld(holders: number): LedgerWorld {
  const genesis = testGenesis();
  const extra = Array.from({ length: holders }, (_, index) => ({ account: account(`holder ${index}`), asset: FEE_ASSET, amount: 50n }));
  const world = new LedgerWorld({ genesis: { ...genesis, balances: [...genesis.balances, ...extra] }, limits: LEDGER_LIMITS });
  const pend = operation("pend", { asset: FEE_ASSET, account: BOB, amount: 7n, reference: 100 });
  world.run([world.payload(ALICE, [transfer(BOB, 5n), pend, pend, operation("registerAsset", { asset: 1 })])]);
  world.run([world.payload(BOB, [operation("post", { account: ALICE, index: 1, amount: 3n })])]);
  return world;
}

const fresh = (world: LedgerWorld): Ledger => createLedger({ genesis: world.genesis, chainId: world.chainId });

t.test("L12: snapshot, two pages of accounts: restores root, height, records, proofs and pending expiries", async (t) => {
  const world = busyWorld(700);
  const snapshot = world.ledger.snapshot();
  const twin = fresh(world);
  t.equal(twin.restore(snapshot), true);
  t.equal(twin.root, world.ledger.root);
  t.equal(twin.height, world.ledger.height);
  const query = { account: account("holder 699"), asset: FEE_ASSET };
  t.strictSame(twin.queryAccount(query), world.ledger.queryAccount(query));
  const { stateRoot } = world.run([], 1_000);
  const timeMs = world.genesis.timeMs;
  t.equal(
    twin.execute({ height: Height.of(3), timeMs: (timeMs + 1_020) as typeof timeMs, transactions: [], opened: [] }).stateRoot,
    stateRoot,
    "the rest expires alike",
  );
});

t.test("L12: restore: a changed byte, length, order, root or height is refused and leaves the ledger as it was", async (t) => {
  const world = busyWorld(600);
  const snapshot = world.ledger.snapshot();
  const target = fresh(world);
  const before = target.root;
  const part = fc.constantFrom("manifest", "chunk", "cutManifest", "cutChunk", "swap", "drop", "add", "root", "height");
  const property = fc.property(part, fc.nat(), fc.integer({ min: 1, max: 255 }), (what, at, change) => {
    const damaged = damage(snapshot, what, at, change);
    return target.restore(damaged) === false && target.root === before && target.height === 0;
  });
  holds(t, property, 150);
  t.equal(target.restore(snapshot), true, "the undamaged one is taken");
});

function damage(snapshot: StateSnapshot, what: string, at: number, change: number): StateSnapshot {
  const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, index) => (index === at % bytes.length ? byte ^ change : byte));
  const chunks = [...snapshot.chunks];
  const pick = at % chunks.length;
  const chunk = chunks[pick] as Uint8Array;
  if (what === "manifest") return { ...snapshot, manifest: flip(snapshot.manifest) };
  if (what === "cutManifest") return { ...snapshot, manifest: snapshot.manifest.slice(0, at % snapshot.manifest.length) };
  if (what === "root") return { ...snapshot, root: `${"0".repeat(63)}${change % 10}` as StateRoot };
  if (what === "height") return { ...snapshot, height: Height.of(snapshot.height + change) };
  if (what === "chunk") chunks[pick] = flip(chunk);
  else if (what === "cutChunk") chunks[pick] = chunk.slice(0, at % chunk.length);
  else if (what === "swap") chunks.reverse();
  else if (what === "drop") chunks.splice(pick, 1);
  else chunks.push(chunk);
  return { ...snapshot, chunks };
}

t.test("L12: restore: a snapshot of another chain is refused", async (t) => {
  const world = busyWorld(3);
  const other = new LedgerWorld({ genesis: { ...testGenesis(), name: "another chain" }, limits: LEDGER_LIMITS });
  t.equal(other.ledger.restore(world.ledger.snapshot()), false);
});

t.test("L12: isSnapshotChunk: each chunk is proved by the manifest alone, at its place only", async (t) => {
  const { manifest, chunks } = busyWorld(700).ledger.snapshot();
  for (const [index, chunk] of chunks.entries()) {
    t.ok(isSnapshotChunk({ manifest, index, chunk }));
    t.notOk(isSnapshotChunk({ manifest, index, chunk: chunk.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) }));
    t.notOk(isSnapshotChunk({ manifest, index: index + 1, chunk }));
    t.notOk(isSnapshotChunk({ manifest, index, chunk: chunk.slice(1) }));
  }
  t.notOk(isSnapshotChunk({ manifest: new Uint8Array(3), index: 0, chunk: new Uint8Array(128) }));
});

t.test("L12: snapshot: later blocks leave its bytes alone, and a later snapshot shares the pages that did not change", async (t) => {
  const world = busyWorld(1_200);
  const first = world.ledger.snapshot();
  const copies = first.chunks.map((chunk) => chunk.slice());
  world.run([world.payload(ALICE, [transfer(BOB, 5n)])]);
  t.ok(first.chunks.every((chunk, index) => Buffer.compare(chunk, copies[index] as Uint8Array) === 0));
  const second = world.ledger.snapshot();
  const shared = second.chunks.filter((chunk, index) => chunk.buffer === first.chunks[index]?.buffer);
  t.ok(shared.length >= 2, "pages of accounts that were not touched are the same memory");
});
