/** What the load generator submits, made cheaply: a batch is written in place, in the encoding of `transactionBatchCodec`, by
 *  patching one template per sender. Tests decode what comes out of here with the codecs that validators use. */

import { createEd25519Signer } from "../crypto/ed25519_sodium.ts";
import { assert } from "../types/assert.ts";
import { fromHex } from "../types/bytes.ts";
import { type ChainId, Height } from "../types/ids.ts";
import { BLOCK_TRANSACTIONS_MAX, FRAME_BYTES_MAX } from "../types/limits.ts";
import { TAGS, transactionSigningBytes } from "../types/signing.ts";
import {
  OPERATION_BYTES,
  OPERATION_KINDS,
  signedTransactionCodec,
  type TransactionPayload,
  transactionPayloadCodec,
} from "../types/transaction.ts";
import type { FundedAccount } from "./network_files.ts";
import { FEE_ASSET, SENDER_UNFINISHED_MAX, TESTNET_PARAMETERS } from "./parameters.ts";

export interface TransactionSource {
  /** Size of each encoded transaction in bytes. */
  readonly transactionBytes: number;
  readonly operationsPerTransaction: number;
  /** How many may be unfinished at once without a sender leaving its nonce window. */
  readonly unfinishedMax: number;
  /** An encoded batch of `count` new transactions by senders of `lane`. A lane's senders use one validator at a time. */
  batch(lane: number, count: number): Uint8Array;
}

/** The ledger's nonce windows begin at 0. */
export const FIRST_NONCE = 0;

/** The largest batch of transactions of this size that a validator takes in one request. */
export function batchCountMax(transactionBytes: number): number {
  const byBytes = Math.floor((FRAME_BYTES_MAX - 2) / (transactionBytes + 4));
  return Math.max(1, Math.min(byBytes, BLOCK_TRANSACTIONS_MAX));
}

const SIGNING_PAYLOAD_START = TAGS.transaction.length + 1;
const SIGNING_NONCE = SIGNING_PAYLOAD_START + 64;
const SIGNING_OPERATIONS = SIGNING_PAYLOAD_START + 92;
const OPERATION_ACCOUNT = 8;
const SIGNED_SIGNATURE = 1 + 4;
const SIGNED_PAYLOAD = 1 + 68;

interface Sender {
  readonly index: number;
  readonly sign: (message: Uint8Array) => Uint8Array;
  /** Tag, version and payload, as signed; nonce and payees are patched in place. */
  readonly signing: Uint8Array;
  nonce: number;
}

/** Signed transfers among the prefunded accounts: sender k sends one smallest unit per operation to the accounts after it. */
export function createTransferSource(options: {
  readonly chainId: ChainId;
  readonly accounts: readonly FundedAccount[];
  readonly lanes: number;
  readonly operationsPerTransaction: number;
}): TransactionSource {
  const { accounts, lanes, operationsPerTransaction } = options;
  assert(accounts.length >= lanes, "each lane has a sender");
  const accountBytes = accounts.map(({ account }) => fromHex(account));
  const senders = accounts.map((account, index): Sender => {
    const payload = templateOf(options.chainId, account, operationsPerTransaction);
    return {
      index,
      sign: createEd25519Signer(account.seed),
      signing: transactionSigningBytes(transactionPayloadCodec.encode(payload)),
      nonce: FIRST_NONCE,
    };
  });
  const turns = Array.from({ length: lanes }, () => 0);
  let payee = 0;

  /** Lane l's senders are l, l + lanes, l + 2·lanes, …, each in turn. */
  function nextSender(lane: number): Sender {
    const turn = turns[lane] ?? 0;
    const perLane = Math.floor((accounts.length - lane - 1) / lanes) + 1;
    turns[lane] = (turn + 1) % perLane;
    const sender = senders[lane + lanes * turn];
    assert(sender !== undefined, "a lane's turn names a sender");
    return sender;
  }

  function patchPayees(sender: Sender): void {
    for (let operation = 0; operation < operationsPerTransaction; operation++) {
      payee = (payee + 1) % accounts.length;
      if (payee === sender.index) payee = (payee + 1) % accounts.length;
      sender.signing.set(accountBytes[payee] as Uint8Array, SIGNING_OPERATIONS + operation * OPERATION_BYTES + OPERATION_ACCOUNT);
    }
  }

  const signedTemplate = signedTransactionCodec.encode({
    payload: templateOf(options.chainId, accounts[0] as FundedAccount, operationsPerTransaction),
    signature: new Uint8Array(64),
  });
  const head = signedTemplate.subarray(0, SIGNED_SIGNATURE);

  function write(lane: number, target: Uint8Array): void {
    const sender = nextSender(lane);
    writeUint64(sender.signing, SIGNING_NONCE, sender.nonce++);
    patchPayees(sender);
    target.set(head);
    target.set(sender.sign(sender.signing), SIGNED_SIGNATURE);
    target.set(sender.signing.subarray(SIGNING_PAYLOAD_START), SIGNED_PAYLOAD);
  }

  return createBatchSource({
    transactionBytes: signedTemplate.length,
    operationsPerTransaction,
    unfinishedMax: accounts.length * SENDER_UNFINISHED_MAX,
    write,
  });
}

/** Opaque payloads that differ by run and number; the rest of the bytes is the same in all. */
export function createPayloadSource(options: { readonly runSeed: Uint8Array; readonly payloadBytes: number }): TransactionSource {
  assert(options.runSeed.length === 16, "a run seed is 16 bytes");
  assert(options.payloadBytes >= 32, "a payload holds the run seed and a number");
  const template = new Uint8Array(options.payloadBytes).fill(0x5a);
  template.set(options.runSeed);
  let number = 0;
  return createBatchSource({
    transactionBytes: options.payloadBytes,
    operationsPerTransaction: 1,
    unfinishedMax: Number.MAX_SAFE_INTEGER,
    write: (_lane, target) => {
      target.set(template);
      writeUint64(target, options.runSeed.length, number++);
    },
  });
}

/** SSZ list of equally long byte lists: version, then one offset per element, then the elements. */
export function createBatchSource(
  parts: Omit<TransactionSource, "batch"> & { readonly write: (lane: number, target: Uint8Array) => void },
): TransactionSource {
  const { transactionBytes, operationsPerTransaction, unfinishedMax, write } = parts;
  return {
    transactionBytes,
    operationsPerTransaction,
    unfinishedMax,
    batch(lane, count) {
      assert(count > 0 && count <= batchCountMax(transactionBytes), "a batch fits one request");
      const offsetsBytes = 4 * count;
      const bytes = new Uint8Array(1 + offsetsBytes + count * transactionBytes);
      const view = new DataView(bytes.buffer);
      bytes[0] = 1;
      for (let index = 0; index < count; index++) {
        const offset = offsetsBytes + index * transactionBytes;
        view.setUint32(1 + 4 * index, offset, true);
        write(lane, bytes.subarray(1 + offset, 1 + offset + transactionBytes));
      }
      return bytes;
    },
  };
}

function templateOf(chainId: ChainId, sender: FundedAccount, operations: number): TransactionPayload {
  const fee = TESTNET_PARAMETERS.feePerTransaction + TESTNET_PARAMETERS.feePerOperation * operations;
  return {
    chainId,
    sender: sender.account,
    nonce: 0,
    expiryHeight: Height.of(Number.MAX_SAFE_INTEGER),
    feeMax: BigInt(fee),
    operations: Array.from({ length: operations }, () => ({
      kind: OPERATION_KINDS.transfer,
      flags: 0,
      index: 0,
      asset: FEE_ASSET,
      account: sender.account,
      amount: 1n,
      reference: 0,
    })),
  };
}

function writeUint64(bytes: Uint8Array, offset: number, value: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
}
