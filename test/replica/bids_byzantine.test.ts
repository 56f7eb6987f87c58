/** A leader that puts a bid into its block which no voter may accept: nobody votes, the view ends, the chain goes on. One case for each rule. */

import t from "tap";
import { bidHashOf, hashHeader } from "../../crypto/hashes.ts";
import type { ReplicaEffect } from "../../replica/interface.ts";
import type { ParsedTransaction } from "../../types/application.ts";
import { hasBundle, type OfferedBid } from "../../types/bid.ts";
import { type BlockHash, Height, View } from "../../types/ids.ts";
import { UNOPENED_BLOCKS_MAX } from "../../types/limits.ts";
import { type BidGiven, BOND, type BuiltWorld, createBuiltWorld } from "../support/built_world.ts";
import { type ClusterNode, disagreements } from "../support/replica_cluster.ts";
import { userOf } from "../support/sealed_world.ts";

type SignProposal = Extract<ReplicaEffect, { type: "signProposal" }>;

interface Bent {
  readonly name: string;
  readonly bend: (given: BidGiven, world: BuiltWorld) => BidGiven;
  /** What the leader changes of a bid that was made and signed. */
  readonly spoil?: (offered: OfferedBid) => OfferedBid;
}

const AS_IT_IS = (given: BidGiven): BidGiven => given;
const GROUP = [[new Uint8Array(200)]] as const;

const BENT: readonly Bent[] = [
  { name: "B1: signed by somebody else", bend: (given) => ({ ...given, signer: 2 }) },
  { name: "B1: of another height", bend: (given) => ({ ...given, change: { height: Height.next(given.opportunity.height) } }) },
  { name: "B1: on another parent", bend: (given) => ({ ...given, change: { parentHash: "ab".repeat(32) as BlockHash } }) },
  { name: "B1: expired", bend: (given) => ({ ...given, change: { expiryView: View.of(1) } }) },
  { name: "B1: with a value that was raised after signing", bend: AS_IT_IS, spoil: raised },
  { name: "B2: of no builder", bend: (given) => ({ ...given, change: { builder: userOf(3) }, signer: 3 }) },
  { name: "B2: beyond the bond", bend: (given) => ({ ...given, value: BOND + 1n }) },
  { name: "B3: a bundle under another label", bend: (given) => ({ ...given, groups: GROUP, change: { value: given.value + 1n } }) },
  { name: "B4: with wrong gas", bend: (given) => ({ ...given, change: { gas: 77 } }) },
  { name: "B4: with wrong bytes", bend: (given) => ({ ...given, change: { tailBytes: 77 } }) },
  { name: "B4: with another tail", bend: (given) => ({ ...given, tail: [] }) },
];

function raised({ bid, tailHashes }: OfferedBid): OfferedBid {
  return { bid: { ...bid, value: bid.value + 1n }, tailHashes };
}

t.test("B5: a bundle is brought only where lists are, a bid without one further than that", async (t) => {
  for (const hasBundle of [true, false]) {
    const world = createBuiltWorld({ count: 4, seed: hasBundle ? 50 : 51 });
    world.generateKey();
    world.registerBuilder();
    const known = new Map<string, ParsedTransaction>();
    // Nothing becomes final, so nothing is executed, and certified blocks pile up.
    world.filter = ({ kind }) => kind !== "commit";
    const executedHeight = world.nodes[0]?.replica.status.executedHeight ?? 0;
    const isFar = ({ header }: SignProposal): boolean => header.height - header.executedHeight > UNOPENED_BLOCKS_MAX + 1;
    const bend = (given: BidGiven): BidGiven => (hasBundle ? { ...given, groups: GROUP } : given);
    const forgery = forgeOnce(world, known, { name: "far", bend }, isFar);
    for (let round = 0; round < 400 && forgery.blockHash === undefined; round++) {
      submitAndKnow(world, known, 1 + (round % 5));
      world.run({ forMs: 20 });
    }
    t.ok(forgery.blockHash, "the traitor has led far above what is executed");
    world.run({ forMs: 500 });
    t.equal(world.nodes[0]?.replica.status.executedHeight, executedHeight);
    t.equal(forgery.votes > 0, !hasBundle);
    world.filter = undefined;
    world.run({ forMs: 5_000 });
    t.same(disagreements(world.nodes), []);
  }
});

interface Forgery {
  blockHash: BlockHash | undefined;
  votes: number;
}

/** Node 3's first proposal with an open transaction becomes one with the bent bid. Votes of the others for it are counted. */
function forgeOnce(
  world: BuiltWorld,
  known: ReadonlyMap<string, ParsedTransaction>,
  { bend, spoil }: Bent,
  isTime: (effect: SignProposal) => boolean = () => true,
): Forgery {
  const forgery: Forgery = { blockHash: undefined, votes: 0 };
  world.intercept = (node, effect) => {
    if (effect.type === "signVote" && effect.ballot.blockHash === forgery.blockHash && effect.ballot.kind !== "timeout") forgery.votes++;
    if (effect.type !== "signProposal" || node.index !== 3 || forgery.blockHash !== undefined) return false;
    const tail = effect.transactionHashes.slice(effect.header.sealedCount).flatMap((hash) => known.get(hash) ?? []);
    if (tail.length === 0 || !isTime(effect)) return false;
    forgery.blockHash = forge(world, node, { effect, tail, bend, spoil });
    return true;
  };
  return forgery;
}

function forge(
  world: BuiltWorld,
  node: ClusterNode,
  {
    effect,
    tail,
    bend,
    spoil,
  }: { readonly effect: SignProposal; readonly tail: readonly ParsedTransaction[] } & Pick<Bent, "bend"> & {
      readonly spoil: Bent["spoil"];
    },
): BlockHash {
  const { height, parentHash, view, proposer: leader } = effect.header;
  const opportunity = { height, parentHash, view, leader };
  const { material } = world.opportunityAt(node);
  const made = world.bid(bend({ opportunity, material, value: 3n, tail }, world));
  const { bid } = spoil === undefined ? made : spoil(made);
  const header = { ...effect.header, bidHash: bidHashOf(bid), bundleCount: hasBundle(bid) ? 1 : 0 };
  const { transactionHashes, lists } = effect;
  const proposal = world.signProposal(node, { header, ...effect.justification, transactionHashes, lists, bid });
  for (const other of world.nodes) {
    if (other !== node) world.inject(other, { type: "proposal", from: world.senderOf(node), proposal });
  }
  return hashHeader(header);
}

function submitAndKnow(world: BuiltWorld, known: Map<string, ParsedTransaction>, user: number): void {
  const bytes = world.transfer(user);
  const parsed = world.nodes[0]?.replica.parse(bytes);
  if (parsed?.ok !== true) throw new Error("a transfer parses");
  known.set(parsed.transaction.hash, parsed.transaction);
  world.submit(user % 3, bytes);
}

for (const [index, bent] of [{ name: "a right bid", bend: AS_IT_IS }, ...BENT].entries()) {
  const isRight = index === 0;
  t.test(`${bent.name}: ${isRight ? "is voted for and final" : "no vote, and the next leader goes on"}`, async (t) => {
    const world = createBuiltWorld({ count: 4, seed: 20 + index });
    world.generateKey();
    world.registerBuilder();
    const known = new Map<string, ParsedTransaction>();
    const forgery = forgeOnce(world, known, bent);
    for (let round = 0; round < 200 && forgery.blockHash === undefined; round++) {
      submitAndKnow(world, known, 1 + (round % 5));
      world.run({ forMs: 20 });
    }
    t.ok(forgery.blockHash, "the traitor has led");
    world.run({ forMs: 2_000 });
    const [first] = world.nodes as [ClusterNode];
    const before = first.finalized.length;
    t.equal(forgery.votes > 0, isRight);
    t.equal(
      first.finalized.some(({ blockHash }) => blockHash === forgery.blockHash),
      isRight,
    );
    submitAndKnow(world, known, 1);
    t.ok(world.run({ forMs: 10_000, until: () => first.finalized.length > before }), "the chain goes on");
    t.same(disagreements(world.nodes), []);
  });
}
