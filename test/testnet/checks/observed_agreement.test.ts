/** The checks fire on what is planted and stay silent otherwise: a checker that never fires proves nothing. */

import t from "tap";
import {
  createAgreementCheck,
  createProgressCheck,
  describeDivergence,
  requireAgreement,
} from "../../../testnet/checks/observed_agreement.ts";
import { TestnetFailure } from "../../../testnet/failure.ts";
import { percentile } from "../../../testnet/histogram.ts";
import { createMonitor, describeWaiting, type Monitor } from "../../../testnet/monitor.ts";
import { createRpcClient } from "../../../testnet/rpc_client.ts";
import { chainOf, type FakeBlock, type FakeValidator, startFakeValidator } from "../fake_validator.ts";

async function withFakes(count: number, check: (fakes: readonly FakeValidator[], monitor: Monitor) => Promise<void>): Promise<void> {
  const fakes = await Promise.all(Array.from({ length: count }, startFakeValidator));
  const client = createRpcClient();
  const targets = fakes.map(({ rpc }, validator) => ({ validator, rpc }));
  let clockMs = 0;
  const nowMs = (): number => (clockMs += 100);
  try {
    await check(fakes, createMonitor({ client, validators: count, targets: () => targets, nowMs }));
  } finally {
    client.close();
    await Promise.all(fakes.map((fake) => fake.close()));
  }
}

/** The chain with one block replaced. */
function planted(count: number, block: Partial<FakeBlock> & { readonly height: number }): FakeBlock[] {
  return chainOf(count).map((own) => (own.height === block.height ? { ...own, ...block } : own));
}

t.test("takeBlocks: validators that agree, all heights compared, each transaction counted once", async (t) => {
  await withFakes(3, async (fakes, monitor) => {
    for (const fake of fakes) fake.blocks = chainOf(1_500);
    await monitor.takeBlocks();
    t.same(monitor.agreement.divergences, []);
    t.equal(monitor.agreement.comparedHeight, 1_500);
    t.equal(monitor.agreement.transactions, 3_000);
    requireAgreement(monitor.agreement);
  });
});

t.test("takeBlocks: one validator has another block, the divergence names height and both validators", async (t) => {
  await withFakes(3, async (fakes, monitor) => {
    for (const fake of fakes) fake.blocks = chainOf(20);
    (fakes[2] as FakeValidator).blocks = planted(20, { height: 13, hash: "forged" });
    await monitor.takeBlocks();
    const [divergence, ...others] = monitor.agreement.divergences;
    t.match(divergence, { kind: "block", height: 13 });
    t.same(others, []);
    t.match(divergence === undefined ? "" : describeDivergence(divergence), /height 13: .*validator 2.* has/);
    try {
      requireAgreement(monitor.agreement);
      t.fail("the divergence went unnoticed");
    } catch (error) {
      t.ok(error instanceof TestnetFailure && error.exitCode === 129, "exit code 129");
    }
  });
});

t.test("takeBlocks: one validator has another state root for the same block, divergence", async (t) => {
  await withFakes(2, async (fakes, monitor) => {
    for (const fake of fakes) fake.blocks = chainOf(5);
    (fakes[0] as FakeValidator).blocks = planted(5, { height: 4, stateRoot: "other" });
    await monitor.takeBlocks();
    t.match(monitor.agreement.divergences, [{ kind: "stateRoot", height: 4 }]);
  });
});

t.test("takeBlocks: a block that is not executed yet, compared again when it is", async (t) => {
  await withFakes(2, async (fakes, monitor) => {
    const [first, second] = fakes as [FakeValidator, FakeValidator];
    first.blocks = chainOf(3);
    second.blocks = planted(3, { height: 3, stateRoot: undefined });
    await monitor.takeBlocks();
    t.equal(monitor.agreement.comparedHeight, 2);
    t.same(monitor.agreement.divergences, []);
    second.blocks = planted(3, { height: 3, stateRoot: "other" });
    await monitor.takeBlocks();
    t.match(monitor.agreement.divergences, [{ kind: "stateRoot", height: 3 }]);
    t.equal(monitor.agreement.transactions, 6);
  });
});

t.test("recheck: a validator that came back with another history, divergence at heights seen before", async (t) => {
  const check = createAgreementCheck(3);
  check.add(0, chainOf(10) as never);
  check.add(1, chainOf(10) as never);
  check.add(2, chainOf(4) as never);
  check.recheck(1);
  check.add(1, planted(10, { height: 8, hash: "rewritten" }) as never);
  t.match(check.divergences, [{ kind: "block", height: 8, second: { validator: 1 } }]);
  t.equal(check.transactions, 20);
});

t.test("createProgressCheck: a quorum is up and nothing becomes final, the silence grows; without quorum it does not", async (t) => {
  const check = createProgressCheck(1_000);
  t.equal(check.observe(0, true, 1_500), 500);
  t.equal(check.observe(1, true, 2_000), 0);
  t.equal(check.observe(1, true, 9_000), 7_000);
  t.equal(check.observe(1, false, 20_000), 0);
  t.equal(check.observe(1, true, 21_000), 1_000);
  t.equal(check.observe(2, true, 21_500), 0);
});

t.test("sample: statuses of those that answer, reasons of those that do not, restarts counted once", async (t) => {
  await withFakes(2, async (fakes, monitor) => {
    const [first, second] = fakes as [FakeValidator, FakeValidator];
    first.status = { ...first.status, finalHeight: 7, view: 10, cpuMs: 50, memoryBytes: 100, counts: [0, 4, 0] };
    await monitor.sample();
    monitor.resetMeasures();
    await monitor.sample();
    first.status = { ...first.status, finalHeight: 9, view: 20, cpuMs: 150, memoryBytes: 300, counts: [0, 4, 2], whyNotFinal: "no quorum" };
    await second.close();
    const sample = await monitor.sample();
    t.equal(sample.finalHeight, 9);
    t.same([...sample.silent.keys()], [1]);
    t.match(describeWaiting(sample), [/validator 0: view 20, final height 9; no quorum/, /validator 1: no answer/]);
    t.equal(percentile(monitor.finality, 0.5), 55, "only what came after the reset");
    const usage = monitor.usage.validators.find(({ validator }) => validator === 0);
    t.match(usage, { memoryFirstBytes: 100, memoryLastBytes: 300 });
    t.ok((usage?.cpu ?? 0) > 0);
    t.equal(monitor.usage.cpuMsPerView, 10);
    first.status = { ...first.status, cpuMs: 5, view: 25 };
    await monitor.sample();
    t.equal(monitor.usage.cpuMsPerView, 10, "a restart in between counts for nobody");
  });
});
