/** The auditor fires for each of its invariants on a planted lie, names it, and is silent about the same run without the lie. Lies
 *  are planted in the facts of a run on the real ledger, or by a sequencer that loses or repeats transactions. */

import t from "tap";
import type { Violation } from "../../../testnet/checks/checker.ts";
import type { Fact, FactOf } from "../../../testnet/simulator/facts.ts";
import type { TransactionReceipt } from "../../../types/application.ts";
import type { StateRoot } from "../../../types/ids.ts";
import { Sequencer, type SequencerOptions } from "./sequencer.ts";

const PHASES = { faultsMs: 2_000, coreHeights: 1, viewsMax: 1, settleMsMax: 1 };
const LIAR = 2;

function violationsOf(options: Partial<SequencerOptions>): ReadonlyMap<string, Violation> {
  return new Sequencer({ seed: 7, ...options, scenario: { phases: PHASES, ...options.scenario } }).run();
}

/** The report of the validator that lies; undefined for all other facts. */
function reportOf(fact: Fact): FactOf<"finalized"> | undefined {
  return fact.type === "finalized" && fact.validator === LIAR ? fact : undefined;
}

/** Changes the first receipt that `picks` chooses, in what one validator reports as final (or all do). */
function receiptsChanged(options: {
  readonly picks: (receipt: TransactionReceipt) => boolean;
  readonly change: (receipt: TransactionReceipt) => TransactionReceipt;
  readonly isEverywhere?: boolean;
}): (fact: Fact) => readonly Fact[] {
  let hash: string | undefined;
  const changed = (receipts: readonly TransactionReceipt[]): TransactionReceipt[] =>
    receipts.map((receipt) => {
      if (hash === undefined && options.picks(receipt)) hash = receipt.hash;
      return receipt.hash === hash ? options.change(receipt) : receipt;
    });
  return (fact) => {
    if (fact.type === "finalized" && (fact.validator === LIAR || options.isEverywhere === true)) {
      return [{ ...fact, blocks: fact.blocks.map((block) => ({ ...block, receipts: changed(block.receipts) })) }];
    }
    if (options.isEverywhere !== true || fact.type !== "saved") return [fact];
    const operations = fact.durable.operations.map((entry) => ({ ...entry, receipts: changed(entry.receipts) }));
    return [{ ...fact, durable: { ...fact.durable, operations } }];
  };
}

function reportsChanged(fact: Fact, change: (receipts: readonly TransactionReceipt[]) => readonly TransactionReceipt[]): readonly Fact[] {
  const report = reportOf(fact);
  return report === undefined
    ? [fact]
    : [{ ...report, blocks: report.blocks.map((each) => ({ ...each, receipts: change(each.receipts) })) }];
}

const allOk = (receipt: TransactionReceipt): TransactionReceipt => ({
  ...receipt,
  code: 0,
  operationCodes: receipt.operationCodes.map(() => 0),
});

t.test("outcomes: one validator reports another code, operation code, order or number of receipts, named with both codes", async (t) => {
  const cases: readonly { readonly name: string; readonly tamper: (fact: Fact) => readonly Fact[]; readonly says: RegExp }[] = [
    {
      name: "code",
      tamper: receiptsChanged({ picks: ({ code }) => code === 0, change: (receipt) => ({ ...receipt, code: 110 }) }),
      says: /got operationsFailed, predicted ok/,
    },
    {
      name: "operation code",
      tamper: receiptsChanged({
        picks: ({ operationCodes }) => operationCodes[0] === 16,
        change: (receipt) => ({ ...receipt, operationCodes: [17, ...receipt.operationCodes.slice(1)] }),
      }),
      says: /got debitsOverflow.*predicted insufficientFunds/,
    },
    {
      name: "missing operation code",
      tamper: receiptsChanged({ picks: ({ code }) => code === 0, change: (receipt) => ({ ...receipt, operationCodes: [] }) }),
      says: /operations of .* predicted ok/,
    },
    {
      name: "another transaction's receipt",
      tamper: (fact) => reportsChanged(fact, (receipts) => receipts.toReversed()),
      says: /receipt 0 is of/,
    },
    {
      name: "receipt left out",
      tamper: (fact) => reportsChanged(fact, (receipts) => receipts.slice(1)),
      says: /receipts for/,
    },
  ];
  for (const { name, tamper, says } of cases) {
    const violation = violationsOf({ tamper }).get("outcomes");
    t.equal(violation?.kind, "safety", name);
    t.same(violation?.validators, [LIAR], name);
    t.match(violation?.detail, says, name);
  }
});

t.test(
  "outcomes: a wrong state root at the head, reported by all, and one validator's wrong root where the model's is known",
  async (t) => {
    const wrong = "ab".repeat(32) as StateRoot;
    const lastOnly = (fact: Fact): readonly Fact[] => {
      if (fact.type === "finalized") return [{ ...fact, blocks: fact.blocks.map((block) => ({ ...block, stateRoot: wrong })) }];
      if (fact.type !== "saved") return [fact];
      return [
        { ...fact, durable: { ...fact.durable, operations: fact.durable.operations.map((entry) => ({ ...entry, stateRoot: wrong })) } },
      ];
    };
    t.match(violationsOf({ tamper: lastOnly, perSecond: 20 }).get("outcomes")?.detail, /At the head, .*predicted/);
    const liar = (fact: Fact): readonly Fact[] => (reportOf(fact) === undefined ? [fact] : lastOnly(fact));
    const violation = violationsOf({ tamper: liar, perSecond: 600 }).get("outcomes");
    t.same(violation?.validators, [LIAR]);
    t.match(violation?.detail, /state root ab.*predicted/);
  },
);

t.test("outcomes: a refusal that the model contradicts, and an acceptance of what must be refused", async (t) => {
  const refuse = (fact: Fact): readonly Fact[] =>
    fact.type === "answered" && fact.refusal?.code === "feeTooLow"
      ? [{ ...fact, refusal: { code: "unknownSender", canRetry: true, advice: "" } }]
      : [fact];
  t.match(violationsOf({ tamper: refuse }).get("outcomes")?.detail, /answered unknownSender .* the verdict is feeTooLow/);
  const accept = (fact: Fact): readonly Fact[] =>
    fact.type === "answered" && fact.refusal?.code === "wrongChain" ? [{ ...fact, refusal: undefined }] : [fact];
  t.match(violationsOf({ tamper: accept }).get("outcomes")?.detail, /answered accepted .* the verdict is wrongChain/);
});

t.test(
  "outcomes: final blocks whose transactions nobody saved are put together from submissions, and named when they cannot be",
  async (t) => {
    const hideBodies = (fact: Fact): readonly Fact[] =>
      fact.type === "saved" ? [{ ...fact, durable: { ...fact.durable, blocks: [] } }] : [fact];
    t.same([...violationsOf({ tamper: hideBodies }).values()], []);
    const hideAll = (fact: Fact): readonly Fact[] => (fact.type === "finalized" ? [] : hideBodies(fact));
    t.match(violationsOf({ tamper: hideAll }).get("outcomes")?.detail, /no honest validator ever saved/);
  },
);

t.test("conservation: a failed payment reported as success by all makes money, which receipts alone show", async (t) => {
  const tamper = receiptsChanged({ picks: ({ operationCodes }) => operationCodes.includes(16), change: allOk, isEverywhere: true });
  const violations = violationsOf({ tamper });
  t.match(violations.get("conservation")?.detail, /money was made/);
  t.equal(violations.get("conservation")?.kind, "safety");
  const posted = receiptsChanged({ picks: ({ operationCodes }) => operationCodes[0] === 22, change: allOk, isEverywhere: true });
  t.match(violationsOf({ tamper: posted }).get("conservation")?.detail, /is not open/, "a second post");
  const unpaid = receiptsChanged({
    picks: ({ code }) => code === 0,
    change: (receipt) => ({ ...receipt, code: 108, operationCodes: [] }),
    isEverywhere: true,
  });
  t.match(
    violationsOf({ tamper: unpaid, mix: { pend: 0, linked: 0 } }).get("conservation")?.detail,
    /owns .* and by receipts/,
    "a payment that is not reported",
  );
});

t.test("executedOnce: an honest leader that orders a transaction twice, and receipts that let a replay pay again", async (t) => {
  let isDone = false;
  const repeats = (): boolean => {
    const isFirst = !isDone;
    isDone = true;
    return isFirst;
  };
  t.match(violationsOf({ repeats }).get("executedOnce")?.detail, /holds transaction .* twice/);
  const tamper = receiptsChanged({
    picks: ({ code }) => code === 106,
    change: (receipt) => ({ ...receipt, code: 0, operationCodes: [0] }),
    isEverywhere: true,
  });
  t.match(violationsOf({ tamper }).get("executedOnce")?.detail, /took effect with code 0, but nonce .* was used/);
  isDone = false;
  t.match(
    violationsOf({ repeats, scenario: { application: "null", phases: PHASES } }).get("executedOnce")?.detail,
    /twice/,
    "null application",
  );
});

t.test("everyTransactionAnswered: an accepted transaction that never becomes final, whatever the client tries", async (t) => {
  let lost: string | undefined;
  const forgets = ({ hash, expiryHeight }: { readonly hash: string; readonly expiryHeight: number }): boolean => {
    lost ??= expiryHeight > 1_000_000 ? hash : undefined;
    return hash === lost;
  };
  for (const application of ["ledger", "null"] as const) {
    lost = undefined;
    const violation = violationsOf({ forgets, scenario: { application, phases: PHASES } }).get("everyTransactionAnswered");
    t.equal(violation?.kind, "liveness", application);
    t.match(violation?.detail, new RegExp(`Transaction ${lost} of client .* it was accepted`), application);
  }
  t.equal(
    violationsOf({ forgets, scenario: { expect: "break", phases: PHASES } }).size,
    0,
    "nobody owes an answer where agreement is to break",
  );
});

t.test(
  "everyTransactionAnswered: silence, a refusal without cause, lies that are accepted or final, transactions from nowhere",
  async (t) => {
    const silent = (fact: Fact): readonly Fact[] =>
      fact.type === "answered" && fact.validator === LIAR && fact.atUs > 1_000_000 ? [] : [fact];
    t.match(violationsOf({ tamper: silent }).get("everyTransactionAnswered")?.detail, /Validator 2 never answered/);

    let victim: string | undefined;
    const forgets = ({ hash }: { readonly hash: string }): boolean => hash === victim;
    const baseless = (fact: Fact): readonly Fact[] => {
      if (fact.type === "submitted") victim ??= fact.hash;
      return fact.type === "answered" && fact.hash === victim
        ? [{ ...fact, refusal: { code: "busy", canRetry: false, advice: "" } }]
        : [fact];
    };
    t.match(
      violationsOf({ tamper: baseless, forgets, mix: { lie: 0, replay: 0, invalid: 0 } }).get("everyTransactionAnswered")?.detail,
      /nothing is wrong with it/,
    );

    for (const code of ["badSignature", "malformed"]) {
      const accept = (fact: Fact): readonly Fact[] =>
        fact.type === "answered" && fact.refusal?.code === code ? [{ ...fact, refusal: undefined }] : [fact];
      const violation = violationsOf({ tamper: accept }).get("everyTransactionAnswered");
      t.match(violation?.detail, /Validator \d accepted/, code);
      t.equal(violation?.kind, "safety", code);
    }

    const unsigned = (fact: Fact): readonly Fact[] => {
      // The auditor hears of every transaction with one bit of its signature changed.
      if (fact.type !== "submitted" || fact.hash === undefined) return [fact];
      const bytes = fact.bytes.slice();
      bytes[20] = (bytes[20] as number) ^ 1;
      return [{ ...fact, bytes }];
    };
    t.match(violationsOf({ tamper: unsigned }).get("everyTransactionAnswered")?.detail, /signature is not the sender's/);

    const unheard = (fact: Fact): readonly Fact[] => (fact.type === "submitted" || fact.type === "answered" ? [] : [fact]);
    t.match(
      violationsOf({ tamper: unheard }).get("everyTransactionAnswered")?.detail,
      /no well-formed transaction that a client submitted/,
    );
  },
);

t.test("createAuditor: traitors' reports, forks and validators that stop owe nothing", async (t) => {
  const traitor = { byzantine: [{ validator: LIAR, strategy: "wrongStateRoot" as const, chance: 1 }], phases: PHASES };
  const lie = receiptsChanged({ picks: ({ code }) => code === 0, change: (receipt) => ({ ...receipt, code: 110 }) });
  const sequencer = new Sequencer({ seed: 7, scenario: traitor, tamper: lie });
  (sequencer.cluster.honest as Set<number>).delete(LIAR);
  t.same([...sequencer.run().values()], []);

  let isDown = false;
  const stops = (fact: Fact): readonly Fact[] => {
    if (!("validator" in fact) || fact.validator !== LIAR || fact.atUs < 500_000) return [fact];
    if (fact.type === "submitted" && !isDown) {
      isDown = true;
      return [fact, { type: "stopped", atUs: fact.atUs, validator: LIAR, why: "crash" }];
    }
    return fact.type === "submitted" ? [fact] : [];
  };
  t.same([...violationsOf({ tamper: stops }).values()], [], "clients ask elsewhere");
});
