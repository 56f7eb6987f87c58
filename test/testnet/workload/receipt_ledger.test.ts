/** The auditor's second count of money, on a chain that takes builders: driven by a ledger's receipts, it must reach the model's balances. */

import t from "tap";
import { createReceiptLedger, imbalance, type ReceiptLedger } from "../../../testnet/workload/receipt_ledger.ts";
import type { BlockHeader } from "../../../types/block.ts";
import type { BuiltBlock } from "../../../types/builder.ts";
import { Height } from "../../../types/ids.ts";
import { BUILDER_BOND_ACCOUNT, type TransactionPayload } from "../../../types/transaction.ts";
import {
  ALICE,
  BOB,
  CAROL,
  FEE_ASSET,
  LedgerWorld,
  operation,
  type RunResult,
  type SealedCase,
  testGenesis,
  transfer,
  VALIDATOR_ACCOUNT,
} from "../../ledger/ledger_world.ts";

const register = operation("builderRegister", { account: CAROL, amount: 5_000n });
const openCarol = operation("openAccount", { asset: FEE_ASSET, account: CAROL });
const built: BuiltBlock = { builder: BOB, value: 700n, proposer: VALIDATOR_ACCOUNT, failed: false };

class Counted {
  readonly world = new LedgerWorld({ genesis: testGenesis({ builderBondMin: 1_000n }) });
  readonly receipts: ReceiptLedger = createReceiptLedger(this.world.genesis);

  /** What is wrong after the block by the receipts that were made for it, changed by `lie`. */
  run(
    payloads: readonly TransactionPayload[],
    given: {
      readonly built?: BuiltBlock;
      readonly lane?: readonly SealedCase[];
      readonly lie?: (receipts: RunResult["receipts"]) => void;
    } = {},
  ): string | undefined {
    const { world } = this;
    const lane = given.lane ?? [];
    const { receipts } = world.run(payloads, 10, lane, given.built);
    given.lie?.(receipts);
    const header = { height: world.ledger.height, timeMs: world.model.timeMs } as BlockHeader;
    const sealed = lane.map(({ transaction, model }) => ({ hash: transaction.hash, payload: undefined, sealed: model }));
    const open = payloads.map((payload) => ({ hash: world.parse(payload).hash, payload }));
    const flaw = this.receipts.take({ header, blockHash: "", transactions: [...sealed, ...open], built: given.built }, receipts);
    return flaw ?? imbalance(world.model, this.receipts);
  }
}

t.test(
  "receipt ledger: registration, built blocks with and without an account of the recipient, the bond back: balances are the model's",
  async (t) => {
    const counted = new Counted();
    const { world } = counted;
    t.equal(counted.run([world.payload(BOB, [register])]), undefined);
    t.equal(counted.run([world.payload(ALICE, [openCarol, transfer(CAROL, 3n)])], { built }), undefined, "no account before the block");
    const lane = [world.sealed({ sender: VALIDATOR_ACCOUNT, content: [transfer(ALICE, 5n)] })];
    t.equal(counted.run([world.payload(ALICE, [transfer(BOB, 1n)])], { built, lane }), undefined, "fees to Carol");
    t.equal(counted.receipts.balance(CAROL, FEE_ASSET).posted, 3n + 13n);
    t.equal(counted.run([world.payload(BOB, [operation("builderUnbond")])]), undefined);
    for (let block = 0; block < 1_023; block++) counted.run([]);
    const expiryHeight = Height.of(2_000);
    t.equal(counted.run([world.payload(BOB, [operation("builderWithdraw")], { expiryHeight })]), undefined);
    t.equal(counted.receipts.balance(BUILDER_BOND_ACCOUNT, FEE_ASSET).posted, 0n);
  },
);

t.test("receipt ledger: a withdrawal that only the receipt claims, and a value beyond the bond: named", async (t) => {
  const counted = new Counted();
  const { world } = counted;
  t.equal(counted.run([world.payload(BOB, [register])]), undefined);
  const claim = (receipts: RunResult["receipts"]): void => {
    for (const { operationCodes } of receipts) (operationCodes as number[])[0] = 0;
  };
  t.match(counted.run([world.payload(BOB, [operation("builderWithdraw")])], { lie: claim }), /owns .* and by receipts/);
  const alone = createReceiptLedger(world.genesis);
  const header = { height: 1, timeMs: 1 } as unknown as BlockHeader;
  t.match(alone.take({ header, blockHash: "", transactions: [], built }, []), /owes 700, which its bond does not cover/);
});
