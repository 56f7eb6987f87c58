/** What a final block must do, predicted without the applications that validators run: the ledger's model, and the null application
 *  from its rules N1 and N2. */

import { bodyRootOf, sha256 } from "../../crypto/hashes.ts";
import { LEDGER_LIMITS } from "../../ledger/limits.ts";
import type { BlockHeader } from "../../types/block.ts";
import type { BuiltBlock } from "../../types/builder.ts";
import { asciiBytes, concatBytes, fromHex, toHex } from "../../types/bytes.ts";
import type { Genesis } from "../../types/genesis.ts";
import type { ChainId, TransactionHash } from "../../types/ids.ts";
import type { TransactionPayload } from "../../types/transaction.ts";
import { LedgerModel } from "./ledger_model.ts";
import type { ModelReceipt, ModelSealed } from "./ledger_model_records.ts";

/** One transaction of a final block. `payload` is undefined for the null application, whose bytes mean nothing. */
export interface AuditedTransaction {
  readonly hash: TransactionHash;
  readonly payload: TransactionPayload | undefined;
  /** Of a sealed transaction. */
  readonly sealed?: ModelSealed | undefined;
  readonly isKeygen?: boolean;
}

/** What the model says of a key generation message: its code is none of the ledger's. */
export const KEYGEN_CODE = -1;

export interface AuditedBlock {
  readonly header: BlockHeader;
  readonly blockHash: string;
  readonly transactions: readonly AuditedTransaction[];
  /** Undefined: its proposer built the block. */
  readonly built?: BuiltBlock | undefined;
  /** The groups of its bundle. */
  readonly bundle?: readonly AuditedGroup[] | undefined;
}

/** A group of a bundle. `payloads` undefined: one of them is no well-signed open transaction in time, so that none can run. */
export interface AuditedGroup {
  readonly hashes: readonly TransactionHash[];
  readonly payloads: readonly TransactionPayload[] | undefined;
}

/** What a block must do: receipts of its transactions in order, and of its bundle's groups; undefined: the group leaves no trace. */
export interface Prediction {
  readonly receipts: readonly ModelReceipt[];
  readonly groups: readonly (readonly ModelReceipt[] | undefined)[];
}

export interface Predictor {
  readonly height: number;
  /** What the next block does. */
  execute(block: AuditedBlock): Prediction;
  /** Root after the last block. Costs the more the longer it was not asked. */
  root(): string;
  /** Code with which the next block would refuse the transaction as a whole; 0: none. */
  judge(given: TransactionPayload | Pick<ModelSealed, "envelope"> | undefined): number;
  /** The model behind it, where there is one. */
  readonly model: LedgerModel | undefined;
}

export function createPredictor(genesis: Genesis, chainId: ChainId): Predictor {
  return genesis.application === "null" ? nullPredictor(chainId) : ledgerPredictor(new LedgerModel(genesis, chainId, LEDGER_LIMITS));
}

function ledgerPredictor(model: LedgerModel): Predictor {
  return {
    model,
    get height() {
      return model.height;
    },
    execute({ header, transactions, built, bundle = [] }) {
      const payloads = transactions.flatMap(({ payload }) => (payload === undefined ? [] : [payload]));
      const sealed = transactions.flatMap((transaction) => transaction.sealed ?? []);
      const groups = bundle.map((group) => group.payloads);
      const given = { height: header.height, timeMs: header.timeMs, payloads, sealed, built, bundle: groups };
      const run = model.execute(given).values();
      const receipts = transactions.map(({ isKeygen }) =>
        isKeygen === true ? { code: KEYGEN_CODE, operationCodes: [] } : (run.next().value as ModelReceipt),
      );
      return { receipts, groups: model.groups };
    },
    root: () => model.root(),
    judge: (given) => (given === undefined ? 0 : model.judge(given)),
  };
}

const NULL_TAG = asciiBytes("sealstone null application/1");
const NULL_RECEIPT: ModelReceipt = { code: 0, operationCodes: [0] };

function nullPredictor(chainId: ChainId): Predictor {
  let root = sha256(concatBytes([NULL_TAG, fromHex(chainId)]));
  let height = 0;
  return {
    model: undefined,
    get height() {
      return height;
    },
    execute({ header, transactions }) {
      const numbers = new DataView(new ArrayBuffer(16));
      numbers.setBigUint64(0, BigInt(header.height), true);
      numbers.setBigUint64(8, BigInt(header.timeMs), true);
      const bodyRoot = fromHex(bodyRootOf(transactions.map(({ hash }) => hash)));
      root = sha256(concatBytes([NULL_TAG, root, new Uint8Array(numbers.buffer), bodyRoot]));
      height = header.height;
      return { receipts: transactions.map(() => NULL_RECEIPT), groups: [] };
    },
    root: () => toHex(root),
    judge: () => 0,
  };
}
