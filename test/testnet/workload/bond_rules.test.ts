/** What bonds cover (B2): sums over blocks that are not executed, standing by the state that the header names, and nothing said where nothing is known. */

import t from "tap";
import type { FactOf } from "../../../testnet/simulator/facts.ts";
import { createBondRules } from "../../../testnet/workload/bond_rules.ts";
import type { LedgerModel } from "../../../testnet/workload/ledger_model.ts";
import { Height } from "../../../types/ids.ts";
import { blockOf, hashOf } from "../report/sample_facts.ts";

interface Given {
  readonly height: number;
  readonly executedHeight: number;
  readonly value?: bigint | undefined;
  readonly builder?: number;
}

const FIELDS = { height: 1, view: 1, proposer: 0, parent: 0, parentView: 0, timeMs: 1 };

/** Block of hash 100 + height on the one below. */
function stores({ height, executedHeight, value, builder = 7 }: Given): FactOf<"saved"> {
  const plain = blockOf({ ...FIELDS, height, view: height, parent: 99 + height, parentView: height - 1 });
  const bid = { builder: hashOf(builder), value } as unknown as NonNullable<typeof plain.bid>;
  const block = {
    ...plain,
    header: { ...plain.header, executedHeight: Height.of(executedHeight) },
    bid: value === undefined ? undefined : bid,
  };
  const durable = {
    records: [],
    finality: [],
    operations: [],
    evidence: [],
    shares: [],
    blocks: [{ blockHash: hashOf(100 + height), block }],
  };
  return { type: "saved", atUs: 1, validator: 0, durable };
}

function modelAt(height: number, standing: Partial<{ bond: bigint; unbondingAt: number; boxedUntil: number }> = {}): LedgerModel {
  const builder = { id: hashOf(7), bond: 100n, unbondingAt: 0, boxedUntil: 0, ...standing };
  return { height, builders: { slots: [undefined, builder] } } as unknown as LedgerModel;
}

function rules(standing: Parameters<typeof modelAt>[1] = {}) {
  const made = createBondRules({ bondMin: 10n });
  for (let height = 1; height <= 3; height++) made.noteExecuted(modelAt(height, standing));
  return made;
}

t.test("bonds: what blocks above the executed height promise adds up, what is executed does not", async (t) => {
  const made = rules();
  t.equal(made.noteSaved(stores({ height: 4, executedHeight: 3, value: 60n })), undefined);
  t.equal(made.noteSaved(stores({ height: 5, executedHeight: 3, value: 40n })), undefined, "just covered");
  t.match(made.noteSaved(stores({ height: 6, executedHeight: 3, value: 1n })), /bond is 100 and which promised 100/);
  const executed = rules();
  executed.noteSaved(stores({ height: 4, executedHeight: 3, value: 60n }));
  executed.noteExecuted(modelAt(4, { bond: 100n }));
  t.equal(executed.noteSaved(stores({ height: 5, executedHeight: 4, value: 100n })), undefined);
});

t.test("bonds: another builder's promises and blocks of proposers alone count for nothing", async (t) => {
  const made = rules();
  made.noteSaved(stores({ height: 4, executedHeight: 3, value: undefined }));
  t.equal(made.noteSaved(stores({ height: 5, executedHeight: 3, value: 100n })), undefined);
  t.match(rules().noteSaved(stores({ height: 4, executedHeight: 3, value: 1n, builder: 8 })), /which is no builder/);
});

t.test("bonds: below the least, boxed, unbonding: may not build, to the height", async (t) => {
  const block = (height: number) => stores({ height, executedHeight: 3, value: 1n });
  t.match(rules({ bond: 9n }).noteSaved(block(4)), /may not build it/);
  t.match(rules({ boxedUntil: 4 }).noteSaved(block(4)), /boxed until 4/);
  t.equal(rules({ boxedUntil: 3 }).noteSaved(block(4)), undefined);
  t.equal(rules({ unbondingAt: 3 }).noteSaved(block(4)), undefined, "one height after it unbonded");
  t.match(rules({ unbondingAt: 2 }).noteSaved(block(4)), /unbonding at 2/);
});

t.test("bonds: a block ahead of the model is judged once the model is there", async (t) => {
  const made = rules();
  t.equal(made.noteSaved(stores({ height: 5, executedHeight: 4, value: 101n })), undefined);
  t.match(made.noteExecuted(modelAt(4)), /bond is 100/);
});
