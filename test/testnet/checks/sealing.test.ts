/** Checkers of sealed transactions: each leak, omission or contradiction fires; the closest legal history is silent. */

import t from "tap";
import { createFinalChain } from "../../../testnet/checks/final_chain.ts";
import { createLeaks } from "../../../testnet/checks/leaked_shares.ts";
import { createNoCensorshipChecker } from "../../../testnet/checks/no_censorship.ts";
import { createSameOpeningsChecker } from "../../../testnet/checks/same_openings.ts";
import { createSealedBlocks } from "../../../testnet/checks/sealed_blocks.ts";
import { createIrrevocable, createSecrecyChecker } from "../../../testnet/checks/secrecy.ts";
import { createShareDisciplineChecker } from "../../../testnet/checks/share_discipline.ts";
import type { ListEntry } from "../../../types/envelope.ts";
import { Epoch, Height, type TransactionHash, ValidatorIndex, View } from "../../../types/ids.ts";
import type { Message } from "../../../types/message.ts";
import type { KeyId, Opening } from "../../../types/sealing.ts";
import { ballotOf } from "../../support/consensus_fixture.ts";
import { finalizes, firstViolation, type MadeBlock, makeBlock, proposes, saved, signs, stores, type Untimed, worldOf } from "./history.ts";

/** Of four validators the last is a traitor: three shares open, and it has one itself. */
const WORLD = worldOf({ traitors: [3] });
const { cluster } = WORLD;
const KEY = "77".repeat(32) as KeyId;

/** A block whose two transactions are its sealed lane; the checkers at hand look at no other field of them. */
const SEALED: MadeBlock = makeBlock(WORLD, undefined, {
  view: 1,
  transactions: [Uint8Array.of(2, 1), Uint8Array.of(2, 2)],
  change: { sealedCount: 2, keyId: KEY },
});
const LEADER = SEALED.header.proposer;
const MEMBERS = [0, 1, 2] as const;
const OTHER_HASH = "99".repeat(32) as TransactionHash;

const proposed = proposes(LEADER, SEALED.proposal);
const commits = (validator: number): Untimed => signs(WORLD, validator, ballotOf("commit", SEALED.header));
const votes = (validator: number): Untimed => signs(WORLD, validator, ballotOf("vote", SEALED.header));
const sends = (from: number, message: Message): Untimed => ({ type: "sent", from, to: (from + 1) % 4, message }) as unknown as Untimed;
const shareOf = (validator: number, position: number): Uint8Array => new Uint8Array(32).fill(16 * validator + position + 1);
const shares = (from: number, positions: readonly number[], share = shareOf): Untimed =>
  sends(from, {
    type: "shares",
    blockHash: SEALED.blockHash,
    shares: positions.map((position) => ({ position, share: share(from, position) })),
  });
const seeds = (from: number): Untimed =>
  sends(from, {
    type: "seeds",
    blockHash: SEALED.blockHash,
    openings: [{ position: 0, opening: { type: "seed", seed: new Uint8Array(32) } }],
  });
const storesShares = (validator: number, share = shareOf): Untimed =>
  saved(validator, {
    shares: [
      {
        blockHash: SEALED.blockHash,
        height: SEALED.header.height,
        shares: Uint8Array.from([1, ...share(validator, 0), ...share(validator, 1)]),
      },
    ],
  });

function secrecyOf(facts: readonly Untimed[]): string | undefined {
  const blocks = createSealedBlocks();
  const checker = createSecrecyChecker(cluster, {
    blocks,
    irrevocable: createIrrevocable(cluster, blocks),
    leaks: createLeaks(cluster, blocks),
  });
  return firstViolation(checker, [proposed, ...facts])?.detail;
}

function disciplineOf(facts: readonly Untimed[]): string | undefined {
  const blocks = createSealedBlocks();
  const checker = createShareDisciplineChecker(cluster, { blocks, irrevocable: createIrrevocable(cluster, blocks) });
  return firstViolation(checker, [proposed, ...facts])?.detail;
}

t.test(
  "secrecy: shares that with the traitors' open something which may still be lost, fires; after f + 1 commit votes, silent",
  async (t) => {
    t.equal(secrecyOf([shares(0, [0, 1])]), undefined, "one share and the traitor's: t − 1");
    t.match(secrecyOf([shares(0, [0]), shares(1, [0])]), /validator 1 sent, 3 shares/);
    t.equal(secrecyOf([shares(0, [0]), shares(1, [1])]), undefined, "of different transactions");
    t.equal(secrecyOf([shares(0, [0]), shares(0, [0])]), undefined, "the same one again");
    t.equal(secrecyOf([commits(0), shares(0, [0]), commits(1), shares(1, [0]), shares(2, [0])]), undefined);
    t.match(
      secrecyOf([commits(0), commits(3), shares(0, [0]), shares(1, [0])]),
      /although no block/,
      "a traitor's commit vote is worth nothing",
    );
    t.match(secrecyOf([votes(0), votes(1), votes(2), shares(0, [0]), shares(1, [0])]), /although no block/, "votes are no commit votes");
  },
);

t.test("secrecy: a seed told of a block that may still be lost, fires", async (t) => {
  t.match(secrecyOf([seeds(0)]), /tells seeds/);
  t.equal(secrecyOf([seeds(3)]), undefined, "a traitor's");
  t.equal(secrecyOf([commits(0), commits(1), seeds(0)]), undefined);
});

t.test("share discipline: sent while the block can be lost, not stored, or others than stored, fires", async (t) => {
  const isCertain = [commits(1), commits(2)];
  t.equal(disciplineOf([...isCertain, storesShares(0), shares(0, [0, 1])]), undefined, "whoever commit-voted");
  t.match(disciplineOf([storesShares(0), shares(0, [0])]), /can still be lost/);
  t.match(disciplineOf([commits(0), storesShares(0), shares(0, [0])]), /can still be lost/, "the own commit vote is not enough");
  t.match(disciplineOf([...isCertain, shares(0, [0])]), /not on its disk/);
  t.match(disciplineOf([...isCertain, storesShares(0), shares(0, [1], () => new Uint8Array(32))]), /position 1 is not the one/);
  t.match(disciplineOf([storesShares(0), storesShares(0, () => new Uint8Array(32).fill(5))]), /stored other shares/);
  t.equal(disciplineOf([shares(3, [0])]), undefined, "a traitor's");
});

const entryOfId = (id: TransactionHash, expiryHeight = 9): ListEntry => ({
  id,
  expiryHeight: Height.of(expiryHeight),
  feeClass: 1,
  sizeClass: 0,
});

function lists(from: number, entries: readonly ListEntry[], sequence = 1): Untimed {
  const validator = ValidatorIndex.of(from);
  return sends(from, {
    type: "list",
    list: { epoch: Epoch.of(0), view: View.of(1), sequence, validator, entries, signature: new Uint8Array(64) },
  });
}

function censorshipOf(facts: readonly Untimed[]): string | undefined {
  const checker = createNoCensorshipChecker(cluster, { blocks: createSealedBlocks(), chain: createFinalChain(cluster) });
  return firstViolation(checker, [proposed, ...facts, stores(0, SEALED), ...finalizes(0, SEALED)])?.detail;
}

t.test("noCensorship: named by every honest validator but the leader and left out of a final lane with room, fires", async (t) => {
  const others = MEMBERS.filter((validator) => validator !== LEADER);
  const [ordered] = SEALED.proposal.transactionHashes as [TransactionHash];
  const all = (...entries: readonly ListEntry[]) => others.map((validator) => lists(validator, entries));
  t.match(censorshipOf(all(entryOfId(OTHER_HASH))), /leaves out sealed transaction/);
  t.equal(censorshipOf(all(entryOfId(ordered))), undefined, "in the lane");
  t.equal(censorshipOf(all(entryOfId(OTHER_HASH, 0))), undefined, "expired");
  t.equal(censorshipOf(all(entryOfId(OTHER_HASH)).slice(1)), undefined, "not named by one");
  const [first] = others as [number];
  t.equal(censorshipOf([lists(first, [], 1), ...all(entryOfId(OTHER_HASH))]), undefined, "an earlier list of one does not name it");
});

t.test("sameOpenings: honest validators that open differently, or blame an honest one, fires", async (t) => {
  const seedOf = (byte: number): Opening => ({ type: "seed", seed: new Uint8Array(32).fill(byte) });
  const failed: Opening = { type: "failed", shares: [] };
  const opens = (validator: number, openings: readonly Opening[]): Untimed => {
    const { header, blockHash } = SEALED;
    const { height, executedRoot: stateRoot } = header;
    return saved(validator, { operations: [{ height, blockHash, stateRoot, receipts: [], bundleReceipts: [], openings }] });
  };
  const sameOf = (facts: readonly Untimed[]) => firstViolation(createSameOpeningsChecker(cluster), facts)?.detail;
  t.equal(sameOf(MEMBERS.map((validator) => opens(validator, [seedOf(1), failed]))), undefined);
  t.match(sameOf([opens(0, [seedOf(1)]), opens(1, [seedOf(2)])]), /Validators 0 and 1 opened/);
  t.match(sameOf([opens(0, [seedOf(1)]), opens(1, [failed])]), /differently/);
  t.match(sameOf([opens(0, [seedOf(1)]), opens(1, [seedOf(1), seedOf(1)])]), /differently/);
  t.equal(sameOf([opens(0, [seedOf(1)]), opens(3, [seedOf(2)])]), undefined, "a traitor's store");
  const blames = (validator: number, reason: string): Untimed =>
    ({ type: "penalized", validator: 0, sender: { type: "validator", validator, peer: "p" }, reason }) as unknown as Untimed;
  t.match(sameOf([blames(1, "invalidOpening")]), /which is honest/);
  t.match(sameOf([blames(1, "invalidList")]), /which is honest/);
  t.equal(sameOf([blames(3, "invalidOpening")]), undefined);
});
