/** T1 to T4 and the whole way of a bundle: submitted, bid with, sealed, opened, and told what became of it. */

import t from "tap";
import { AUCTION_LIMITS } from "../../builder/auction.ts";
import { faultOfBid, faultOfTail, sealCheckOf, signatureCheckOf } from "../../builder/bid_rules.ts";
import { BUILDER_LIMITS } from "../../builder/builder.ts";
import type { BundleId } from "../../builder/bundle.ts";
import type { FinalOutcome } from "../../builder/interface.ts";
import { STRATEGIES } from "../../builder/strategies.ts";
import type { Strategy } from "../../builder/strategy.ts";
import { bidHashOf } from "../../crypto/hashes.ts";
import type { FinalizedBlock } from "../../replica/interface.ts";
import type { ParsedTransaction } from "../../types/application.ts";
import { AssertionError } from "../../types/assert.ts";
import { hasBundle } from "../../types/bid.ts";
import type { BundleGroup } from "../../types/building.ts";
import { bytesEqual } from "../../types/bytes.ts";
import { type BidHash, View, ZERO_HASH } from "../../types/ids.ts";
import type { KeyId } from "../../types/sealing.ts";
import {
  ACCOUNT,
  createWorld,
  DOMAIN,
  finalOf,
  key,
  must,
  openedOf,
  opportunityOf,
  ran,
  reasonOf,
  receipt,
  START_MS,
  sign,
  suite,
  typeOf,
} from "./bidding_world.ts";
import { named, TOY_CODES } from "./builder_world.ts";

/** As the toy application says of what fails. */
const failedOperations = [{ index: 0, code: 1 }];

t.test("consider: a bid is well-formed, signed, names its tail, and its bundle opens to the groups under its label", async (t) => {
  const world = createWorld();
  const open = [world.tx({ sender: "a" }), world.tx({ sender: "b", nonce: 4, operations: 3 })];
  const groups = [[world.tx({ sender: "s" }, { pays: 40n })], [world.tx({ sender: "u" }), world.tx({ sender: "v" })]];
  const [first, second] = groups.map((group) => world.submit(group));
  const offered = must(world.consider({ transactions: open, height: 3, view: 7 }));
  const { bid, tailHashes } = offered;
  t.equal(bid.value, 40n, "half of 20 from the tail and 60 from the bundle");
  t.same([bid.height, bid.parentHash, bid.builder, bid.expiryView], [3, named("genesis"), ACCOUNT, 7 + BUILDER_LIMITS.expiryViews]);
  t.same(
    tailHashes,
    open.map(({ hash }) => hash),
  );
  t.equal(faultOfTail(bid, open), undefined);
  const header = { ...bid, view: View.of(7), bidHash: bidHashOf(bid), bundleCount: 1, transactionCount: 2, sealedCount: 0 };
  t.equal(faultOfBid(bid, header), undefined);
  const check = signatureCheckOf(DOMAIN, bid);
  t.ok(bytesEqual(sign(check.message), check.signature));
  t.same(
    openedOf(offered),
    groups.map((group) => group.map(({ bytes }) => bytes)),
  );
  const carried = sealCheckOf(DOMAIN.chainId, { ...bid, value: 41n });
  t.notOk(
    suite.check({ publicKey: key.publicKey, label: carried?.label ?? bid.bundle, sealed: bid.bundle }),
    "it passes under no other bid",
  );
  t.same(world.builder.statusOf(first as BundleId), { type: "offered", height: 3, sequence: bid.sequence, value: 40n });
  t.equal(typeOf(world.builder, second as BundleId), "offered");
});

t.test("consider: nothing to gain, nothing to spend, or no such height: no bid", async (t) => {
  const world = createWorld();
  const transactions = [world.tx({ sender: "a" })];
  t.equal(world.consider(), undefined);
  t.equal(world.consider({ transactions, spendable: 0n }), undefined);
  t.equal(world.consider({ transactions, height: BUILDER_LIMITS.heightsMax + 1 }), undefined);
  world.builder.onFinal(finalOf({ height: 4 }));
  t.equal(world.consider({ transactions, height: 4 }), undefined);
  t.ok(world.consider({ transactions, height: 5 }));
});

t.test("consider: without a key, or on a chain without sealing, there is a tail and no bundle", async (t) => {
  for (const world of [createWorld({ isSealing: false }), createWorld()]) {
    const id = world.submit([world.tx({ sender: "s" })]);
    const { bid } = must(world.consider({ transactions: [world.tx({ sender: "a" })], key: undefined }));
    t.same([hasBundle(bid), bid.keyId, bid.tailCount], [false, ZERO_HASH, 1]);
    t.same(reasonOf(world.builder, id), { type: "cannotSeal" });
  }
});

t.test("T1: consider: sequences ascend over all bids, and a restart begins above them", async (t) => {
  const world = createWorld();
  const transactions = [world.tx({ sender: "a" })];
  const sequences: number[] = [];
  for (const [height, nowMs] of [
    [1, START_MS],
    [1, START_MS],
    [2, START_MS - 5_000],
    [2, START_MS + 1],
  ] as const) {
    sequences.push(must(world.consider({ transactions, height, nowMs })).bid.sequence);
  }
  const first = START_MS * 1_000;
  t.same(sequences, [first, first + 1, first + 2, first + 1_000]);
  const restarted = createWorld();
  const again = must(restarted.consider({ transactions: [restarted.tx({ sender: "a" })], height: 2, nowMs: START_MS + 2 }));
  t.ok(again.bid.sequence > (sequences.at(-1) ?? 0));
  t.throws(() => world.consider({ transactions, nowMs: 2 ** 52 }), AssertionError);
});

t.test("T2: consider: at most bidsMax bids for one height, and a strategy that bids beyond the bond is stopped", async (t) => {
  t.ok(BUILDER_LIMITS.bidsMax <= AUCTION_LIMITS.triesMax);
  const world = createWorld({ limits: { bidsMax: 3 } });
  const transactions = [world.tx({ sender: "a" })];
  for (const parent of ["x", "y", "x"]) t.ok(world.consider({ transactions, parent }));
  t.equal(world.consider({ transactions, parent: "x" }), undefined);
  t.ok(world.consider({ transactions, parent: "x", view: 2 }), "what stands still goes to the next leader");
  t.equal(world.builder.status.bids, 3);
  t.ok(world.consider({ transactions, height: 2 }));

  const careless = createWorld({ strategy: { name: "careless", valueOf: () => 11n } });
  t.throws(() => careless.consider({ transactions: [careless.tx({ sender: "a" })], spendable: 10n }), AssertionError);
});

t.test("T3: consider: what is in our bid in an ancestor is in no bid above it, but is where that block is none", async (t) => {
  const world = createWorld();
  const group = [world.tx({ sender: "s", nonce: 1 }, { pays: 30n }), world.tx({ sender: "u" })];
  const id = world.submit(group, { tip: 20 });
  const rival = world.submit([world.tx({ sender: "u", variant: 1 })]);
  const below = must(world.consider({ height: 1 }));
  t.equal(openedOf(below)?.length, 1);
  const same = world.tx({ sender: "s", nonce: 1, variant: 2 });
  const other = world.tx({ sender: "a" });
  const above = must(world.consider({ height: 2, parent: "ours", transactions: [same, other], ancestorBids: [bidHashOf(below.bid)] }));
  t.same([hasBundle(above.bid), above.tailHashes], [false, [other.hash]]);
  const elsewhere = must(world.consider({ height: 2, parent: "theirs", ancestorBids: [named<BidHash>("their bid")] }));
  t.equal(openedOf(elsewhere)?.length, 1);
  t.equal(typeOf(world.builder, id), "offered");
  t.equal(typeOf(world.builder, rival), "pending");
});

t.test("T4: resend: the bid that stands goes to each new leader once, while expiry and key allow", async (t) => {
  const world = createWorld({ strategy: STRATEGIES.plain });
  world.submit([world.tx({ sender: "s" })]);
  const { keyId } = key;
  const first = must(world.consider({ view: 1 }));
  const resend = (view: number, given: { readonly keyId?: KeyId | undefined; readonly parent?: string } = {}) =>
    world.builder.resend({ opportunity: opportunityOf({ view, ...given }), keyId: "keyId" in given ? given.keyId : keyId });
  t.equal(resend(1), undefined, "that leader has it");
  t.equal(resend(2), first);
  t.equal(resend(2), undefined);
  t.equal(resend(3, { parent: "other" }), undefined);
  t.equal(resend(3, { keyId: undefined }), undefined);
  t.equal(resend(3, { keyId: named<KeyId>("next key") }), undefined);
  t.equal(world.consider({ view: 3 }), first, "consider sends it again as well, when there is nothing better");
  t.equal(world.consider({ view: 3 }), undefined);
  t.equal(world.builder.status.resent, 2);
  const expired = 1 + BUILDER_LIMITS.expiryViews + 1;
  t.equal(resend(expired), undefined);
  const next = must(world.consider({ view: expired }));
  t.ok(next.bid.sequence > first.bid.sequence, "then there is a new one");
  t.equal(next.bid.value, first.bid.value);
});

t.test("T4: consider: a bid that the bond covers no more does not stand", async (t) => {
  const world = createWorld({ strategy: STRATEGIES.plain });
  const transactions = [world.tx({ sender: "a" }, { pays: 100n })];
  t.equal(must(world.consider({ transactions })).bid.value, 80n);
  const lower = must(world.consider({ transactions, spendable: 50n, view: 2 }));
  t.equal(lower.bid.value, 50n);
});

t.test("consider: plain bids again with a tenth more, aggressive with every transaction; both stay within their gain", async (t) => {
  for (const strategy of Object.values<Strategy>(STRATEGIES)) {
    const world = createWorld({ strategy });
    const waiting: ParsedTransaction[] = [];
    const values: bigint[] = [];
    for (let index = 0; index < 20; index++) {
      waiting.push(world.tx({ sender: `s${index}` }, { pays: 100n }));
      const offered = world.consider({ transactions: [...waiting] });
      if (offered === undefined) continue;
      t.ok(offered.bid.value <= 100n * BigInt(waiting.length));
      t.ok(offered.bid.value > (values.at(-1) ?? 0n));
      values.push(offered.bid.value);
    }
    t.equal(values.length, BUILDER_LIMITS.bidsMax);
  }
});

t.test("onFinal: our bundle ran: its group's place is told, rivals for its nonces are over, and the payment is counted", async (t) => {
  const world = createWorld();
  const [a, b] = [world.tx({ sender: "a" }, { pays: 90n }), world.tx({ sender: "b" }, { pays: 30n })];
  const ids = [world.submit([a]), world.submit([b])];
  const rival = world.submit([world.tx({ sender: "b", variant: 1 }), world.tx({ sender: "c" })], { tip: 1 });
  const { bid } = must(world.consider());
  const failed: BundleGroup = { hashes: [b.hash], result: { isIncluded: false, failed: receipt(b, TOY_CODES.failed), position: 0 } };
  world.builder.onFinal(finalOf({ bidHash: bidHashOf(bid), bundle: [ran([a]), failed] }));
  t.same(world.builder.statusOf(ids[0] as BundleId), { type: "included", height: 1, blockHash: named("block 1"), group: 0 });
  t.same(world.builder.statusOf(ids[1] as BundleId), {
    type: "pending",
    last: { type: "executionFailed", height: 1, position: 0, code: TOY_CODES.failed, operations: [{ index: 0, code: TOY_CODES.failed }] },
  });
  t.equal(typeOf(world.builder, rival), "pending");
  const { won, lost, paid, open, failed: failures } = world.builder.status;
  t.same({ won, lost, paid, open, failures }, { won: 1, lost: 0, paid: bid.value, open: 0, failures: 0 });
  world.builder.onFinal(finalOf({ bidHash: bidHashOf(bid) }));
  t.equal(world.builder.status.won, 1, "each height once");
  const again = must(world.consider({ height: 2 }));
  t.equal(openedOf(again)?.length, 1, "what failed is tried again while it can stand");
  world.builder.onFinal(finalOf({ height: 2, bidHash: bidHashOf(again.bid), bundle: [ran([b])] }));
  t.same(reasonOf(world.builder, rival), { type: "conflict", with: { type: "bundle", id: ids[1] } });
});

t.test("onFinal: somebody else built: bundles wait on, or end with the lost auction; losses are told to the strategy", async (t) => {
  const told: number[] = [];
  const world = createWorld({
    strategy: {
      name: "listening",
      valueOf: ({ losses }) => {
        told.push(losses);
        return 1n;
      },
    },
  });
  const [short, long] = [world.submit([world.tx({ sender: "a" })], { to: 1 }), world.submit([world.tx({ sender: "b" })])];
  world.consider();
  world.builder.onFinal(finalOf({}));
  t.same(world.builder.statusOf(short), { type: "notIncluded", reason: { type: "lostAuction", height: 1 } });
  t.same(world.builder.statusOf(long), { type: "pending", last: { type: "lostAuction", height: 1 } });
  world.consider({ height: 2 });
  world.builder.onFinal(finalOf({ height: 2 }));
  world.builder.onFinal(finalOf({ height: 3 }));
  t.same(told, [0, 1]);
  t.equal(world.builder.status.lost, 2, "a block that we did not bid for is nobody's loss");
  for (let height = 4; height < 40; height++) {
    world.consider({ height });
    world.builder.onFinal(finalOf({ height }));
  }
  t.equal(world.builder.status.recentLosses <= 16, true);
});

t.test("onFinal: a bundle that did not open, and a group that is unfit", async (t) => {
  const world = createWorld();
  const [lost, unfit] = [world.tx({ sender: "a" }), world.tx({ sender: "b" })];
  const ids = [world.submit([lost]), world.submit([unfit])];
  const first = must(world.consider());
  world.builder.onFinal(finalOf({ bidHash: bidHashOf(first.bid), failed: true }));
  for (const id of ids) t.same(world.builder.statusOf(id), { type: "pending", last: { type: "unopened", height: 1 } });
  t.equal(world.builder.status.failed, 1);
  const second = must(world.consider({ height: 2 }));
  world.builder.onFinal(
    finalOf({ height: 2, bidHash: bidHashOf(second.bid), bundle: [ran([lost]), { hashes: [unfit.hash], result: "unfit" }] }),
  );
  t.same(
    ids.map((id) => typeOf(world.builder, id)),
    ["included", "notIncluded"],
  );
  t.same(reasonOf(world.builder, ids[1] as BundleId), { type: "unfit" });
});

t.test(
  "onFinal: the same bundle in another builder's block is included too; parts of one are ordered apart, refused ones are not",
  async (t) => {
    const world = createWorld();
    const pair = [world.tx({ sender: "a", nonce: 0 }), world.tx({ sender: "a", nonce: 1 })];
    const [b, c] = [world.tx({ sender: "b" }), world.tx({ sender: "c" })];
    const [whole, apart, refused] = [world.submit(pair), world.submit([b, world.tx({ sender: "d" })]), world.submit([c])];
    const receipts = [receipt(b), { hash: c.hash, code: TOY_CODES.needsOther, operationCodes: [] }];
    world.builder.onFinal(
      finalOf({ bidHash: named<BidHash>("their bid"), bundle: [ran([world.tx({ sender: "e" })]), ran(pair)], receipts }),
    );
    t.same(world.builder.statusOf(whole), { type: "included", height: 1, blockHash: named("block 1"), group: 1 });
    t.same(reasonOf(world.builder, apart), { type: "orderedApart", height: 1, transaction: b.hash });
    t.equal(typeOf(world.builder, refused), "pending");
  },
);

t.test("onFinal: a bundle that was pushed out of the pool while our bid held it is included all the same", async (t) => {
  const world = createWorld({ limits: { bundles: { ...BUILDER_LIMITS.bundles, countMax: 1 } } });
  const low = world.tx({ sender: "a" });
  const id = world.submit([low], { tip: 1 });
  const { bid } = must(world.consider());
  world.submit([world.tx({ sender: "b" }, { pays: 50n })], { tip: 50 });
  t.same(reasonOf(world.builder, id), { type: "evicted" });
  world.builder.onFinal(finalOf({ bidHash: bidHashOf(bid), bundle: [ran([low])] }));
  t.equal(typeOf(world.builder, id), "included");
});

t.test("onFinal: a bundle in an earlier bid of ours, where a later one was taken without it, found no room", async (t) => {
  const world = createWorld();
  const bytes = 40_000;
  const low = world.submit([world.tx({ sender: "a", bytes })]);
  t.ok(world.consider());
  const winner = world.tx({ sender: "b", bytes }, { pays: 50n });
  const high = world.submit([winner], { tip: 50 });
  const { bid } = must(world.consider());
  t.same([typeOf(world.builder, low), typeOf(world.builder, high)], ["offered", "offered"]);
  world.builder.onFinal(finalOf({ bidHash: bidHashOf(bid), bundle: [ran([winner])] }));
  t.equal(typeOf(world.builder, high), "included");
  t.same(world.builder.statusOf(low), { type: "pending", last: { type: "noRoom" } });
});

t.test("T5: consider: bundles are measured by themselves, also those for later heights; a declared tip buys no place", async (t) => {
  const world = createWorld({ limits: { measuredMax: 8, bundles: { ...BUILDER_LIMITS.bundles, countMax: 8 } } });
  const nothing = (index: number) => world.tx({ sender: `liar ${index}` }, { pays: 1n, fails: true });
  const liars = Array.from({ length: 8 }, (_, index) => world.submit([nothing(index)], { tip: 1e15, from: 200, to: 240 }));
  const first = world.submit([world.tx({ sender: "honest" }, { pays: 9n })], { tip: 7 });
  t.same(reasonOf(world.builder, liars[0] as BundleId), { type: "evicted" }, "the oldest that nobody has measured");
  world.consider();
  const failed = { type: "simulationFailed", position: 0, code: TOY_CODES.failed, operations: failedOperations };
  for (const id of liars.slice(1)) t.same(reasonOf(world.builder, id), failed, "long before its height");
  t.equal(typeOf(world.builder, first), "offered");
  for (let index = 8; index < 30; index++) world.submit([nothing(index)], { tip: 1e15, from: 200, to: 240 });
  t.equal(typeOf(world.builder, first), "offered", "what was measured stays");
  t.equal(world.builder.status.bundles.count, 8);
});

t.test("onFinal: a public transaction that took a bundle's nonce is named, where it was seen to wait", async (t) => {
  const world = createWorld();
  const rival = world.tx({ sender: "a", variant: 1 }, { pays: 1n });
  const [seen, other] = [world.submit([world.tx({ sender: "a" })]), world.submit([world.tx({ sender: "b" })])];
  world.consider({ transactions: [rival] });
  const refused = { hash: rival.hash, code: TOY_CODES.needsOther, operationCodes: [] };
  world.builder.onFinal(finalOf({ height: 1, receipts: [refused] }));
  t.equal(typeOf(world.builder, seen), "pending", "refused, it used no nonce");
  world.builder.onFinal(finalOf({ height: 2, receipts: [receipt(rival)] }));
  t.same(reasonOf(world.builder, seen), { type: "conflict", with: { type: "transaction", hash: rival.hash } });
  t.equal(typeOf(world.builder, other), "pending");
});

t.test("FinalOutcome: the machine's own record of a final block fits", async (t) => {
  const fits = (block: FinalizedBlock): FinalOutcome => block;
  t.type(fits, "function");
});

t.test("createBuilder: a limit of zero is our own error", async (t) => {
  t.throws(() => createWorld({ limits: { bidsMax: 0 } }), AssertionError);
});
