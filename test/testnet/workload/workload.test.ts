/** The workload against the real ledger behind a trivial sequencer: which result codes it reaches, that the auditor predicts all of
 *  it, that it settles, and that the same seed submits the same bytes. */

import t from "tap";
import { hashTransaction } from "../../../crypto/hashes.ts";
import { OPERATION_CODES, TRANSACTION_CODES } from "../../../ledger/result_codes.ts";
import { UNREACHABLE_CODES } from "../../../testnet/workload/invalid_traffic.ts";
import { Sequencer } from "./sequencer.ts";

const SEEDS = [1, 2, 3, 4];
/** What only a sealed content can be; this workload sends open transactions. */
const SEALED_CODES: readonly string[] = ["badSeed", "badBody", "contentMalformed", "gasLimitExceeded"];
/** Where parsing and signature checks refuse. */
const LIE_CODES = [
  "badSignature",
  "empty",
  "integerTooLarge",
  "malformed",
  "noOperations",
  "oversize",
  "tooManyOperations",
  "unknownVersion",
];

t.test(
  "createWorkload: four seeds on the ledger, every result code of open transactions reached but full tables, the auditor silent",
  async (t) => {
    const reached = { receipts: new Set<string>(), refusals: new Set<string>() };
    for (const seed of SEEDS) {
      const sequencer = new Sequencer({ seed });
      const violations = sequencer.run();
      t.same([...violations.values()], [], `seed ${seed}: no violation`);
      t.ok(sequencer.workload.isSettled, `seed ${seed}: every transaction has its outcome`);
      t.ok(sequencer.finalCount > 500, `seed ${seed}: ${sequencer.finalCount} transactions are final`);
      for (const code of sequencer.codes.receipts) reached.receipts.add(code);
      for (const code of sequencer.codes.refusals) reached.refusals.add(code);
    }
    const names = [...Object.keys(OPERATION_CODES), ...Object.keys(TRANSACTION_CODES)];
    const isOutOfReach = (name: string): boolean => SEALED_CODES.includes(name) || UNREACHABLE_CODES.some((code) => code === name);
    const wanted = [...new Set(names)].filter((name) => !isOutOfReach(name));
    const missing = wanted.filter((name) => !reached.receipts.has(name) && !reached.refusals.has(name));
    t.same(missing, [], "result codes that no seed reached");
    t.same([...reached.refusals].filter((code) => LIE_CODES.includes(code)).sort(), LIE_CODES, "lies of every kind were refused");
    t.comment(`in receipts: ${[...reached.receipts].sort().join(", ")}`);
    t.comment(
      `only as refusals: ${[...reached.refusals]
        .filter((code) => !reached.receipts.has(code))
        .sort()
        .join(", ")}`,
    );
  },
);

t.test("createWorkload: the null application, unique bytes and copies of them, the auditor silent", async (t) => {
  const sequencer = new Sequencer({ seed: 9, scenario: { application: "null" } });
  t.same([...sequencer.run().values()], []);
  t.ok(sequencer.workload.isSettled);
  t.ok(sequencer.finalCount > 300, `${sequencer.finalCount} final`);
  t.same(
    [...sequencer.codes.refusals].sort(),
    ["alreadyOrdered", "empty", "oversize"].filter((code) => sequencer.codes.refusals.has(code)),
  );
});

t.test("createWorkload: the same seed, the same submissions in the same order; another seed, others", async (t) => {
  const hashesOf = (seed: number): string[] => {
    const sequencer = new Sequencer({
      seed,
      isAudited: false,
      scenario: { phases: { faultsMs: 2_000, coreHeights: 1, viewsMax: 1, settleMsMax: 1 } },
    });
    sequencer.run();
    return sequencer.submissions.map(hashTransaction);
  };
  const first = hashesOf(5);
  t.same(hashesOf(5), first);
  t.notSame(hashesOf(6).slice(0, 20), first.slice(0, 20));
});

t.test("createWorkload: no clients, nothing is ever due", async (t) => {
  const sequencer = new Sequencer({
    seed: 1,
    scenario: {
      workload: { clients: 0, perSecond: 0, mix: { transfer: 1, linked: 0, pend: 0, invalid: 0, duplicate: 0, replay: 0, lie: 0 } },
    },
  });
  t.equal(sequencer.workload.nextDueUs, undefined);
  t.ok(sequencer.workload.isSettled);
  t.same([...sequencer.run().values()], []);
});
