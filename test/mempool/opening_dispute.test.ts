/** Disputes step by step: wrong combinations, proofs, failures, and who is blamed for what. Validator 1 of four opens positions 1, 5, 9 …
 *  and combines the shares of the lowest validators first, its own among them. */

import t from "tap";
import type { OpeningEffect } from "../../mempool/opening_interface.ts";
import type { OpeningMessage, ProofBatch } from "../../types/opening_message.ts";
import type { Opening, ProvenShare } from "../../types/sealing.ts";
import { fast } from "../crypto/sealing/support.ts";
import { type Bench, blockHashOf, brief, CONFIG, heldOfFour, index, lane, SELF, type TestItem } from "./opening_fixture.ts";

/** Shares that are points, but of another secret. */
function wrongShares(of: Bench, positions: readonly number[]): OpeningMessage {
  const share = fast.suite.publicKeyOf(fast.suite.deriveSecretKey(new Uint8Array(32).fill(9)));
  return { type: "shares", blockHash: of.block.blockHash, shares: positions.map((position) => ({ position, share })) };
}

function released(...given: Parameters<typeof heldOfFour>): Bench {
  const of = heldOfFour(...given);
  of.release();
  return of;
}

const rubbish = (message: OpeningMessage): OpeningMessage =>
  message.type === "proofs" ? { ...message, batches: message.batches.map((batch) => ({ ...batch, proof: new Uint8Array(64) })) } : message;

const provenOf = (of: Bench, validator: number, position: number): ProvenShare => {
  const message = of.proofs(validator, [position]);
  const [batch] = message.type === "proofs" ? message.batches : [];
  const { shares, proof } = batch as ProofBatch;
  return { validator: index(validator), share: (shares[0] as { share: Uint8Array }).share, proof };
};

const claimOf = (of: Bench, position: number, opening: Opening): OpeningMessage => ({
  type: "seeds",
  blockHash: of.block.blockHash,
  openings: [{ position, opening }],
});

t.test("dispute: a wrong combination, one request for all positions; proofs of the others open it and leave one suspect", async (t) => {
  const of = released(lane(10));
  of.receive(0, wrongShares(of, [1, 5, 9]));
  t.same(brief(of.receive(2, of.shares(2, [1, 5, 9]))), ["*<prove 1,5,9"]);
  t.same(of.receive(3, of.shares(3, [1, 5, 9])), [], "only proven shares count from now on");
  t.same(of.receive(2, of.proofs(2, [1, 5, 9])), []);
  t.same(brief(of.receive(3, of.proofs(3, [1, 5, 9]))), ["invalidShare:0", "*<seeds 1,5,9"], "the last suspect");
  t.match(of.counts, { combine: 6, proveShares: 1, verifyShares: 3 });
  t.same(of.receive(0, of.proofs(0, [1, 5, 9])), [], "blamed once");
});

t.test("dispute: the sender proves another share than it sent, blamed by that, and the proven share counts", async (t) => {
  const of = released(lane(2));
  of.receive(0, wrongShares(of, [1]));
  of.receive(2, of.shares(2, [1]));
  t.same(brief(of.receive(0, of.proofs(0, [1]))), ["invalidShare:0"]);
  t.same(brief(of.receive(2, of.proofs(2, [1]))), ["*<seeds 1"]);
});

t.test("dispute: a proof that fails, blamed, and nothing unproven of its sender is used in this block", async (t) => {
  const of = released(lane(10));
  of.receive(0, wrongShares(of, [1]));
  of.receive(2, of.shares(2, [1]));
  t.same(brief(of.receive(0, rubbish(of.proofs(0, [1])))), ["invalidShare:0"]);
  const { verifyShares } = of.counts;
  t.same(of.receive(0, rubbish(of.proofs(0, [1]))), [], "an answer counts once");
  t.equal(of.counts.verifyShares, verifyShares);
  of.receive(0, of.shares(0, [5]));
  t.same(of.receive(2, of.shares(2, [5])), [], "three shares, one of them unheard");
  t.same(brief(of.receive(3, of.shares(3, [5]))), ["*<seeds 5"]);
});

t.test("dispute: two suspects that stay silent, nobody is blamed; they are used last until a share of theirs is right", async (t) => {
  const of = released(lane(2));
  of.receive(0, wrongShares(of, [1]));
  of.receive(2, of.shares(2, [1]));
  t.same(brief(of.receive(3, claimOf(of, 1, { type: "seed", seed: of.seedOf(1) }))), []);
  of.receive(3, claimOf(of, 0, { type: "seed", seed: of.seedOf(0) }));
  of.openings.forget(of.block.blockHash);
  const blockHash = blockHashOf(2);
  const next: Bench = { ...of, block: { ...of.block, blockHash } };
  of.openings.hold(next.block);
  of.openings.release({ blockHash, secretShare: of.keys.secretShares[SELF] });
  const again = (message: OpeningMessage): OpeningMessage => ({ ...message, blockHash });
  const effects: OpeningEffect[] = [];
  for (const from of [0, 2, 3]) effects.push(...of.receive(from, again(of.shares(from, [1]))));
  t.same(effects, [], "own and 3 are trusted, one fewer than needed");
  of.openings.finalize({ blockHash, nowMs: 0 });
  t.same(brief(of.openings.timer(100)), ["*<shares 0,1", "*<ask 0,1", "*<seeds 1"], "in the fall-back 0 counts, and is right");
  const third = blockHashOf(3);
  of.openings.hold({ ...of.block, blockHash: third });
  of.openings.release({ blockHash: third, secretShare: of.keys.secretShares[SELF] });
  of.receive(0, { ...of.shares(0, [1]), blockHash: third });
  t.same(of.receive(2, { ...of.shares(2, [1]), blockHash: third }), [], "2 was not needed, so it is still doubted");
  t.same(brief(of.receive(3, { ...of.shares(3, [1]), blockHash: third })), ["*<seeds 1"], "0 is trusted again");
});

t.test("dispute: shares steered to what a lying sealer hid, seed refused, sender blamed, failed", async (t) => {
  const of = released(["honest", "steered"]);
  const { sealed } = of.block.items[1] as TestItem;
  const shareOf = (validator: number) => ({
    validator: index(validator),
    share: fast.suite.shareOf(of.keys.secretShares[validator] as Uint8Array, sealed),
  });
  const { share } = fast.steer({ others: [shareOf(0), shareOf(1)], validator: index(2), factor: 77 });
  of.receive(0, of.shares(0, [1]));
  t.same(brief(of.receive(2, { type: "shares", blockHash: of.block.blockHash, shares: [{ position: 1, share }] })), ["*<prove 1"]);
  of.receive(0, of.proofs(0, [1]));
  t.same(brief(of.receive(2, of.proofs(2, [1]))), ["invalidShare:2", "*<seeds 1!"], "proofs over one position serve");
  const { forgedSeed } = of.block.items[1] as TestItem;
  t.same(brief(of.receive(3, claimOf(of, 1, { type: "seed", seed: forgedSeed }))), ["invalidSeed:3"]);
});

t.test(
  "failure: proven shares without a seed, each is proven by itself, then the failure is told with exactly threshold proofs",
  async (t) => {
    const of = released(["honest", "wrongHidden", "honest", "honest", "honest", "wrongExponent"]);
    of.receive(0, of.shares(0, [1, 5]));
    t.same(brief(of.receive(3, of.shares(3, [1, 5]))), ["*<prove 1,5"]);
    t.same(of.receive(0, of.proofs(0, [1, 5])), []);
    t.same(brief(of.receive(3, of.proofs(3, [1, 5]))), ["*<prove 1,5 separately"]);
    t.same(of.receive(2, of.proofs(2, [1, 5], true)), []);
    t.same(brief(of.receive(0, of.proofs(0, [1, 5], true))), ["*<seeds 1!,5!"]);
    const { verifyShares } = of.counts;
    t.same(of.receive(3, of.proofs(3, [1, 5], true)), []);
    t.equal(of.counts.verifyShares, verifyShares, "not needed, not verified");
    const other = heldOfFour(["honest", "wrongHidden"]);
    const opening = of.openings.status()[0];
    t.equal(opening?.openedCount, 2);
    t.equal(other.openings.status()[0]?.openedCount, 0);
  },
);

t.test("failure: a claim is taken with threshold right proofs of different validators and no other; a false one is blamed", async (t) => {
  const forged = heldOfFour(["wrongHidden", "honest"]);
  const proven = [0, 2, 3].map((validator) => provenOf(forged, validator, 0)) as [ProvenShare, ProvenShare, ProvenShare];
  const [first, second, third] = proven;
  const wrong: readonly (readonly [string, readonly ProvenShare[]])[] = [
    ["too few", [first, second]],
    ["too many", [first, provenOf(forged, 1, 0), second, third]],
    ["one validator twice", [first, second, second]],
    ["not ascending", [first, third, second]],
    ["a wrong proof", [first, second, { ...third, proof: first.proof }]],
    ["another validator's share", [first, second, { ...second, validator: index(3) }]],
    ["a validator beyond the set", [first, second, { ...third, validator: index(4) }]],
    ["no shares", []],
  ];
  for (const [name, shares] of wrong) {
    const of = heldOfFour(["wrongHidden", "honest"]);
    t.same(brief(of.receive(3, claimOf(of, 0, { type: "failed", shares }))), ["falseFailure:3"], name);
    t.equal(of.openings.status()[0]?.openedCount, 0, name);
  }
  const failed: Opening = { type: "failed", shares: proven };
  t.same(forged.receive(0, claimOf(forged, 0, failed)), []);
  t.equal(forged.openings.status()[0]?.openedCount, 1);
  t.same(forged.receive(2, claimOf(forged, 0, { ...failed, shares: [] })), [], "known to have failed: not judged again");
});

t.test("failure: claimed with proven shares that do combine, the seed is taken and the claimer blamed", async (t) => {
  const of = heldOfFour(lane(2));
  const shares = [0, 2, 3].map((validator) => provenOf(of, validator, 1));
  t.same(brief(of.receive(2, claimOf(of, 1, { type: "failed", shares }))), ["falseFailure:2", "*<seeds 1"]);
  t.same(brief(of.receive(3, claimOf(of, 1, { type: "failed", shares }))), ["falseFailure:3"], "open already");
});

t.test("dispute: our own secret is damaged, nobody else is blamed and the others' proven shares open", async (t) => {
  const of = heldOfFour(lane(2));
  of.openings.release({ blockHash: of.block.blockHash, secretShare: fast.suite.deriveSecretKey(new Uint8Array(32).fill(1)) });
  of.receive(0, of.shares(0, [1]));
  const effects = [...of.receive(2, of.shares(2, [1]))];
  for (const from of [0, 2, 3]) effects.push(...of.receive(from, of.proofs(from, [1])));
  t.same(brief(effects), ["*<prove 1", "*<seeds 1"]);
});

t.test("dispute: not answered, asked again in the fall-back in the same words", async (t) => {
  const of = released(lane(2));
  of.receive(0, wrongShares(of, [1]));
  of.receive(2, of.shares(2, [1]));
  of.openings.finalize({ blockHash: of.block.blockHash, nowMs: 0 });
  t.same(brief(of.openings.timer(100)), ["*<shares 0,1", "*<ask 0,1", "*<prove 1"]);
});

t.test("few sealed: after a dispute the opener tells the seed, others do not", async (t) => {
  const of = released(lane(2), { ...CONFIG, fewSealed: 9 });
  of.receive(0, wrongShares(of, [0, 1]));
  t.same(brief(of.receive(2, of.shares(2, [0, 1]))), ["*<prove 0,1"]);
  of.receive(2, of.proofs(2, [0, 1]));
  t.same(brief(of.receive(3, of.proofs(3, [0, 1]))), ["invalidShare:0", "opened", "*<seeds 1"]);
});

t.test("proofs: not asked for, over other positions, or when no use any more, no effect and no verification", async (t) => {
  const of = released(lane(6));
  t.same(of.receive(0, rubbish(of.proofs(0, [1]))), []);
  of.receive(0, wrongShares(of, [1, 5]));
  of.receive(2, of.shares(2, [1, 5]));
  const { verifyShares } = of.counts;
  for (const positions of [[1], [5], [1, 2], [0, 1, 5]]) t.same(of.receive(3, rubbish(of.proofs(3, positions))), []);
  t.equal(of.counts.verifyShares, verifyShares);
});

t.test("shares: a second one that differs, blamed; the first stays", async (t) => {
  const of = released(lane(2));
  of.receive(0, of.shares(0, [1]));
  t.same(brief(of.receive(0, wrongShares(of, [1]))), ["conflictingShare:0"]);
  t.same(brief(of.receive(2, of.shares(2, [1]))), ["*<seeds 1"]);
});

/** The same sealed lane in another block, held and released. */
function nextBlock(of: Bench, number: number): (message: OpeningMessage) => OpeningMessage {
  const blockHash = blockHashOf(number);
  of.openings.hold({ ...of.block, blockHash });
  of.openings.release({ blockHash, secretShare: of.keys.secretShares[SELF] });
  return (message) => ({ ...message, blockHash });
}

t.test("distrust: who was caught is not combined first in the next block", async (t) => {
  const of = released(lane(2));
  of.receive(0, wrongShares(of, [1]));
  of.receive(2, of.shares(2, [1]));
  of.receive(0, rubbish(of.proofs(0, [1])));
  const again = nextBlock(of, 2);
  of.receive(0, again(wrongShares(of, [1])));
  t.same(of.receive(2, again(of.shares(2, [1]))), []);
  t.same(brief(of.receive(3, again(of.shares(3, [1])))), ["*<seeds 1"]);
});

t.test("distrust: a right proof ends it", async (t) => {
  const of = released(lane(2));
  of.receive(0, wrongShares(of, [1]));
  of.receive(2, of.shares(2, [1]));
  of.receive(3, claimOf(of, 1, { type: "seed", seed: of.seedOf(1) }));
  of.receive(3, claimOf(of, 0, { type: "seed", seed: of.seedOf(0) }));
  of.openings.forget(of.block.blockHash);
  const second = nextBlock(of, 2);
  of.receive(3, second(wrongShares(of, [1])));
  t.same(of.receive(0, second(of.shares(0, [1]))), []);
  t.same(of.receive(2, second(of.shares(2, [1]))), []);
  of.openings.finalize({ blockHash: blockHashOf(2), nowMs: 0 });
  t.same(brief(of.openings.timer(100)).slice(2), ["*<prove 1"], "own, 3, and one that is doubted");
  of.receive(0, second(of.proofs(0, [1])));
  t.same(brief(of.receive(2, second(of.proofs(2, [1])))), ["invalidShare:3", "*<seeds 1"]);
  const third = nextBlock(of, 3);
  of.receive(0, third(of.shares(0, [1])));
  t.same(brief(of.receive(2, third(of.shares(2, [1])))), ["*<seeds 1"]);
});

t.test("dispute: a stored share of ours is damaged and cannot be proven, nobody is blamed", async (t) => {
  const of = heldOfFour(lane(2));
  const bytes = Uint8Array.from({ length: 65 }, (_, at) => (at === 0 ? 1 : at));
  of.openings.restoreShares({ blockHash: of.block.blockHash, bytes, secretShare: undefined });
  of.receive(0, of.shares(0, [1]));
  const effects = [...of.receive(2, of.shares(2, [1]))];
  for (const from of [0, 2, 3]) effects.push(...of.receive(from, of.proofs(from, [1])));
  t.same(brief(effects), ["*<prove 1", "*<seeds 1"]);
});
