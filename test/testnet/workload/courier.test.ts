/** How clients follow a transaction: another validator after silence, a lost connection or a refusal that allows it; patience after
 *  acceptance; the end by finality, refusal or expiry. And the agenda that orders it all. */

import t from "tap";
import type { Fact } from "../../../testnet/simulator/facts.ts";
import { createStream } from "../../../testnet/simulator/streams.ts";
import { createAgenda } from "../../../testnet/workload/agenda.ts";
import { ANSWER_WITHIN_US, type Courier, createCourier, type Outcome, type Submission } from "../../../testnet/workload/courier.ts";
import { type BlockHash, Height, type StateRoot, type TransactionHash } from "../../../types/ids.ts";

const HASH = "aa".repeat(32) as TransactionHash;
const BYTES = Uint8Array.of(1, 2, 3);
const CLIENT = 3;
const TRAITOR = 2;

function world(order: { readonly expiryHeight?: number; readonly refusalsMax?: number } = {}): {
  readonly courier: Courier;
  readonly outcomes: Outcome[];
  next(): Submission | undefined;
  answer(validator: number, refusal?: { readonly code: string; readonly canRetry: boolean }): void;
  nowUs: number;
} {
  const courier = createCourier({ validators: 3, traitors: new Set([TRAITOR]), stream: createStream(1, "courier") });
  const outcomes: Outcome[] = [];
  const { expiryHeight = 1_000, ...rest } = order;
  const onDone = (outcome: Outcome): void => void outcomes.push(outcome);
  courier.send({ client: CLIENT, bytes: BYTES, hash: HASH, expiryHeight: Height.of(expiryHeight), validator: 0, onDone, ...rest }, 1_000);
  const self = {
    courier,
    outcomes,
    nowUs: 0,
    /** What is sent next, whenever that is. */
    next() {
      for (let dueUs = courier.nextDueUs; dueUs !== undefined; dueUs = courier.nextDueUs) {
        self.nowUs = dueUs;
        const [submission] = courier.due(dueUs);
        if (submission !== undefined) return submission;
      }
      return undefined;
    },
    answer(validator: number, refusal?: { readonly code: string; readonly canRetry: boolean }) {
      const full = refusal === undefined ? undefined : { ...refusal, advice: "" };
      courier.observe({ type: "answered", atUs: self.nowUs, validator, client: CLIENT, hash: HASH, refusal: full });
    },
  };
  return self;
}

function saved(options: { readonly validator: number; readonly height: number; readonly hash?: TransactionHash }): Fact {
  const { validator, hash } = options;
  const receipts = hash === undefined ? [] : [{ hash, code: 110, operationCodes: [16] }];
  const blockHash = HASH as string as BlockHash;
  const operations = [
    { height: Height.of(options.height), blockHash, stateRoot: HASH as string as StateRoot, receipts, bundleReceipts: [], openings: [] },
  ];
  return {
    type: "saved",
    atUs: 9_000,
    validator,
    durable: { records: [], blocks: [], finality: [], operations, evidence: [], shares: [] },
  };
}

t.test("createCourier: silence, the same bytes at another validator after two seconds", async (t) => {
  const { next, courier } = world();
  const first = next();
  t.same(first, { client: CLIENT, validator: 0, bytes: BYTES });
  t.equal(courier.nextDueUs, 1_000 + ANSWER_WITHIN_US);
  const second = next();
  t.not(second?.validator, 0);
  t.equal(second?.bytes, BYTES);
  t.equal(courier.openCount, 1);
});

t.test("createCourier: accepted, asked for again only after some seconds, and final by an honest validator's word alone", async (t) => {
  const it = world();
  it.next();
  it.answer(0);
  it.next();
  t.ok(it.nowUs >= 4_000_000, `again at ${it.nowUs}`);
  it.courier.observe(saved({ validator: TRAITOR, height: 1, hash: HASH }));
  t.equal(it.courier.openCount, 1, "a traitor's word");
  it.courier.observe(saved({ validator: 1, height: 1, hash: HASH }));
  t.same(it.outcomes, [{ type: "final", atUs: 9_000, code: 110, operationCodes: [16] }]);
  t.equal(it.next(), undefined);
  t.ok(it.courier.isIdle);
});

t.test(
  "createCourier: refusals, for good they end it, for now they do not, a traitor's never, and `duplicate` is acceptance",
  async (t) => {
    const now = { code: "poolFull", canRetry: true };
    const forGood = { code: "nonceReplayed", canRetry: false };
    const patient = world();
    for (let count = 0; count < 5; count++) patient.answer(patient.next()?.validator ?? -1, now);
    t.equal(patient.courier.openCount, 1, "refused for now");
    patient.answer(patient.next()?.validator ?? -1, { code: "duplicate", canRetry: false });
    t.equal(patient.courier.openCount, 1, "held");
    let asked = patient.next()?.validator;
    for (; asked !== TRAITOR; asked = patient.next()?.validator) patient.answer(asked ?? -1, now);
    patient.answer(TRAITOR, forGood);
    t.equal(patient.courier.openCount, 1, "a traitor's word");
    for (asked = patient.next()?.validator; asked === TRAITOR; asked = patient.next()?.validator) patient.answer(TRAITOR, now);
    patient.answer(asked ?? -1, forGood);
    t.match(patient.outcomes, [{ type: "refused", code: "nonceReplayed" }]);

    const impatient = world({ refusalsMax: 1 });
    impatient.next();
    impatient.answer(0, now);
    t.match(impatient.outcomes, [{ type: "refused", code: "poolFull" }]);
  },
);

t.test("createCourier: dropped by the validator that had accepted it, asked elsewhere; by another one, nothing", async (t) => {
  const it = world();
  it.next();
  it.answer(0);
  const refusal = { code: "evicted", canRetry: true, advice: "" };
  const before = it.courier.nextDueUs;
  it.courier.observe({ type: "dropped", atUs: it.nowUs, validator: 1, hash: HASH, refusal });
  t.equal(it.courier.nextDueUs, before);
  it.courier.observe({ type: "dropped", atUs: it.nowUs, validator: 0, hash: HASH, refusal });
  t.not(it.next()?.validator, 0);
  t.ok(it.nowUs < 2_000_000);
});

t.test("createCourier: past its expiry height, asked no more; after the heal phase began, asked at once", async (t) => {
  const it = world({ expiryHeight: 5 });
  it.next();
  it.answer(0);
  it.courier.observe({ type: "phase", atUs: it.nowUs, phase: "heal", core: [] });
  t.ok(it.next() !== undefined && it.nowUs < 2_000_000, "healed");
  it.courier.observe(saved({ validator: 1, height: 5 }));
  t.equal(it.next(), undefined);
  t.match(it.outcomes, [{ type: "expired" }]);
});

t.test("createCourier: a validator stops, whoever waits for its answer asks elsewhere soon", async (t) => {
  const it = world();
  it.next();
  it.courier.observe({ type: "stopped", atUs: it.nowUs, validator: 0, why: "crash" });
  t.not(it.next()?.validator, 0);
  t.ok(it.nowUs < ANSWER_WITHIN_US);
});

t.test("createAgenda: random times, taken by time and then in order of adding", async (t) => {
  const stream = createStream(2, "agenda");
  const agenda = createAgenda<readonly [number, number]>();
  const added: (readonly [number, number])[] = [];
  for (let index = 0; index < 500; index++) {
    const item = [stream.below(50), index] as const;
    added.push(item);
    agenda.add(item[0], item);
  }
  const taken: (readonly [number, number])[] = [];
  for (let item = agenda.take(1_000); item !== undefined; item = agenda.take(1_000)) taken.push(item);
  t.same(
    taken,
    added.toSorted((left, right) => left[0] - right[0] || left[1] - right[1]),
  );
  t.equal(agenda.nextUs, undefined);
  agenda.add(7, [7, 0]);
  t.equal(agenda.take(6), undefined, "not due yet");
});
