/** When a builder is asked, what it is asked, and where its bids go; over a fake builder and a fake machine. */

import t from "tap";
import type { ConsiderRequest } from "../../builder/interface.ts";
import { RANDOMNESS_BYTES } from "../../builder/make_bid.ts";
import { type BuilderAgentOptions, createBuilderAgent } from "../../node/builder_agent.ts";
import { createBuiltBlocks } from "../../node/built_blocks.ts";
import { createLanePlaces } from "../../node/lane_places.ts";
import { BUILDER_AGENT_LIMITS } from "../../node/limits.ts";
import { NETWORK_LIMITS } from "../../p2p/limits.ts";
import type { FinalizedBlock, Opportunity } from "../../replica/interface.ts";
import type { OfferedBid } from "../../types/bid.ts";
import type { Block } from "../../types/block.ts";
import { type AccountId, type BlockHash, Height, TimestampMs, ValidatorIndex, View } from "../../types/ids.ts";
import { FRAME_BYTES_MAX } from "../../types/limits.ts";

const ACCOUNT = "0b".repeat(32) as AccountId;
const opportunity = (height: number, view = height, leader = 0): Opportunity => ({
  height: Height.of(height),
  parentHash: "cd".repeat(32) as BlockHash,
  view: View.of(view),
  leader: ValidatorIndex.of(leader),
});
const offered = (sequence: number, bundleBytes = 0): OfferedBid => ({
  bid: { sequence, bundle: new Uint8Array(bundleBytes) } as OfferedBid["bid"],
  tailHashes: [],
});
const finalAt = (height: number): FinalizedBlock => ({ header: { height: Height.of(height) } }) as FinalizedBlock;

function fixture(change: Partial<BuilderAgentOptions> = {}) {
  const asked: ConsiderRequest[] = [];
  const sent: [leader: number, sequence: number][] = [];
  const finals: number[] = [];
  const state = { elapsedMs: 0, costMs: 0, hasMaterial: true, standing: undefined as OfferedBid | undefined, sequence: 0, bundleBytes: 0 };
  const agent = createBuilderAgent({
    account: ACCOUNT,
    builder: {
      consider(request) {
        asked.push(request);
        state.elapsedMs += state.costMs;
        return offered(++state.sequence, state.bundleBytes);
      },
      resend: () => state.standing,
      onFinal: ({ header }) => finals.push(header.height),
    },
    replica: {
      materialFor: () => (state.hasMaterial ? ({ spendable: 1n } as ConsiderRequest["material"]) : undefined),
      sealingKey: undefined,
    },
    simulate: () => [],
    send: (leader, { bid }) => sent.push([leader, bid.sequence]),
    now: () => TimestampMs.of(7),
    elapsedMs: () => state.elapsedMs,
    randomBytes: (length) => new Uint8Array(length),
    rebidMs: 1,
    bytesPerSecond: 1_000_000,
    ...change,
  });
  return { agent, state, asked, sent, finals };
}

async function until(what: string, isTrue: () => boolean): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error(`waited in vain: ${what}`);
    await pause(5);
  }
}

/** Timers of the length that the agent uses have run by then. */
const pause = (ms = 30) => new Promise((resolve) => setTimeout(resolve, ms));

t.test("createBuilderAgent: an opportunity, one bid to its leader, with fresh randomness", async (t) => {
  const { agent, asked, sent } = fixture();
  t.equal(agent.lastBid, undefined);
  agent.onBuildable(opportunity(5, 6, 2));
  t.equal(asked.length, 0, "not within the step that told it");
  await pause();
  t.same(sent, [[2, 1]]);
  t.equal(asked[0]?.randomness.length, RANDOMNESS_BYTES);
  t.equal(asked[0]?.nowMs, 7);
  t.match(agent.lastBid, { leader: 2, bid: { sequence: 1 } });
  agent.stop();
});

t.test("createBuilderAgent: only the latest opportunity is considered, and none whose parent is gone", async (t) => {
  const { agent, state, asked } = fixture();
  agent.onBuildable(opportunity(5));
  agent.onBuildable(opportunity(6));
  await pause();
  t.same(
    asked.map((request) => request.opportunity.height),
    [6],
  );
  state.hasMaterial = false;
  agent.onBuildable(opportunity(7));
  await pause();
  t.equal(asked.length, 1);
  agent.stop();
});

t.test("createBuilderAgent: another leader, the bid that stands goes there at once", async (t) => {
  const { agent, state, sent } = fixture();
  agent.onBuildable(opportunity(5, 5, 0));
  await pause();
  state.standing = offered(1);
  agent.onBuildable(opportunity(5, 6, 1));
  t.same(sent, [
    [0, 1],
    [1, 1],
  ]);
  await pause();
  t.same(sent.at(-1), [1, 2], "and it is considered anew");
  agent.stop();
});

t.test(
  "createBuilderAgent: arrivals, one more look for many of them; none before an opportunity and none after its block is final",
  async (t) => {
    const { agent, asked, finals } = fixture();
    agent.onArrival();
    await pause();
    t.equal(asked.length, 0);
    agent.onBuildable(opportunity(5));
    await pause();
    for (let count = 0; count < 100; count++) agent.onArrival();
    await pause();
    t.equal(asked.length, 2);
    agent.onFinal([finalAt(4)]);
    agent.onArrival();
    await pause();
    t.equal(asked.length, 3, "a block below ends nothing");
    agent.onFinal([finalAt(5)]);
    agent.onArrival();
    await pause();
    t.equal(asked.length, 3);
    t.same(finals, [4, 5]);
    agent.stop();
  },
);

t.test("createBuilderAgent: after a costly look it rests three times as long; a new block is looked at nevertheless", async (t) => {
  const { agent, state, asked } = fixture();
  state.costMs = 50_000;
  agent.onBuildable(opportunity(5));
  await pause();
  agent.onArrival();
  await pause();
  t.equal(asked.length, 1, "150 s of rest have not passed");
  agent.onBuildable(opportunity(6));
  await pause();
  t.equal(asked.length, 2);
  agent.stop();
});

t.test("createBuilderAgent: bids that would be more than a leader takes wait, and go to another leader at once", async (t) => {
  const { agent, state, sent } = fixture({ bytesPerSecond: 10_000 });
  state.bundleBytes = 4_000;
  agent.onBuildable(opportunity(5, 5, 0));
  for (let count = 0; count < 10; count++) {
    await pause(5);
    agent.onArrival();
  }
  t.equal(sent.length, 3, "a second's worth and the bid that begins in it, while no time passes");
  agent.onBuildable(opportunity(5, 6, 1));
  await until("a bid to the other one", () => sent.some(([leader]) => leader === 1));
  agent.onBuildable(opportunity(6, 7, 0));
  state.standing = offered(1);
  agent.onBuildable(opportunity(6, 8, 0));
  await pause();
  t.equal(sent.filter(([leader]) => leader === 0).length, 3, "neither a new block nor what stands makes an exception");
  state.elapsedMs = 10_000;
  await until("it goes on by itself", () => sent.filter(([leader]) => leader === 0).length > 3);
  agent.stop();
});

t.test("BUILDER_AGENT_LIMITS: bids and transactions stay within what a validator takes over a builder's link", async (t) => {
  const { bidBytesPerSecond } = BUILDER_AGENT_LIMITS;
  const { builderBytesPerSecond, fullNodeTransactionBytesPerSecond } = NETWORK_LIMITS;
  const perSecond = bidBytesPerSecond + fullNodeTransactionBytesPerSecond;
  t.ok(perSecond < builderBytesPerSecond);
  t.ok(perSecond + 2 * FRAME_BYTES_MAX < 2 * builderBytesPerSecond, "at once");
});

t.test("createBuilderAgent: stopped, nothing is considered any more", async (t) => {
  const { agent, asked } = fixture();
  agent.onBuildable(opportunity(5));
  agent.stop();
  agent.onBuildable(opportunity(6));
  agent.onArrival();
  await pause();
  t.equal(asked.length, 0);
});

t.test("createBuiltBlocks: totals by who built, what was paid, the last block, and how long used bids had waited", async (t) => {
  const built = createBuiltBlocks();
  t.match(built.totals, { byBuilders: 0, bySelf: 0, bidsReceived: 0, paid: 0n, last: undefined, bidToProposal: { count: 0 } });
  const bid = { builder: ACCOUNT, sequence: 1 };
  built.noteBid(bid, 100);
  built.noteProposed(bid, 104);
  built.noteProposed({ ...bid, sequence: 2 }, 105);
  const payment = { builder: ACCOUNT, value: 7n, proposer: ACCOUNT, failed: false };
  built.noteFinal([{ ...finalAt(1), built: payment }, finalAt(2), { ...finalAt(3), built: payment }]);
  t.match(built.totals, { byBuilders: 2, bySelf: 1, bidsReceived: 1, paid: 14n, last: { height: 3, builder: ACCOUNT, paid: 7n } });
  t.equal(built.totals.bidToProposal.count, 1, "one that never came counts for nothing");
});

t.test("createLanePlaces: sealed lane, open lane and bundle are told apart; a block is read once", async (t) => {
  let reads = 0;
  const places = createLanePlaces({
    blockAt(height) {
      reads++;
      if (height > 400) return undefined;
      const header = { sealedCount: 2, transactionCount: 5 };
      return { header, bid: height === 1 ? { builder: ACCOUNT, value: 9n } : undefined } as unknown as Block;
    },
  });
  const at = (index: number, height = 1) => places.placeOf({ height: Height.of(height), index });
  const by = { builder: ACCOUNT, paid: 9n };
  t.same(at(1), { lane: "sealed", position: 1, ...by });
  t.same(at(2), { lane: "open", position: 0, ...by });
  t.same(at(4), { lane: "open", position: 2, ...by });
  t.same(at(5), { lane: "bundle", position: 0, ...by });
  t.equal(reads, 1);
  t.same(at(2, 2), { lane: "open", position: 0, builder: undefined, paid: 0n });
  t.equal(at(0, 401), undefined);
  for (let height = 3; height <= 300; height++) at(0, height);
  reads = 0;
  at(0, 300);
  t.equal(reads, 0);
  at(0, 1);
  t.equal(reads, 1, "the oldest are forgotten");
});
