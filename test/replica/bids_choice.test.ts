/** Which bids a leader looks at, and which it builds with: whatever voters would refuse, or what is not here, is left aside before it costs anything. */

import t from "tap";
import { AUCTION_LIMITS, createAuction } from "../../builder/auction.ts";
import { bodyRootOf, hashHeader, sha256 } from "../../crypto/hashes.ts";
import { acceptBid, type Builders, chooseBid } from "../../replica/bid_flow.ts";
import type { Context } from "../../replica/context.ts";
import type { ReplicaEffect } from "../../replica/interface.ts";
import type { ParsedTransaction } from "../../types/application.ts";
import { NO_BID } from "../../types/bid.ts";
import { asciiBytes, fromHex, toHex } from "../../types/bytes.ts";
import { type BlockHash, Epoch, Height, type TransactionHash, type ValidatorSetHash, View } from "../../types/ids.ts";
import { TAIL_TRANSACTIONS_MAX } from "../../types/limits.ts";
import type { KeyId } from "../../types/sealing.ts";
import type { PeerKey } from "../../types/sender.ts";
import type { SigningDomain } from "../../types/signing.ts";
import { buildTransaction, OPERATION_KINDS } from "../../types/transaction.ts";
import { type BidShape, named, offered } from "../builder/builder_world.ts";
import { BOND, type BuiltWorld, createBuiltWorld } from "../support/built_world.ts";
import { CHAIN_ID } from "../support/chain.ts";
import type { ClusterNode } from "../support/replica_cluster.ts";
import { signEd } from "../support/replica_members.ts";
import { userOf } from "../support/sealed_world.ts";

type SignProposal = Extract<ReplicaEffect, { type: "signProposal" }>;

const nameOf = (text: string): TransactionHash => toHex<TransactionHash>(sha256(asciiBytes(text)));

/** Idle, with a key and a builder: nothing is proposed for a while unless there is work. */
function idleWorld(seed: number): BuiltWorld {
  const consensus = { deltaMsMin: 50, deltaMsMax: 2_000, heartbeatMs: 10_000, proposeDelayMs: 0, resendMs: 300 };
  const world = createBuiltWorld({ count: 4, seed, delayMs: [2, 2], config: { consensus } });
  world.generateKey();
  world.registerBuilder();
  world.run({ forMs: 2_000 });
  return world;
}

function parsed({ replica }: ClusterNode, bytes: Uint8Array): ParsedTransaction {
  const result = replica.parse(bytes);
  if (!result.ok) throw new Error("a transfer parses");
  return result.transaction;
}

/** The proposals of all, as they are signed. */
function watchProposals(world: BuiltWorld): SignProposal[] {
  const seen: SignProposal[] = [];
  world.intercept = (_, effect) => {
    if (effect.type === "signProposal") seen.push(effect);
    return false;
  };
  return seen;
}

const nodeAt = (world: BuiltWorld, index: number): ClusterNode => world.nodes[index] as ClusterNode;

/** Bids for the next block with a tail of this transaction, and hands the leader what makes it propose; says whether the bid was taken. */
function isTaken(world: BuiltWorld, given: { readonly tail: ParsedTransaction; readonly trigger: Uint8Array }): boolean {
  const { opportunity, material } = world.opportunityAt(nodeAt(world, 0));
  const leader = nodeAt(world, opportunity.leader);
  world.push(leader, world.bid({ opportunity, material, value: 5n, tail: [given.tail] }));
  const seen = watchProposals(world);
  world.hand(leader.index, given.trigger);
  world.run({ forMs: 200 });
  const proposal = seen.find(({ header }) => header.view === opportunity.view);
  if (proposal === undefined) throw new Error("the leader proposes");
  return proposal.header.bidHash !== NO_BID;
}

t.test("B9: a tail that waits at the leader is built with; one that is final already is not", async (t) => {
  const world = idleWorld(80);
  const waiting = world.transfer(1);
  const tail = parsed(nodeAt(world, 0), waiting);
  t.ok(isTaken(world, { tail, trigger: waiting }));
  const isFinal = (): boolean =>
    world.nodes.every(({ finalized }) => finalized.some(({ receipts }) => receipts.some(({ hash }) => hash === tail.hash)));
  t.ok(world.run({ forMs: 5_000, until: isFinal }));
  t.notOk(isTaken(world, { tail, trigger: world.transfer(2) }));
});

/** A certified block with `bytes` on which the next leader builds, while nothing becomes final. */
function certify(world: BuiltWorld, bytes: Uint8Array) {
  world.filter = ({ kind }) => kind !== "commit";
  const before = nodeAt(world, 0).replica.status.view;
  const seen = watchProposals(world);
  for (const node of world.nodes) world.hand(node.index, bytes);
  const isOver = (): boolean => world.nodes.every(({ replica }) => replica.status.view > before);
  if (!world.run({ forMs: 2_000, until: isOver })) throw new Error("the block is certified");
  const header = seen.find((each) => each.header.view === before)?.header;
  if (header === undefined) throw new Error("the leader proposes");
  const { view, leader } = nodeAt(world, 0).replica.status;
  return { opportunity: { height: Height.next(header.height), parentHash: hashHeader(header), view, leader }, seen };
}

t.test("B9: a tail that a certified ancestor carries is not built with, another one is", async (t) => {
  for (const isCarried of [true, false]) {
    const world = idleWorld(81);
    const [first, second] = [world.transfer(1), world.transfer(2)];
    const { opportunity, seen } = certify(world, first);
    const leader = nodeAt(world, opportunity.leader);
    const { material } = world.opportunityAt(leader);
    world.push(leader, world.bid({ opportunity, material, value: 5n, tail: [parsed(leader, isCarried ? first : second)] }));
    world.hand(leader.index, second);
    world.run({ forMs: 30 });
    const proposal = seen.find(({ header }) => header.view === opportunity.view);
    t.equal(proposal?.header.height, opportunity.height);
    t.equal(proposal?.header.bidHash !== NO_BID, !isCarried);
  }
});

t.test("B9: a tail that expires below the block is not built with, one that expires with it is", async (t) => {
  for (const isLate of [true, false]) {
    const world = idleWorld(82);
    const { opportunity, seen } = certify(world, world.transfer(1));
    const leader = nodeAt(world, opportunity.leader);
    const { material } = world.opportunityAt(leader);
    const bytes = expiring(Height.of(isLate ? opportunity.height - 1 : opportunity.height));
    world.push(leader, world.bid({ opportunity, material, value: 5n, tail: [parsed(leader, bytes)] }));
    world.hand(leader.index, bytes);
    world.hand(leader.index, world.transfer(3));
    world.run({ forMs: 30 });
    const proposal = seen.find(({ header }) => header.view === opportunity.view);
    t.equal(proposal?.header.height, opportunity.height);
    t.equal(proposal?.header.bidHash !== NO_BID, !isLate);
  }
});

function expiring(expiryHeight: Height): Uint8Array {
  const account = userOf(7);
  const operation = { kind: OPERATION_KINDS.transfer, flags: 0, index: 0, asset: 1, account, amount: 1n, reference: 0 } as const;
  const payload = { chainId: CHAIN_ID, sender: userOf(2), nonce: 77, expiryHeight, feeMax: 100n, operations: [operation] };
  return buildTransaction({ payload, sign: (message) => signEd(fromHex(userOf(2)), message) });
}

t.test("acceptBid: only who leads one of the next three views looks at a bid, and only for the next three heights", async (t) => {
  const world = idleWorld(83);
  const { opportunity, material } = world.opportunityAt(nodeAt(world, 0));
  const isLookedAt = (node: ClusterNode, heightsAhead: number): boolean => {
    const height = Height.plus(opportunity.height, heightsAhead);
    const before = node.effects.length;
    // Signed by somebody else: whoever looks at it blames the sender.
    world.push(node, world.bid({ opportunity, material, value: 1n, tail: [], signer: 3, change: { height } }));
    world.run({ forMs: 5 });
    return node.effects.slice(before).some((effect) => effect.type === "penalize" && effect.reason === "invalidBid");
  };
  const leaderAt = (ahead: number): ClusterNode => nodeAt(world, (opportunity.leader + ahead) % 4);
  t.same(
    [0, 1, 2, 3].map((ahead) => isLookedAt(leaderAt(ahead), 0)),
    [true, true, true, false],
  );
  t.same(
    [-1, 0, 1, 2, 3, 15].map((ahead) => isLookedAt(leaderAt(0), ahead)),
    [false, true, true, true, false, false],
  );
});

/** Users 6 and 7 as builders, too. */
function registerTwo(world: BuiltWorld): void {
  for (const user of [6, 7]) {
    const builder = userOf(user);
    const operation = {
      kind: OPERATION_KINDS.builderRegister,
      flags: 0,
      index: 0,
      asset: 0,
      account: builder,
      amount: BOND,
      reference: 0,
    } as const;
    const payload = {
      chainId: CHAIN_ID,
      sender: builder,
      nonce: 9,
      expiryHeight: Height.of(10_000),
      feeMax: 100n,
      operations: [operation],
    };
    world.submit(0, buildTransaction({ payload, sign: (message) => signEd(fromHex(builder), message) }));
  }
  const isKnown = ({ application }: ClusterNode): boolean => [6, 7].every((user) => application.builderOf?.(userOf(user)) !== undefined);
  if (!world.run({ forMs: 5_000, until: () => world.nodes.every(isKnown) })) throw new Error("the two are registered");
}

t.test("B9: bids of others with tails that nobody holds, or on parents that nobody knows, keep an honest one out of nothing", async (t) => {
  const world = idleWorld(84);
  registerTwo(world);
  const trigger = world.transfer(1);
  const { opportunity, material } = world.opportunityAt(nodeAt(world, 0));
  const leader = nodeAt(world, opportunity.leader);
  for (const user of [6, 7]) {
    const tailHashes = Array.from({ length: TAIL_TRANSACTIONS_MAX }, (_, index) => nameOf(`${user} ${index}`));
    const change = { builder: userOf(user), tailRoot: bodyRootOf(tailHashes), tailCount: tailHashes.length, tailBytes: 100, gas: 100 };
    const { bid } = world.bid({ opportunity, material, value: 9n, tail: [], signer: user, change });
    world.push(leader, { bid, tailHashes });
    for (let ahead = 0; ahead < 16; ahead++) {
      const elsewhere = { builder: userOf(user), height: Height.plus(opportunity.height, ahead), parentHash: "ab".repeat(32) as BlockHash };
      world.push(leader, world.bid({ opportunity, material, value: 99n, tail: [], signer: user, change: elsewhere }));
    }
  }
  t.ok(isTaken(world, { tail: parsed(leader, trigger), trigger }));
});

/** A leader whose pool knows every name but some, with these tails offered, and what it looks up. */
function lookUpsFor(
  tails: readonly { readonly value: number; readonly hashes: readonly TransactionHash[] }[],
  isUnknown: (hash: TransactionHash) => boolean,
) {
  const auction = createAuction();
  for (const [index, { value, hashes }] of tails.entries()) {
    const { bid } = offered({ builder: `builder ${index}`, value });
    const terms = { tailRoot: bodyRootOf(hashes), tailCount: hashes.length, tailBytes: hashes.length, gas: hashes.length };
    auction.offer({ bid: { ...bid, ...terms }, tailHashes: hashes });
  }
  let lookUps = 0;
  const get = (hash: TransactionHash): ParsedTransaction | undefined => {
    lookUps++;
    if (isUnknown(hash)) return undefined;
    return { hash, bytes: new Uint8Array(1), sender: "", nonce: 0, expiryHeight: Height.of(9), operationCount: 1 };
  };
  const builder = { bond: 1_000n, feeRecipient: userOf(0), endpoint: undefined, isActiveAt: () => true };
  const history = { at: () => ({ isKnown: true, builder }), promised: () => 0n };
  const context = {
    builders: { auction, history } as unknown as Builders,
    config: { takesBids: true },
    work: { carriedBy: () => new Set() },
    execution: { final: { height: Height.ZERO, blockHash: "00".repeat(32) } },
    recentlyFinal: new Set(),
    pool: { get },
    bodies: { find: () => undefined },
  } as unknown as Context;
  const { parentHash } = offered().bid;
  const block = { height: Height.of(1), view: View.of(1), parentHash, executedHeight: Height.ZERO, keyId: "" as KeyId };
  return { value: chooseBid(context, block)?.bid.value, lookUps };
}

t.test("B9, bounded: so many transactions of tails are looked for in all; what ends a look early costs the others nothing", async (t) => {
  const full = (name: string, count = TAIL_TRANSACTIONS_MAX): TransactionHash[] =>
    Array.from({ length: count }, (_, index) => nameOf(`${name} ${index}`));
  const unknown = nameOf("unknown");
  const isUnknown = (hash: TransactionHash): boolean => hash === unknown;
  const almost = (name: string): TransactionHash[] => [...full(name, TAIL_TRANSACTIONS_MAX - 1), unknown];
  const honest = { value: 1, hashes: [nameOf("honest")] };
  const one = lookUpsFor(
    [
      { value: 9, hashes: almost("a") },
      { value: 1, hashes: full("b") },
    ],
    isUnknown,
  );
  t.same(one, { value: 1n, lookUps: 2 * TAIL_TRANSACTIONS_MAX }, "the largest tail after another that lacks its last");
  const three = ["a", "b", "c"].map((name, index) => ({ value: 9 - index, hashes: almost(name) }));
  t.same(
    lookUpsFor([...three, honest], isUnknown),
    { value: undefined, lookUps: 2 * TAIL_TRANSACTIONS_MAX },
    "then the leader builds itself",
  );
  const early = Array.from({ length: 60 }, (_, index) => ({ value: 9, hashes: [unknown, ...full(`${index}`, 20)] }));
  t.same(lookUpsFor([...early, honest], isUnknown), { value: 1n, lookUps: 61 });
  const repeated = ["a", "b", "c"].map((name) => ({ value: 9, hashes: Array.from({ length: TAIL_TRANSACTIONS_MAX }, () => nameOf(name)) }));
  t.same(lookUpsFor([...repeated, honest], isUnknown), { value: 1n, lookUps: 4 });
});

const DOMAIN: SigningDomain = {
  chainId: CHAIN_ID,
  epoch: Epoch.ZERO,
  validatorSetHash: named<ValidatorSetHash>("set"),
};

/** A leader whose highest certified block "tip" is at height 5 while 2 is final. */
function leaderAtFive() {
  const auction = createAuction();
  const tip = named<BlockHash>("tip");
  const penalties: unknown[] = [];
  const builder = { bond: 1_000n, feeRecipient: userOf(0), endpoint: undefined, isActiveAt: () => true };
  const context = {
    builders: { auction, domain: DOMAIN, self: 0, verifyEd25519: () => true } as unknown as Builders,
    config: { takesBids: true },
    application: { builderOf: () => builder },
    consensus: { status: { view: View.of(7) }, leaderOf: () => 0 },
    execution: { final: { height: Height.of(2), blockHash: named<BlockHash>("final") } },
    certifiedTip: { view: View.of(6), blockHash: tip },
    bodies: { get: (hash: BlockHash) => (hash === tip ? { proposal: { header: { height: Height.of(5) } } } : undefined) },
    outbox: { effects: penalties },
  } as unknown as Context;
  const give = (shape: BidShape): void => {
    const { bid } = offered(shape);
    acceptBid(context, { type: "relay", peer: "builder" as PeerKey }, { bid: { ...bid, tailRoot: bodyRootOf([]) }, tailHashes: [] });
  };
  return { auction, give, penalties };
}

t.test("acceptBid: heights count from the highest certified block, not from the final one", async (t) => {
  const { auction, give, penalties } = leaderAtFive();
  const isKept = (height: number): boolean => {
    const before = auction.count;
    give({ height, parent: `below ${height}` });
    return auction.count > before;
  };
  t.same([3, 5, 6, 7, 8, 9].map(isKept), [false, false, true, true, true, false]);
  t.same(penalties, []);
});

t.test("acceptBid: a crowd of bids on parents that nobody knows gives way to one on the certified block", async (t) => {
  const { auction, give } = leaderAtFive();
  for (let index = 0; index < 40; index++) {
    for (const parent of ["nowhere", "elsewhere"]) give({ builder: `crowd ${index}`, height: 6, parent, value: 900 });
  }
  t.equal(auction.count, AUCTION_LIMITS.bidsMax);
  give({ height: 6, parent: "tip", value: 1 });
  const request = { height: Height.of(6), parentHash: named<BlockHash>("tip"), view: View.of(7) };
  t.equal(auction.best({ ...request, isUsable: () => true })?.bid.value, 1n);
});
