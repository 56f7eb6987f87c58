/** What a validator passes on to its builders: to whom, when, how often; over fake links and a clock of the test's own. */

import t from "tap";
import { createAccountPace } from "../../p2p/account_pace.ts";
import { createBuilderRelay } from "../../p2p/builder_relay.ts";
import type { LinkRole } from "../../p2p/link_roles.ts";
import type { Peer } from "../../p2p/peer_table.ts";
import { createRateLimiter } from "../../p2p/rate_limiter.ts";
import { ValidatorIndex } from "../../types/ids.ts";
import { encodeMessage } from "../../types/message.ts";
import { Signers } from "../../types/validator_set.ts";
import { builderAccount, until } from "./support.ts";

const [ZERO, ONE] = [ValidatorIndex.of(0), ValidatorIndex.of(1)];
const LIMITS = { passedForMs: 1_000, passStaggerMs: 300, passedTransactionsMax: 100, recentFramesMax: 100 };

function fixture(change: { readonly isListening?: boolean } = {}) {
  const state = { nowMs: 0, isGood: true };
  const queued: string[] = [];
  const gossiped: number[] = [];
  const peerOf = (name: string, linkRole: LinkRole | undefined, hasLink = true): Peer => {
    const link = hasLink ? { queueFrame: () => queued.push(name) } : undefined;
    const builderPassLimiter = createRateLimiter({ perSecond: 1_000, burst: 1_000, nowMs: 0 });
    return { linkRole, link, links: undefined, identity: {}, sender: { type: "relay" }, builderPassLimiter } as unknown as Peer;
  };
  const source = peerOf("source", "peerBuilder");
  const all = [source, peerOf("builder", "peerBuilder"), peerOf("standby", "peerBuilder", false), peerOf("validator", "peerValidator")];
  const relay = createBuilderRelay({
    self: ONE,
    limits: LIMITS,
    nowMs: () => state.nowMs,
    peers: { all },
    gossip: { isFullNodeListening: change.isListening ?? false, publishTransactions: (batch) => gossiped.push(batch.length) },
    handlers: { onGossipedTransactions: async () => state.isGood },
  });
  const bring = async (...transactions: Uint8Array[]): Promise<void> => {
    relay.takeTransactions(source, transactions);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { state, source, relay, bring, queued, gossiped };
}

const transaction = (mark: number, length = 10): Uint8Array => new Uint8Array(length).fill(mark);

t.test("takeTransactions: judged good, to the other builder only; before the verdict and judged otherwise, to nobody", async (t) => {
  const { state, source, relay, bring, queued, gossiped } = fixture();
  relay.takeTransactions(source, [transaction(1)]);
  t.same(queued, [], "not before the verdict");
  await new Promise((resolve) => setImmediate(resolve));
  t.same(queued, ["builder"]);
  state.isGood = false;
  await bring(transaction(2));
  t.same(queued, ["builder"]);
  t.same(gossiped, []);
});

t.test("takeTransactions: a repetition, passed on again only after a while", async (t) => {
  const { state, bring, queued } = fixture();
  await bring(transaction(1), transaction(2));
  await bring(transaction(2));
  t.equal(queued.length, 1);
  state.nowMs = LIMITS.passedForMs;
  await bring(transaction(2));
  t.equal(queued.length, 2);
});

t.test("takeTransactions: more bytes than one builder's transactions may cost the others, not passed on", async (t) => {
  const { state, bring, queued } = fixture();
  await bring(transaction(1, 900));
  await bring(transaction(2, 900));
  t.equal(queued.length, 1);
  state.nowMs = 900;
  await bring(transaction(2, 900));
  t.equal(queued.length, 2, "what found no room does not count as passed on");
});

t.test("takeTransactions: a full node listens, published too, the later the more validators come before us", async (t) => {
  const { source, bring, queued, gossiped } = fixture({ isListening: true });
  await bring(transaction(1));
  await until("it is published", () => gossiped.length === 1);
  source.links = Signers.of([ZERO, ONE]);
  await bring(transaction(2));
  source.links = Signers.of([ONE]);
  await bring(transaction(3), transaction(4));
  await until("all are published", () => gossiped.length === 3);
  t.same(gossiped, [1, 2, 1], "what validator 0 may publish waits for it");
  t.equal(queued.length, 3);
});

t.test("isRepeated: the second of two equal frames within a moment, and not one that comes later on purpose", async (t) => {
  const { state, relay } = fixture();
  const body = encodeMessage({ type: "transactions", transactions: [transaction(1)] });
  t.same([relay.isRepeated(body), relay.isRepeated(body)], [false, true]);
  t.notOk(relay.isRepeated(encodeMessage({ type: "transactions", transactions: [transaction(2)] })));
  state.nowMs = LIMITS.passedForMs;
  t.notOk(relay.isRepeated(body));
});

t.test("createAccountPace: each account at its own rate; beyond the bound the account that began least lately is forgotten", async (t) => {
  let nowMs = 0;
  const pace = createAccountPace({ perSecond: 1, burst: 2, accountsMax: 2, nowMs: () => nowMs });
  const [first, second, third] = [0, 1, 2].map(builderAccount) as [never, never, never];
  t.same([pace.take(first), pace.take(first), pace.take(first), pace.take(second)], [true, true, false, true]);
  nowMs = 1_000;
  t.same([pace.take(first), pace.take(first)], [true, false]);
  pace.take(third);
  t.notOk(pace.take(first));
  pace.take(second);
  pace.take(third);
  t.ok(pace.take(first), "two others came after it");
});
