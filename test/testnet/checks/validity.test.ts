/** R2 and R14 from the outside: each fault of a final block or of a stored body fires; the closest legal block is silent. */

import t from "tap";
import { bodyRootOf, hashHeader, hashTransaction } from "../../../crypto/hashes.ts";
import { bodyOf, expiryHeightOf } from "../../../testnet/checks/bodies.ts";
import type { Checker } from "../../../testnet/checks/checker.ts";
import { createFinalChain } from "../../../testnet/checks/final_chain.ts";
import { createValidityChecker } from "../../../testnet/checks/validity.ts";
import type { BlockHeader } from "../../../types/block.ts";
import { asciiBytes, toHex } from "../../../types/bytes.ts";
import { type AccountId, Epoch, Height, ValidatorIndex, View, ZERO_HASH } from "../../../types/ids.ts";
import { buildTransaction } from "../../../types/transaction.ts";
import { CHAIN_ID } from "../../support/chain.ts";
import {
  fault,
  finalizes,
  firstViolation,
  legalRun,
  type MadeBlock,
  makeBlock,
  makeChain,
  proposes,
  saved,
  stopped,
  stores,
  type Untimed,
  type World,
  worldOf,
} from "./history.ts";

const WORLD = worldOf({ traitors: [3] });

const validity = (application: "ledger" | "null" = "ledger", { cluster }: World = WORLD): Checker =>
  createValidityChecker(cluster, { chain: createFinalChain(cluster), application, blockTransactionsMax: 2 });

/** Validator 0 stores the chain and makes it final. */
const settles = (chain: readonly MadeBlock[]): readonly Untimed[] => [stores(0, ...chain), ...chain.flatMap((made) => finalizes(0, made))];

function transaction(nonce: number, expiryHeight: number): Uint8Array {
  const sender = "aa".repeat(32) as AccountId;
  const operation = { kind: 3, flags: 0, index: 0, asset: 1, account: sender, amount: 1n, reference: 0 };
  const payload = { chainId: CHAIN_ID, sender, nonce, expiryHeight: Height.of(expiryHeight), feeMax: 9n, operations: [operation] };
  return buildTransaction({ payload, sign: () => new Uint8Array(64) });
}

t.test("validity: a legal run with transactions, silent", async (t) => {
  const chain = makeChain(WORLD, [
    { view: 1, transactions: [transaction(1, 1)] },
    { view: 2, transactions: [transaction(2, 9), transaction(3, 9)] },
    { view: 5 },
  ]);
  t.equal(firstViolation(validity(), legalRun(WORLD, chain)), undefined);
});

t.test("R2 R14 validity: each fault of a final header, fires", async (t) => {
  const [first, second] = makeChain(WORLD, [{ view: 1 }, { view: 2 }]) as readonly [MadeBlock, MadeBlock];
  const cases: readonly (readonly [RegExp, Partial<BlockHeader>])[] = [
    [/is of epoch 1/, { epoch: Epoch.of(1) }],
    [/is of view 2, its parent of view 2/, { view: View.of(2), parentView: View.of(1) }],
    [/has time (\d+), its parent \1/, { timeMs: second.header.timeMs }],
    [/claims that height 3 was executed before it/, { executedHeight: Height.of(3) }],
    [/with 0 bytes of transactions instead of 8388609/, { bodyBytes: 8 * 1024 * 1024 + 1 }],
  ];
  for (const [expected, change] of cases) {
    const third = makeBlock(WORLD, second, { view: 3, change });
    t.match(firstViolation(validity(), settles([first, second, third]))?.detail, expected);
  }
  const stranger = { ...first.header, proposer: ValidatorIndex.of(9) };
  const blockHash = hashHeader(stranger);
  const entry = { height: stranger.height, blockHash, view: stranger.view, certificate: first.commit };
  const caughtUp = saved(0, { blocks: [{ blockHash, block: { ...first.block, header: stranger } }], finality: [entry] });
  t.match(firstViolation(validity(), [caughtUp])?.detail, /names a proposer that is no validator/);
  const sameExecuted = makeBlock(WORLD, second, { view: 3, change: { executedHeight: Height.of(0) } });
  const chain = makeChain(WORLD, [{ view: 1 }, { view: 2 }, { view: 3 }, { view: 4 }]);
  const last = chain.at(-1) as MadeBlock;
  const behind = makeBlock(WORLD, last, { view: 5, change: { executedHeight: Height.of(1) } });
  t.match(firstViolation(validity(), settles([...chain, behind]))?.detail, /claims executed height 1, its parent 2/);
  t.equal(firstViolation(validity(), settles([first, second, sameExecuted])), undefined, "executed height as the parent's");
});

t.test("validity: transactions more than 64 heights ahead of execution, fires; 64, or an empty block, silent", async (t) => {
  const lagging: MadeBlock[] = [];
  const still = { executedHeight: Height.ZERO };
  for (let view = 1; view <= 65; view++) lagging.push(makeBlock(WORLD, lagging.at(-1), { view, change: still }));
  const below = lagging.slice(0, 63);
  const transactions = [transaction(1, 99)];
  const at64 = makeBlock(WORLD, below.at(-1), { view: 64, transactions, change: still });
  const at65 = makeBlock(WORLD, lagging.at(63), { view: 65, transactions, change: still });
  t.equal(firstViolation(validity(), settles(lagging)), undefined);
  t.equal(firstViolation(validity(), settles([...below, at64])), undefined);
  t.match(
    firstViolation(validity(), settles([...lagging.slice(0, 64), at65]))?.detail,
    /holds 1 transactions while execution is at height 0, more than 64 behind/,
  );
});

t.test("validity: a stored body that is not the header's, or a block without its proposer's signature, fires", async (t) => {
  const made = makeBlock(WORLD, undefined, { view: 1, transactions: [transaction(1, 9), transaction(2, 9)] });
  const { blockHash, block } = made;
  const [one, two] = block.transactions as readonly [Uint8Array, Uint8Array];
  const holds = (change: Partial<typeof block>, durable = {}): Untimed =>
    saved(0, { blocks: [{ blockHash, block: { ...block, ...change } }], ...durable });
  const cases: readonly (readonly [RegExp, Untimed])[] = [
    [/with 1 transactions instead of 2/, holds({ transactions: [one] })],
    [/with \d+ bytes of transactions instead of/, holds({ transactions: [one, two.slice(1)] })],
    [/whose transactions have root/, holds({ transactions: [two, one] })],
    [/without the signature of its proposer, validator 1/, holds({ signature: new Uint8Array(64) })],
    [/whose header has another hash/, saved(0, { blocks: [{ blockHash: ZERO_HASH, block }] })],
  ];
  for (const [expected, fact] of cases) {
    t.match(firstViolation(validity(), [fact])?.detail, expected);
    t.match(firstViolation(validity(), [stores(1, made), fact])?.detail, expected, "although another holds it whole");
  }
  const entry = { height: made.header.height, blockHash, view: made.header.view, certificate: made.commit };
  t.equal(
    firstViolation(validity(), [holds({ signature: new Uint8Array(64) }, { finality: [entry] })]),
    undefined,
    "catch-up rests on the CC",
  );
  t.equal(firstViolation(validity(), [{ ...holds({ transactions: [] }), validator: 3 } as Untimed]), undefined, "a traitor's disk");
});

t.test("validity: final without a stored body, fires; the body of an earlier life will do, unless the store was wiped", async (t) => {
  const [first] = makeChain(WORLD, [{ view: 1 }]) as readonly [MadeBlock];
  const missing = /Validator 0 saved height 1 as final without having stored block/;
  t.match(firstViolation(validity(), finalizes(0, first))?.detail, missing);
  t.match(firstViolation(validity(), [stores(1, first), ...finalizes(0, first)])?.detail, missing);
  t.equal(firstViolation(validity(), [stores(0, first), stopped(0), ...finalizes(0, first)]), undefined);
  t.match(
    firstViolation(validity(), [stores(0, first), fault(0, { type: "wipe", validator: 0 }), ...finalizes(0, first)])?.detail,
    missing,
  );
});

t.test(
  "validity: the ledger orders a transaction twice or after its expiry, fires; a traitor's repetition and the null application, silent",
  async (t) => {
    const again = transaction(1, 9);
    const chain = (view: number, transactions: readonly Uint8Array[]): readonly MadeBlock[] =>
      makeChain(WORLD, [
        { view: 1, transactions: [again] },
        { view, transactions },
      ]);
    t.match(
      firstViolation(validity(), settles(chain(2, [again])))?.detail,
      /holds transaction .*, which is in the final block of height 1 already/,
    );
    t.equal(firstViolation(validity(), settles(chain(3, [again]))), undefined, "validator 3 leads view 3");
    t.equal(firstViolation(validity("null"), settles(chain(2, [again]))), undefined);
    t.match(firstViolation(validity(), settles(chain(3, [transaction(2, 1)])))?.detail, /holds transaction .*, which expired at height 1/);
    t.equal(firstViolation(validity(), settles(chain(2, [transaction(2, 2)]))), undefined);
  },
);

t.test("bodyOf: roots of 0 to 9 transactions, as crypto/hashes.ts computes them; expiryHeightOf reads what was encoded", async (t) => {
  for (let count = 0; count < 10; count++) {
    const transactions = Array.from({ length: count }, (_, index) => asciiBytes(`transaction ${index}`));
    const { root, hashes, bytes } = bodyOf({ transactions });
    t.equal(root, bodyRootOf(transactions.map(hashTransaction)));
    t.same(hashes, transactions.map(hashTransaction));
    t.equal(bytes, 13 * count);
  }
  t.equal(expiryHeightOf(transaction(7, 1_234)), 1_234);
  t.equal(expiryHeightOf(asciiBytes("short")), undefined);
  t.equal(toHex(asciiBytes("a")), "61");
});

t.test(
  "validity: an honest leader's block with more transactions than it is to put in, fires; just as many, or a traitor's, silent",
  async (t) => {
    const full = makeBlock(WORLD, undefined, { view: 1, transactions: [1, 2].map((nonce) => transaction(nonce, 9)) });
    const over = makeBlock(WORLD, undefined, { view: 1, transactions: [1, 2, 3].map((nonce) => transaction(nonce, 9)) });
    t.match(
      firstViolation(validity(), [proposes(1, over.proposal)])?.detail,
      /Validator 1 proposed .* with 3 open transactions; it is to put in at most 2/,
    );
    t.equal(firstViolation(validity(), [proposes(1, full.proposal), proposes(3, over.proposal)]), undefined);
  },
);
