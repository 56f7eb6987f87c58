/** Pure rules of the network: scores, gaps between links, batches of transactions, rates, answers, wire forms. */

import fc from "fast-check";
import t from "tap";
import { builderHandshakeSigningBytes, handshakeSigningBytes } from "../../p2p/handshake.ts";
import { createRateLimiter } from "../../p2p/rate_limiter.ts";
import { createLasting, hasOwnGap, type LinkView, peersWithGap } from "../../p2p/relay.ts";
import { isAnswerTo } from "../../p2p/requests.ts";
import { createScoreTable, PENALTY_WEIGHTS } from "../../p2p/scores.ts";
import { createTransactionBatcher } from "../../p2p/transaction_batcher.ts";
import { createTurnEnd } from "../../p2p/turn_end.ts";
import { type HandshakeMessage, handshakeCodec, type LinkStatus, linkStatusCodec } from "../../p2p/wire.ts";
import { toHex } from "../../types/bytes.ts";
import { type AccountId, Epoch, Height, ValidatorIndex, type ValidatorSetHash, View } from "../../types/ids.ts";
import type { PeerKey } from "../../types/sender.ts";
import { Signers } from "../../types/validator_set.ts";
import { timeoutBallot } from "../../types/vote.ts";
import { CHAIN, OTHER_CHAIN, statusAt, TEST_LIMITS, until } from "./support.ts";

const peer = (name: string): PeerKey => name as PeerKey;
const index = (value: number): ValidatorIndex => ValidatorIndex.of(value);

t.test("createScoreTable: penalties add up, heal by half each half-life, and bans end", async (t) => {
  const table = createScoreTable(TEST_LIMITS);
  const penalty = { peer: peer("a"), reason: "malformedMessage", isRelayedByValidator: false } as const;
  t.equal(table.penalize({ ...penalty, nowMs: 0 }), -PENALTY_WEIGHTS.malformedMessage);
  t.equal(table.scoreOf(peer("a"), TEST_LIMITS.scoreHalfLifeMs), -PENALTY_WEIGHTS.malformedMessage / 2);
  t.notOk(table.isPoor(peer("a"), 0));
  for (let count = 0; count < 3; count++) table.penalize({ ...penalty, nowMs: 0 });
  t.ok(table.isPoor(peer("a"), 0));
  table.ban(peer("a"), 0);
  t.ok(table.isBanned(peer("a"), TEST_LIMITS.banMs - 1));
  t.notOk(table.isBanned(peer("a"), TEST_LIMITS.banMs));
});

t.test("createScoreTable: content that a validator passed on counts a tenth, its own misconduct in full", async (t) => {
  const table = createScoreTable(TEST_LIMITS);
  const relayed = { peer: peer("v"), isRelayedByValidator: true, nowMs: 0 };
  t.equal(table.penalize({ ...relayed, reason: "invalidTransaction" }), -PENALTY_WEIGHTS.invalidTransaction / 10);
  t.equal(table.scoreOf(peer("v"), 0) - table.penalize({ ...relayed, reason: "malformedMessage" }), PENALTY_WEIGHTS.malformedMessage);
});

t.test("createScoreTable: more peers than it may remember, the longest unpunished are forgotten", async (t) => {
  const table = createScoreTable({ ...TEST_LIMITS, scoresMax: 3, bansMax: 2 });
  for (const name of ["a", "b", "c", "a", "d"]) {
    table.penalize({ peer: peer(name), reason: "flood", isRelayedByValidator: false, nowMs: 0 });
    table.ban(peer(name), 0);
  }
  t.equal(table.scoreOf(peer("b"), 0), 0);
  t.equal(table.scoreOf(peer("a"), 0), -2 * PENALTY_WEIGHTS.flood);
  t.equal(table.count, 5);
});

const view = (validator: number, links: readonly number[] | undefined): LinkView => ({
  validator: index(validator),
  links: links === undefined ? undefined : Signers.of(links.map(index)),
});

t.test("hasOwnGap, peersWithGap: crashed validator, late status and broken link", async (t) => {
  const table = [
    { name: "all linked", views: [view(1, [0, 2, 3]), view(2, [0, 1, 3]), view(3, [0, 1, 2])], own: false, help: [] },
    { name: "3 is down for everybody", views: [view(1, [0, 2]), view(2, [0, 1])], own: false, help: [] },
    { name: "3 is down for us only", views: [view(1, [0, 2, 3]), view(2, [0, 1])], own: true, help: [] },
    { name: "1 and 2 miss each other", views: [view(1, [0, 3]), view(2, [0, 3]), view(3, [0, 1, 2])], own: false, help: [1, 2] },
    { name: "nothing heard yet", views: [view(1, undefined), view(2, undefined)], own: false, help: [] },
  ];
  for (const { name, views, own, help } of table) {
    t.equal(hasOwnGap({ self: index(0), count: 4, views }), own, name);
    t.same([...peersWithGap(views)], help, name);
  }
});

t.test("createLasting: starts after the delay, ends after the linger, ignores what is short", async (t) => {
  const lasting = createLasting({ delayMs: 100, lingerMs: 50 });
  const steps: readonly [number, boolean, boolean][] = [
    [0, true, false],
    [99, true, false],
    [99, false, false],
    [100, true, false],
    [200, true, true],
    [210, false, true],
    [250, false, true],
    [251, false, false],
  ];
  for (const [atMs, holds, expected] of steps) t.equal(lasting.update(holds, atMs), expected, `at ${atMs}`);
});

t.test("createRateLimiter: burst, then the rate", async (t) => {
  const limiter = createRateLimiter({ perSecond: 10, burst: 2, nowMs: 0 });
  t.same(
    [limiter.take(1, 0), limiter.take(1, 0), limiter.take(1, 0), limiter.take(1, 100), limiter.take(1, 150)],
    [true, true, false, true, false],
  );
});

interface BatchFixture {
  readonly batches: (readonly Uint8Array[])[];
  readonly batcher: ReturnType<typeof createTransactionBatcher>;
}

function batchFixture(isCongested: () => boolean): BatchFixture {
  const batches: (readonly Uint8Array[])[] = [];
  const spread = {
    publish: (transactions: readonly Uint8Array[]) => void batches.push(transactions),
    get isCongested() {
      return isCongested();
    },
  };
  return { batches, batcher: createTransactionBatcher({ limits: TEST_LIMITS, turnEnd: createTurnEnd(), spread }) };
}

t.test("createTransactionBatcher: idle, the transactions of one turn leave together at its end; later ones after a pause", async (t) => {
  const { batches, batcher } = batchFixture(() => false);
  for (let count = 0; count < 5; count++) batcher.push([new Uint8Array(10)]);
  t.equal(batches.length, 0);
  await until("the first batch", () => batches.length === 1);
  t.equal(batches[0]?.length, 5);
  for (let count = 0; count < 5; count++) batcher.push([new Uint8Array(10)]);
  t.equal(batches.length, 1, "small ones wait for the interval");
  await until("the second batch", () => batches.length === 2);
  t.equal(batches[1]?.length, 5);
  batcher.stop();
});

t.test("createTransactionBatcher: a full batch leaves without waiting, and none is larger", async (t) => {
  const { batches, batcher } = batchFixture(() => false);
  batcher.push([new Uint8Array(10)]);
  await until("the leading batch", () => batches.length === 1);
  for (let count = 0; count < 40; count++) batcher.push([new Uint8Array(10_000)]);
  t.ok(batches.length >= 6, "full batches left at once");
  const sizes = batches.map((batch) => batch.reduce((sum, { length }) => sum + length, 0));
  t.ok(sizes.every((size) => size <= TEST_LIMITS.transactionBatchBytes));
  batcher.stop();
});

t.test("createTransactionBatcher: congested, the queue is bounded and new transactions are dropped and counted", async (t) => {
  const { batches, batcher } = batchFixture(() => true);
  for (let count = 0; count < 200; count++) batcher.push([new Uint8Array(100_000)]);
  t.ok(batcher.queuedBytes <= TEST_LIMITS.transactionQueueBytesMax);
  t.equal(batcher.takeDropped(), 200 - Math.floor(TEST_LIMITS.transactionQueueBytesMax / 100_000));
  t.equal(batches.length, 0);
  batcher.stop();
});

t.test("isAnswerTo: other types, other ranges and more than was asked for are no answers", async (t) => {
  const certificate = (at: number) => ({
    ballot: timeoutBallot(Epoch.of(0), View.of(at)),
    signers: Signers.empty(),
    signature: new Uint8Array(96),
  });
  const status = { type: "status", status: statusAt(1) } as const;
  t.ok(isAnswerTo({ type: "status" }, status));
  t.notOk(isAnswerTo({ type: "finalBlocks", fromHeight: Height.of(1), count: 2 }, status));
  const timeouts = { type: "timeoutCertificates", fromView: View.of(3), toView: View.of(4) } as const;
  t.ok(isAnswerTo(timeouts, { type: "timeoutCertificates", certificates: [certificate(3), certificate(4)] }));
  t.notOk(isAnswerTo(timeouts, { type: "timeoutCertificates", certificates: [certificate(5)] }));
  t.ok(isAnswerTo({ type: "transactions", hashes: [] }, { type: "transactions", transactions: [] }));
  t.notOk(isAnswerTo({ type: "transactions", hashes: [] }, { type: "transactions", transactions: [new Uint8Array(1)] }));
});

const SIGNED = {
  chainId: CHAIN,
  epoch: Epoch.of(1),
  validatorSetHash: "44".repeat(32) as ValidatorSetHash,
  signer: new Uint8Array(32).fill(1),
  verifier: new Uint8Array(32).fill(2),
  challenge: new Uint8Array(32).fill(3),
  validator: index(4),
  session: new Uint8Array(16).fill(5),
};

t.test("handshakeSigningBytes: every part is bound, and the two directions differ", async (t) => {
  const variants = [
    SIGNED,
    { ...SIGNED, chainId: OTHER_CHAIN },
    { ...SIGNED, epoch: Epoch.of(2) },
    { ...SIGNED, validatorSetHash: "55".repeat(32) as ValidatorSetHash },
    { ...SIGNED, signer: SIGNED.verifier, verifier: SIGNED.signer },
    { ...SIGNED, challenge: new Uint8Array(32) },
    { ...SIGNED, validator: index(5) },
    { ...SIGNED, session: new Uint8Array(16) },
  ];
  const encodings = new Set(variants.map((variant) => toHex(handshakeSigningBytes(variant))));
  t.equal(encodings.size, variants.length);
});

t.test("builderHandshakeSigningBytes: every part is bound, and no validator's proof is among them", async (t) => {
  const parts = { ...SIGNED, builder: "66".repeat(32) as AccountId };
  const variants = [
    parts,
    { ...parts, chainId: OTHER_CHAIN },
    { ...parts, epoch: Epoch.of(2) },
    { ...parts, validatorSetHash: "55".repeat(32) as ValidatorSetHash },
    { ...parts, signer: SIGNED.verifier, verifier: SIGNED.signer },
    { ...parts, challenge: new Uint8Array(32) },
    { ...parts, builder: "67".repeat(32) as AccountId },
    { ...parts, session: new Uint8Array(16) },
  ];
  const encodings = new Set(variants.map((variant) => toHex(builderHandshakeSigningBytes(variant))));
  t.equal(encodings.size, variants.length);
  const tags = [handshakeSigningBytes(SIGNED), builderHandshakeSigningBytes(parts)].map((bytes) => toHex(bytes.subarray(0, 16)));
  t.not(tags[0], tags[1], "a key of both kinds makes proofs that differ in their first bytes");
});

t.test("handshakeCodec, linkStatusCodec: round trip; hostile bytes never throw", async (t) => {
  const hello = { ...SIGNED, validator: index(7), builder: undefined };
  const builder = "77".repeat(32) as AccountId;
  const messages: readonly HandshakeMessage[] = [
    { verdict: "accepted", hello: { ...hello, challenge: SIGNED.challenge }, signature: new Uint8Array(64) },
    { verdict: "accepted", hello: { ...hello, validator: undefined }, signature: undefined },
    { verdict: "accepted", hello: { ...hello, validator: undefined, builder }, signature: new Uint8Array(64) },
    { verdict: "wrongChain", hello: undefined, signature: undefined },
  ];
  for (const message of messages) {
    const decoded = handshakeCodec.decode(handshakeCodec.encode(message));
    t.ok(decoded.ok);
    if (decoded.ok) t.same(decoded.value.hello?.builder, message.hello?.builder);
    if (decoded.ok) t.same(handshakeCodec.encode(decoded.value), handshakeCodec.encode(message));
  }
  const both = handshakeCodec.encode({ verdict: "accepted", hello: { ...hello, builder }, signature: undefined });
  t.notOk(handshakeCodec.decode(both).ok, "nobody is a validator and a builder");
  const status: LinkStatus = { status: statusAt(9), links: Signers.of([index(1), index(3)]) };
  t.same(linkStatusCodec.decode(linkStatusCodec.encode(status)), { ok: true, value: status });
  const property = fc.property(fc.uint8Array({ maxLength: 260 }), (bytes) => {
    for (const codec of [handshakeCodec, linkStatusCodec]) {
      const versioned = bytes.slice();
      if (versioned.length > 0) versioned[0] = codec.version;
      codec.decode(bytes);
      codec.decode(versioned);
    }
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1_000 }));
});
