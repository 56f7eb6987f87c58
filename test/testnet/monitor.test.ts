/** What the testnet reads of sealed transactions from validators, and what the summary makes of it. */

import t from "tap";
import { createMonitor } from "../../testnet/monitor.ts";
import { parseOptions } from "../../testnet/options.ts";
import { createRpcClient } from "../../testnet/rpc_client.ts";
import { describeSummary, type RunResult, summaryOf } from "../../testnet/summary.ts";
import { chainOf, type FakeValidator, startFakeValidator } from "./fake_validator.ts";

/** `opening`: counts of the fake's histogram buckets. */
const sealingOf = (opening: readonly number[], unopened: readonly { readonly height: number; readonly positionCount: number }[] = []) => {
  const histogram = (counts: readonly number[]) => ({ histogram: { boundsMs: [1, 10, 100], counts } });
  return {
    isKeyProven: true,
    detail: "the sealing key is live",
    unopened,
    finality: histogram([0, 0, 4]),
    opening: histogram(opening),
  };
};

async function start(t: { teardown(stop: () => Promise<void>): void }, count: number) {
  const fakes = await Promise.all(Array.from({ length: count }, startFakeValidator));
  const client = createRpcClient();
  t.teardown(async () => {
    client.close();
    await Promise.all(fakes.map((fake) => fake.close()));
  });
  const targets = () => fakes.map(({ rpc }, validator) => ({ validator, rpc }));
  return { fakes: fakes as [FakeValidator, FakeValidator], monitor: createMonitor({ client, validators: count, targets, nowMs: () => 0 }) };
}

t.test("createMonitor: sealed and key generation transactions are counted by themselves, each block once", async (t) => {
  const { fakes, monitor } = await start(t, 2);
  for (const fake of fakes) {
    fake.blocks = chainOf(3).map((block) => ({ ...block, transactionCount: 10, sealedCount: 3, sealedFailed: 1, keygenCount: 2 }));
  }
  await monitor.takeBlocks();
  await monitor.takeBlocks();
  t.equal(monitor.agreement.transactions, 3 * 5, "open ones");
  t.match(monitor.sealed, { executed: 9, failed: 3 });
  fakes[0].blocks = chainOf(2);
  t.same(monitor.agreement.divergences, []);
});

t.test("createMonitor: a validator still has to open what another has executed, it is ordered once", async (t) => {
  const { fakes, monitor } = await start(t, 2);
  const chain = chainOf(3).map((block) => ({ ...block, transactionCount: 8, sealedCount: 8 }));
  const waits = (...heights: readonly number[]) =>
    sealingOf(
      [0, 0, 0],
      heights.map((height) => ({ height, positionCount: 8 })),
    );
  fakes[0].blocks = chain.slice(0, 2);
  fakes[0].status = { ...fakes[0].status, sealing: waits(3) };
  fakes[1].blocks = chain.slice(0, 1);
  fakes[1].status = { ...fakes[1].status, sealing: waits(2, 3) };
  await monitor.takeBlocks();
  await monitor.sample();
  t.same(monitor.sealed, { ordered: 24, executed: 16, failed: 0 }, "height 2 was executed before the status that waits for it came");
  fakes[1].blocks = chain;
  await monitor.takeBlocks();
  t.same(monitor.sealed, { ordered: 24, executed: 24, failed: 0 }, "height 3 was executed after it");
  await monitor.sample();
  t.same(monitor.sealed, { ordered: 24, executed: 24, failed: 0 }, "a status that is late changes nothing");
});

t.test("createMonitor: opening over all validators, from the last reset on; a chain without sealing has none", async (t) => {
  const { fakes, monitor } = await start(t, 2);
  const withSealing = (counts: readonly number[]) => ({
    ...fakes[0].status,
    sealing: sealingOf(counts, [{ height: 9, positionCount: 4 }]),
  });
  fakes[0].status = withSealing([8, 0, 0]);
  await monitor.sample();
  monitor.resetMeasures();
  t.same(monitor.opening.counts, [0, 0, 0]);
  fakes[0].status = withSealing([8, 5, 0]);
  const sample = await monitor.sample();
  t.same(monitor.opening.counts, [0, 5, 0]);
  t.same(monitor.sealedFinality.counts, [0, 0, 0]);
  t.match(sample.statuses.get(0)?.sealing, { isKeyProven: true, unopened: [{ height: 9, sealedCount: 4 }] });
  t.equal(sample.statuses.get(1)?.sealing, undefined);
});

t.test("summaryOf: sealed, what was submitted, ordered, opened and failed, and how long it took; nothing without --sealed", async (t) => {
  const { fakes, monitor } = await start(t, 2);
  for (const fake of fakes) {
    fake.status = { ...fake.status, sealing: sealingOf([0, 10, 0], [{ height: 3, positionCount: 5 }]) };
    fake.blocks = chainOf(2).map((block) => ({ ...block, transactionCount: 6, sealedCount: 4, sealedFailed: 1 }));
  }
  await monitor.sample();
  await monitor.takeBlocks();
  const resultOf = (...args: string[]): RunResult => {
    const parsed = parseOptions(["--validators", "2", ...args], "node");
    if (parsed.type !== "run") throw new Error("these arguments ask for help");
    return {
      options: parsed.options,
      failure: undefined,
      firstFinalMs: 100,
      monitor,
      source: undefined,
      counters: undefined,
      sealedCounters: { submitted: 20, refused: 1, retried: 2, heldBack: 3, refusals: new Map() },
      keyReadyMs: 1_234.5,
      builders: undefined,
      killOne: undefined,
      measured: { ms: 2_000, transactions: 4, sealed: 8 },
    };
  };
  const summary = summaryOf(resultOf("--sealed", "10", "--operations-per-transaction", "3"));
  t.match(summary.sealed, {
    submitted: 20,
    ordered: 8 + 5,
    opened: 6,
    failed: 2,
    refused: 1,
    unfinished: 20 - 1 - 8,
    perSecond: 4,
    operationsPerSecond: 12,
    keyReadyMs: 1_235,
  });
  t.ok((summary.sealed?.openMs.p50 ?? 0) > 1 && (summary.sealed?.openMs.p99 ?? 99) <= 10);
  t.match(describeSummary(summary), /sealed: 20 submitted, 13 ordered, 6 opened, 2 failed/);
  t.equal(summaryOf(resultOf()).sealed, undefined);
  t.notMatch(describeSummary(summaryOf(resultOf())), /sealed/);
});

t.test("summaryOf: builders, blocks by whom, what they paid, how long bids waited, and what followed when they were killed", async (t) => {
  const { fakes, monitor } = await start(t, 2);
  const waited = { histogram: { boundsMs: [1, 10, 100], counts: [0, 3, 0] } };
  const built = chainOf(6).map((block, index) => ({
    ...block,
    view: block.height + (index >= 4 ? 2 : 0),
    builder: [null, "aa", "bb", "aa", null, null][index] ?? null,
    paid: ["0", "5", "7", "5", "0", "0"][index] ?? "0",
    bundleTransactions: index === 2 ? 4 : 0,
  }));
  for (const fake of fakes) fake.blocks = built.slice(0, 1);
  await monitor.takeBlocks();
  monitor.resetMeasures();
  for (const fake of fakes) {
    fake.status = { ...fake.status, builders: { bidToProposal: waited } };
    fake.blocks = built;
  }
  await monitor.sample();
  await monitor.takeBlocks();
  const parsed = parseOptions(["--validators", "2", "--builders", "2"], "node");
  if (parsed.type !== "run") throw new Error("these arguments ask for help");
  const builders = {
    bids: 9,
    bundles: { submitted: 6, refused: 2, refusals: new Map([["tooFar", 2]]) },
    registrations: 2,
    killedAt: { height: 4, lostViews: 0, blocks: 3, built: 2 },
  };
  const result: RunResult = {
    options: parsed.options,
    failure: undefined,
    firstFinalMs: 100,
    monitor,
    source: undefined,
    counters: { submitted: 20, refused: 0, retried: 0, heldBack: 0, refusals: new Map() },
    sealedCounters: undefined,
    keyReadyMs: undefined,
    builders,
    killOne: undefined,
    measured: { ms: 2_000, transactions: 4, sealed: 0 },
  };
  const summary = summaryOf(result);
  t.match(summary.builders, {
    blocksByBuilder: { aa: 2, bb: 1 },
    blocksBySelf: 2,
    builtShare: 0.6667,
    bids: 9,
    paid: "17",
    bundles: { submitted: 6, refused: 2, refusals: { tooFar: 2 }, transactionsIncluded: 4 },
    killed: { height: 4, blocksAfter: 2, viewsLostAfter: 2 },
  });
  t.ok((summary.builders?.bidToProposalMs.p50 ?? 0) > 1 && (summary.builders?.bidToProposalMs.p99 ?? 99) <= 10);
  t.equal(summary.transactions.finalized, 6 * 2 - 2, "registrations are nobody's load");
  t.match(describeSummary(summary), /2 by aa, 1 by bb, 2 by their proposers; 66\.7 % built before they were killed; 9 bids, 17 paid/);
  const alive = summaryOf({ ...result, builders: { ...builders, killedAt: undefined } });
  t.equal(alive.builders?.builtShare, 0.6);
  t.match(describeSummary(alive), /60\.0 % built; 9 bids/);
  t.match(describeSummary(summary), /killed at height 4; 2 blocks became final without them, 2 views lost/);
});
