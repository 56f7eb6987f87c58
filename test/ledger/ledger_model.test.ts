/** Random blocks, valid and invalid in every way, through the ledger and through its independent model: results, balances and
 *  roots must agree after every block, money is conserved, and a restored ledger goes on like the original. */

import fc from "fast-check";
import t from "tap";
import { verifyAccountProof } from "../../ledger/account_proof.ts";
import { createLedgerWithLimits } from "../../ledger/ledger.ts";
import { OPERATION_CODES, TRANSACTION_CODES } from "../../ledger/result_codes.ts";
import type { AccountId } from "../../types/ids.ts";
import { Height, TimestampMs } from "../../types/ids.ts";
import { FEE_ACCOUNT, type Operation, type TransactionPayload } from "../../types/transaction.ts";
import { holds } from "../support/property.ts";
import { ALICE, account, BOB, CAROL, FEE_ASSET, ISSUER, LedgerWorld, TEST_LIMITS, ZERO_ACCOUNT } from "./ledger_world.ts";

const people = [ALICE, BOB, CAROL, ISSUER, account("dave"), account("erin")];
const party = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...people) },
  { weight: 1, arbitrary: fc.constantFrom(FEE_ACCOUNT, ZERO_ACCOUNT) },
);
const asset = fc.oneof({ weight: 8, arbitrary: fc.constant(FEE_ASSET) }, { weight: 4, arbitrary: fc.constantFrom(9, 0, 1, 2 ** 32 - 1) });
const amount = fc.oneof(
  { weight: 20, arbitrary: fc.bigInt({ min: 1n, max: 20_000n }) },
  { weight: 2, arbitrary: fc.constantFrom(0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 64n, 2n ** 96n, 2n ** 127n, 2n ** 128n - 1n) },
);
const flags = fc.oneof(
  { weight: 12, arbitrary: fc.constant(0) },
  { weight: 5, arbitrary: fc.constant(1) },
  { weight: 1, arbitrary: fc.constantFrom(2, 128, 255) },
);
const stray = <T>(value: T, others: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 40, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: others });
const noIndex = stray(0, fc.constantFrom(1, 65_535));
const noReference = stray(0, fc.constantFrom(1, Number.MAX_SAFE_INTEGER));
const noAsset = stray(0, asset);
const noAmount = stray(0n, amount);
const noAccount = stray(ZERO_ACCOUNT, party);
const timeToLive = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 60 }) },
  { weight: 1, arbitrary: fc.constant(Number.MAX_SAFE_INTEGER) },
);
const reference = fc.integer({ min: 0, max: 5 });
const position = fc.integer({ min: 0, max: 3 });

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant(1), flags, index: noIndex, asset, account: party, amount: noAmount, reference: noReference }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant(2),
      flags,
      index: noIndex,
      asset,
      account: noAccount,
      amount: fc.bigInt({ min: 0n, max: 40n }),
      reference: noReference,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant(3), flags, index: noIndex, asset, account: party, amount, reference: noReference }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant(4), flags, index: noIndex, asset, account: party, amount, reference: timeToLive }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant(5), flags, index: position, asset: noAsset, account: party, amount, reference }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant(6), flags, index: position, asset: noAsset, account: party, amount: noAmount, reference }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom(0, 7, 10, 255), flags, index: position, asset, account: party, amount, reference }),
  },
);

interface TransactionPlan {
  readonly sender: AccountId;
  readonly operations: readonly Operation[];
  readonly nonce: number | undefined;
  readonly expiresIn: number;
  readonly feeMax: bigint;
  readonly isForeign: boolean;
}

const plan: fc.Arbitrary<TransactionPlan> = fc.record({
  sender: fc.constantFrom(ALICE, ALICE, ALICE, BOB, BOB, BOB, ISSUER, CAROL),
  operations: fc.array(operation, { minLength: 1, maxLength: 6 }),
  nonce: stray<number | undefined>(undefined, fc.constantFrom(0, 1, 200, 256, 300, 511, 512, 5_000, Number.MAX_SAFE_INTEGER)),
  expiresIn: stray(50, fc.constantFrom(-1, 0)),
  feeMax: stray(1_000n, fc.constantFrom(0n, 12n, 2n ** 64n - 1n)),
  isForeign: stray(false, fc.constant(true)),
});

const blocks = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 40 }), plans: fc.array(plan, { maxLength: 5 }) }), {
  minLength: 1,
  maxLength: 7,
});

/** Posts and voids mostly name a transfer that was pended lately, counted back from the newest; others name what chance gives. */
function aim(world: LedgerWorld, { kind, ...rest }: Operation): Operation {
  const pended = world.model.state.pendings.at(-rest.reference);
  if (kind < 5 || rest.reference === 0 || pended === undefined) return { kind, ...rest };
  return { kind, ...rest, account: pended.payer as AccountId, reference: pended.nonce, index: pended.index };
}

function payloadOf(world: LedgerWorld, { sender, operations, nonce, expiresIn, feeMax, isForeign }: TransactionPlan): TransactionPayload {
  const expiryHeight = Height.of(Math.max(0, world.ledger.height + 1 + expiresIn));
  const chainId = isForeign ? (account("another chain") as string as TransactionPayload["chainId"]) : world.chainId;
  const aimed = operations.map((each) => aim(world, each));
  return world.payload(sender, aimed, { expiryHeight, feeMax, chainId, ...(nonce === undefined ? {} : { nonce }) });
}

function disagreement(world: LedgerWorld): string | undefined {
  if (world.ledger.root !== world.model.root()) return "root";
  if (world.model.imbalances().some((difference) => difference !== 0n)) return "conservation";
  for (const id of [...people, FEE_ACCOUNT, ZERO_ACCOUNT]) {
    for (const number of [FEE_ASSET, 9, 0, 1, 2 ** 32 - 1]) {
      const expected = world.model.account(id, number);
      const answer = world.ledger.queryAccount({ account: id, asset: number });
      // Proofs cost most: one account in each block, in turn.
      if ((world.ledger.height + number) % people.length === people.indexOf(id)) {
        const proved = verifyAccountProof({ root: world.ledger.root, account: id, asset: number, proof: answer.proof });
        if (!proved.ok || proved.record?.creditsPosted !== expected?.creditsPosted) return `proof ${id} ${number}`;
      }
      if (answer.record?.creditsPosted !== expected?.creditsPosted || answer.record?.debitsPosted !== expected?.debitsPosted)
        return `posted ${id}`;
      if (answer.record?.creditsPending !== expected?.creditsPending || answer.record?.debitsPending !== expected?.debitsPending)
        return `pending ${id}`;
    }
  }
  return undefined;
}

const seen = new Set<number>();

t.test(
  "L1 L5 L9: createLedger, random blocks: results, balances, proofs and roots equal the model's, and money is conserved",
  async (t) => {
    const property = fc.property(blocks, (plannedBlocks) => {
      const world = new LedgerWorld();
      for (const { afterMs, plans } of plannedBlocks) {
        const payloads = plans.map((each) => payloadOf(world, each));
        const { receipts, expected } = world.run([...payloads, ...payloads.slice(0, 1)], afterMs);
        for (const [index, receipt] of receipts.entries()) {
          seen.add(receipt.code);
          for (const code of receipt.operationCodes) seen.add(code);
          const wanted = { code: expected[index]?.code, operationCodes: expected[index]?.operationCodes };
          const got = { code: receipt.code, operationCodes: receipt.operationCodes };
          if (JSON.stringify(got) !== JSON.stringify(wanted))
            throw new Error(`receipt ${index}: ${JSON.stringify(got)}, model ${JSON.stringify(wanted)}`);
        }
        const difference = disagreement(world);
        if (difference !== undefined) throw new Error(`differs from the model: ${difference}`);
      }
    });
    const details = fc.check(property, { numRuns: 400 });
    t.equal(details.failed, false, fc.defaultReportMessage(details) ?? `${details.numRuns} runs from seed ${details.seed}`);
    const unseen = [...Object.entries(OPERATION_CODES), ...Object.entries(TRANSACTION_CODES)].filter(([, code]) => !seen.has(code));
    t.comment(`codes that chance did not produce: ${unseen.map(([name]) => name).join(", ") || "none"}`);
  },
);

t.test("L12 L13: restore, random blocks before and after: same root, and the same blocks keep both equal", async (t) => {
  const property = fc.property(blocks, blocks, (first, second) => {
    const world = new LedgerWorld();
    for (const { afterMs, plans } of first)
      world.run(
        plans.map((each) => payloadOf(world, each)),
        afterMs,
      );
    const twin = createLedgerWithLimits(
      { genesis: world.genesis, chainId: world.chainId, indexSeed: new Uint8Array(32).fill(5) },
      TEST_LIMITS,
    );
    const snapshot = world.ledger.snapshot();
    const before = snapshot.chunks.map((chunk) => chunk.slice());
    if (!twin.restore(snapshot) || twin.root !== world.ledger.root || twin.height !== world.ledger.height) throw new Error("not restored");
    for (const { afterMs, plans } of second) {
      const payloads = plans.map((each) => payloadOf(world, each));
      const { receipts, stateRoot } = world.run(payloads, afterMs);
      const transactions = payloads.map((payload) => world.parse(payload));
      const again = twin.execute({
        height: Height.next(twin.height),
        timeMs: TimestampMs.of(world.model.timeMs),
        transactions,
        opened: [],
      });
      if (again.stateRoot !== stateRoot || JSON.stringify(again.receipts) !== JSON.stringify(receipts))
        throw new Error("restored ledger went elsewhere");
    }
    const isFrozen = before.every((bytes, index) => Buffer.compare(bytes, snapshot.chunks[index] as Uint8Array) === 0);
    if (!isFrozen) throw new Error("a later block changed a snapshot");
  });
  holds(t, property, 120);
});
