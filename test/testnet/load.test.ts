/** The load generator against validators that refuse, are busy, or go away. What they received is compared as sets. */

import t from "tap";
import { createLoad, type Load, type LoadTarget } from "../../testnet/load.ts";
import { createRpcClient } from "../../testnet/rpc_client.ts";
import { createPayloadSource, type TransactionSource } from "../../testnet/transactions.ts";
import { toHex } from "../../types/bytes.ts";
import { transactionBatchCodec } from "../../types/message.ts";
import { type FakeValidator, startFakeValidator } from "./fake_validator.ts";

const PAYLOAD_BYTES = 40;

interface World {
  readonly fakes: readonly FakeValidator[];
  readonly targets: LoadTarget[];
  readonly load: Load;
}

async function withLoad(
  plan: { readonly validators: number; readonly rate: number; readonly source?: TransactionSource },
  check: (world: World) => Promise<void>,
): Promise<void> {
  const fakes = await Promise.all(Array.from({ length: plan.validators }, startFakeValidator));
  const targets = fakes.map(({ rpc }, validator) => ({ validator, rpc }));
  const client = createRpcClient();
  const load = createLoad({
    source: plan.source ?? createPayloadSource({ runSeed: new Uint8Array(16), payloadBytes: PAYLOAD_BYTES }),
    client,
    rate: plan.rate,
    lanes: plan.validators,
    targets: () => targets,
    finalized: () => 0,
  });
  try {
    await check({ fakes, targets, load });
  } finally {
    await load.stop(5_000);
    client.close();
    await Promise.all(fakes.map((fake) => fake.close()));
  }
}

function transactionsIn(body: Uint8Array): string[] {
  const decoded = transactionBatchCodec.decode(body);
  if (!decoded.ok) throw new Error(`the batch does not decode: ${decoded.reason}`);
  return decoded.value.map((bytes) => toHex(bytes));
}

const answer = (results: readonly unknown[]) => ({ status: 200, body: JSON.stringify({ results }) });
const ACCEPTED = { status: "accepted" };
const BUSY = { status: "refused", code: "poolFull", canRetry: true };
const REFUSED = { status: "refused", code: "badSignature", canRetry: false };

/** Resolves when `isTrue`; the test's own deadline is the limit. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}

t.test("createLoad: validators that accept, each transaction arrives once and at every validator some", async (t) => {
  await withLoad({ validators: 2, rate: 1_000 }, async ({ fakes, load }) => {
    const received: string[][] = [[], []];
    for (const [index, fake] of fakes.entries()) {
      fake.onBatch = (body) => {
        const transactions = transactionsIn(body);
        received[index]?.push(...transactions);
        return answer(transactions.map(() => ACCEPTED));
      };
    }
    load.start();
    await until(() => received.every((list) => list.length > 20));
    await load.stop(5_000);
    const all = received.flat();
    t.equal(all.length, load.counters.submitted);
    t.equal(new Set(all).size, all.length);
    t.equal(load.counters.refused + load.counters.retried, 0);
  });
});

t.test("createLoad: refused for now, the same bytes come again; refused for good, they do not", async (t) => {
  await withLoad({ validators: 1, rate: 1_000 }, async ({ fakes, load }) => {
    const seen = new Map<string, number>();
    const refusedForGood = new Set<string>();
    const [fake] = fakes as [FakeValidator];
    fake.onBatch = (body) =>
      answer(
        transactionsIn(body).map((transaction) => {
          const times = (seen.get(transaction) ?? 0) + 1;
          seen.set(transaction, times);
          if (times === 1 && seen.size % 3 === 0) refusedForGood.add(transaction);
          if (refusedForGood.has(transaction)) return REFUSED;
          return times === 1 ? BUSY : ACCEPTED;
        }),
      );
    load.start();
    await until(() => refusedForGood.size > 5);
    await load.stop(10_000);
    t.equal(seen.size, load.counters.submitted);
    t.equal(load.counters.refused, refusedForGood.size);
    t.equal(load.counters.retried, seen.size - refusedForGood.size);
    t.ok([...seen].every(([transaction, times]) => times === (refusedForGood.has(transaction) ? 1 : 2)));
    t.equal(load.counters.refusals.get("poolFull"), load.counters.retried);
  });
});

t.test("createLoad: an answer that is no verdict, the same bytes come again and a later refusal is not counted", async (t) => {
  await withLoad({ validators: 1, rate: 500 }, async ({ fakes, load }) => {
    const [fake] = fakes as [FakeValidator];
    let requests = 0;
    const bodies: string[] = [];
    fake.onBatch = (body) => {
      bodies.push(toHex(body));
      requests++;
      if (requests === 1) return { status: 503, body: "{}" };
      return answer(transactionsIn(body).map(() => (toHex(body) === bodies[0] ? REFUSED : ACCEPTED)));
    };
    load.start();
    await until(() => bodies.filter((body) => body === bodies[0]).length === 2);
    await load.stop(5_000);
    t.equal(load.counters.refused, 0, "the validator may have taken it the first time");
    t.ok((load.counters.refusals.get("http503") ?? 0) > 0);
  });
});

t.test("resubmit: a validator goes away, what it had taken arrives at another one", async (t) => {
  await withLoad({ validators: 2, rate: 500 }, async ({ fakes, targets, load }) => {
    const [lost, other] = fakes as [FakeValidator, FakeValidator];
    const taken: string[] = [];
    const atOther = new Set<string>();
    lost.onBatch = (body) => {
      taken.push(...transactionsIn(body));
      return answer(transactionsIn(body).map(() => ACCEPTED));
    };
    other.onBatch = (body) => {
      for (const transaction of transactionsIn(body)) atOther.add(transaction);
      return answer(transactionsIn(body).map(() => ACCEPTED));
    };
    load.start();
    await until(() => taken.length > 10);
    targets.shift();
    load.resubmit(0);
    await until(() => taken.every((transaction) => atOther.has(transaction)));
    const submittedBefore = load.counters.submitted;
    await until(() => load.counters.submitted > submittedBefore);
    t.pass("all that the lost one had taken is at the other, and the load goes on there");
  });
});

t.test("createLoad: senders at the end of their nonce windows, nothing more is submitted and the rest is held back", async (t) => {
  const source = { ...createPayloadSource({ runSeed: new Uint8Array(16), payloadBytes: PAYLOAD_BYTES }), unfinishedMax: 25 };
  await withLoad({ validators: 1, rate: 2_000, source }, async ({ fakes, load }) => {
    const [fake] = fakes as [FakeValidator];
    fake.onBatch = (body) => answer(transactionsIn(body).map(() => ACCEPTED));
    load.start();
    await until(() => load.counters.heldBack > 10);
    t.equal(load.counters.submitted, 25);
  });
});
