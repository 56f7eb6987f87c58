/** N1 to N3: the null application orders bytes; nodes agree on its root exactly when they executed the same blocks. */

import t from "tap";
import { chainIdOf } from "../../crypto/hashes.ts";
import { createNullApplication, NULL_RECENT_HASHES_MAX } from "../../ledger/null_application.ts";
import type { Application, ParsedTransaction } from "../../types/application.ts";
import { type ChainId, Height, TimestampMs } from "../../types/ids.ts";
import { TRANSACTION_BYTES_MAX } from "../../types/limits.ts";
import { testGenesis } from "./ledger_world.ts";

const chainId = chainIdOf(testGenesis({ application: "null" }));

function parse(application: Application, bytes: Uint8Array): ParsedTransaction {
  const parsed = application.parse(bytes);
  if (!parsed.ok) throw new Error(parsed.refusal.code);
  return parsed.transaction;
}

function run(application: Application, bodies: readonly Uint8Array[], timeMs = 5): string {
  const transactions = bodies.map((bytes) => parse(application, bytes));
  return application.execute({ height: Height.next(application.height), timeMs: TimestampMs.of(timeMs), transactions, opened: [] })
    .stateRoot;
}

t.test("N1: parse: 1 to TRANSACTION_BYTES_MAX bytes, no sender, no signature, no expiry", async (t) => {
  const application = createNullApplication({ chainId });
  t.match(application.parse(new Uint8Array(0)), { ok: false, refusal: { code: "empty", canRetry: false } });
  t.match(application.parse(new Uint8Array(TRANSACTION_BYTES_MAX + 1)), { ok: false, refusal: { code: "oversize" } });
  const parsed = application.parse(new Uint8Array(TRANSACTION_BYTES_MAX));
  t.match(parsed, { ok: true, transaction: { sender: "", nonce: 0, operationCount: 1, expiryHeight: Number.MAX_SAFE_INTEGER } });
  t.equal(parsed.ok && parsed.signature, undefined);
});

t.test("N2: execute: the root depends on chain, height, time, bodies and their order, and on nothing else", async (t) => {
  const [first, second] = [Uint8Array.of(1), Uint8Array.of(2)];
  const fresh = (id: ChainId = chainId): Application => createNullApplication({ chainId: id });
  const root = run(fresh(), [first, second]);
  t.equal(run(fresh(), [first, second]), root);
  const others = [
    run(fresh(), [second, first]),
    run(fresh(), [first]),
    run(fresh(), []),
    run(fresh(), [first, second], 6),
    run(fresh(chainIdOf(testGenesis())), [first, second]),
    fresh().root,
  ];
  t.equal(new Set([root, ...others]).size, others.length + 1);
  const application = fresh();
  run(application, []);
  t.not(run(application, [first, second]), root);
  t.throws(() => application.execute({ height: Height.of(2), timeMs: TimestampMs.of(9), transactions: [], opened: [] }), {
    name: "AssertionError",
  });
});

t.test("N2: snapshot and restore: same root, same continuation; a damaged snapshot changes nothing", async (t) => {
  const application = createNullApplication({ chainId });
  run(application, [Uint8Array.of(1)]);
  const snapshot = application.snapshot();
  const twin = createNullApplication({ chainId });
  const before = twin.root;
  const chunk = snapshot.chunks[0] as Uint8Array;
  t.equal(twin.restore({ ...snapshot, chunks: [chunk.map((byte) => byte ^ 1)] }), false);
  t.equal(twin.restore({ ...snapshot, chunks: [] }), false);
  t.equal(twin.restore({ ...snapshot, height: Height.of(2) }), false);
  t.equal(twin.restore({ ...snapshot, root: before }), false);
  t.equal(twin.root, before);
  t.equal(twin.restore(snapshot), true);
  t.equal(twin.height, 1);
  t.equal(run(twin, [Uint8Array.of(2)]), run(application, [Uint8Array.of(2)]));
});

t.test("N3: check: refuses what was ordered lately; the memory is bounded and outside of the root", async (t) => {
  const application = createNullApplication({ chainId });
  const transaction = parse(application, Uint8Array.of(7));
  t.strictSame(application.check(transaction), { ok: true });
  run(application, [Uint8Array.of(7)]);
  t.match(application.check(transaction), { ok: false, refusal: { code: "alreadyOrdered", canRetry: false } });
  const blocks = Math.ceil((2 * NULL_RECENT_HASHES_MAX) / 8_192);
  for (let block = 0; block < blocks; block++) {
    run(
      application,
      Array.from({ length: 8_192 }, (_, index) => Uint8Array.of(block, index, index >> 8, 1)),
    );
  }
  t.strictSame(application.check(transaction), { ok: true }, "forgotten after at most 2 * NULL_RECENT_HASHES_MAX others");
  t.equal(application.describeCode(0), "ok");
  t.equal(application.describeCode(5), "unknown code 5");
});
