/** Sealed transfers for the load generator, made with the client library as a user would, and ahead of time: sealing costs about a
 *  millisecond, which must not delay what is due. What has been sealed ahead is bounded. */

import type { Account } from "../client/keys.ts";
import { transfer } from "../client/operations.ts";
import { feeFor, type Sealer, sealTransaction } from "../client/seal.ts";
import { createEd25519Signer } from "../crypto/ed25519_sodium.ts";
import { assert } from "../types/assert.ts";
import { encodeContent, envelopeBytesOf, messageBytesOf, SEALED_SIZE_CLASS_MAX } from "../types/envelope.ts";
import type { ChainParameters } from "../types/genesis.ts";
import type { ChainId, Height } from "../types/ids.ts";
import type { SealingKey } from "../types/sealing.ts";
import type { Operation } from "../types/transaction.ts";
import type { FundedAccount } from "./network_files.ts";
import { FEE_ASSET, SENDER_UNFINISHED_MAX } from "./parameters.ts";
import { createBatchSource, FIRST_NONCE, type TransactionSource } from "./transactions.ts";

export interface SealedSource extends TransactionSource {
  /** Seals ahead for up to `sliceMs`; false when enough is ready. */
  sealAhead(sliceMs: number): boolean;
  readonly readyCount: number;
}

export interface SealedSourceOptions {
  readonly chainId: ChainId;
  readonly parameters: ChainParameters;
  readonly key: SealingKey;
  readonly suite: Sealer;
  /** Who sends; nobody else uses their nonces. */
  readonly senders: readonly FundedAccount[];
  readonly lanes: number;
  readonly operationsPerTransaction: number;
  /** Transactions to have ready. */
  readonly aheadMax: number;
  readonly expiryHeight: () => Height;
  readonly nowMs: () => number;
}

interface Lane {
  /** Senders of this lane, each in turn, with their next nonce. */
  readonly senders: { readonly account: Account; nonce: number }[];
  readonly ready: Uint8Array[];
  turn: number;
}

export function createSealedSource(options: SealedSourceOptions): SealedSource {
  const { senders, operationsPerTransaction: gasLimit, aheadMax, nowMs } = options;
  assert(senders.length >= options.lanes, "each lane has a sender");
  const lanes = Array.from({ length: options.lanes }, (): Lane => ({ senders: [], ready: [], turn: 0 }));
  for (const [index, { account: id, seed }] of senders.entries()) {
    // Signed natively: in the client's JavaScript a signature costs more than sealing.
    lanes[index % lanes.length]?.senders.push({ account: { id, sign: createEd25519Signer(seed) }, nonce: FIRST_NONCE });
  }
  const fee = feeFor(options.parameters, { gasLimit });
  let payee = 0;

  function operations(sender: string): Operation[] {
    return Array.from({ length: gasLimit }, () => {
      payee = (payee + 1) % senders.length;
      if (senders[payee]?.account === sender) payee = (payee + 1) % senders.length;
      return transfer({ to: (senders[payee] as FundedAccount).account, asset: FEE_ASSET, amount: 1n });
    });
  }

  function seal(lane: Lane): Uint8Array {
    const sender = lane.senders[lane.turn++ % lane.senders.length];
    assert(sender !== undefined, "a lane's turn names a sender");
    const { account } = sender;
    const sealed = sealTransaction({
      account,
      chainId: options.chainId,
      key: options.key,
      nonce: sender.nonce++,
      expiryHeight: options.expiryHeight(),
      gasLimit,
      fee,
      operations: operations(account.id),
      suite: options.suite,
    });
    assert(sealed.ok, "the load generator's transactions can be sealed");
    return sealed.transaction.bytes;
  }

  const readyCount = (): number => lanes.reduce((total, { ready }) => total + ready.length, 0);
  const source = createBatchSource({
    transactionBytes: sealedBytesFor(gasLimit),
    operationsPerTransaction: gasLimit,
    unfinishedMax: senders.length * SENDER_UNFINISHED_MAX,
    write(index, target) {
      const lane = lanes[index];
      assert(lane !== undefined, "a batch is for a lane");
      target.set(lane.ready.shift() ?? seal(lane));
    },
  });
  return {
    ...source,
    sealAhead(sliceMs) {
      const untilMs = nowMs() + sliceMs;
      for (let count = readyCount(); count < aheadMax; count++) {
        if (nowMs() >= untilMs) return true;
        const emptiest = lanes.reduce((least, lane) => (lane.ready.length < least.ready.length ? lane : least));
        emptiest.ready.push(seal(emptiest));
      }
      return false;
    },
    get readyCount() {
      return readyCount();
    },
  };
}

/** Length of every envelope with so many transfers. */
function sealedBytesFor(operationCount: number): number {
  const operation = transfer({ to: "0".repeat(64) as FundedAccount["account"], asset: FEE_ASSET, amount: 1n });
  const { length } = encodeContent({ operations: Array.from({ length: operationCount }, () => operation) });
  for (let sizeClass = 0; sizeClass <= SEALED_SIZE_CLASS_MAX; sizeClass++) {
    if (messageBytesOf(sizeClass) >= length) return envelopeBytesOf(sizeClass);
  }
  throw new Error("the content fits no size class");
}
