/** Ledger transactions: 1 to TRANSACTION_OPERATIONS_MAX operations under one Ed25519 signature.
 *  Replay is impossible across chains (chainId), time (expiryHeight), and keys (sender is the key; its nonce window). */

import { asciiBytes } from "./bytes.ts";
import { type Codec, defineCodec, hashFromBytes, hashToBytes, ssz } from "./codec.ts";
import { type AccountId, type ChainId, Height } from "./ids.ts";
import { TRANSACTION_BYTES_MAX, TRANSACTION_OPERATIONS_MAX } from "./limits.ts";
import { transactionSigningBytes } from "./signing.ts";

/** What an operation does. The numbers are the wire format.
 *  openAccount: make `account` able to hold `asset`.
 *  registerAsset: create `asset` with the sender as its issuer; `amount` is the number of decimals.
 *  transfer: move `amount` of `asset` from the sender to `account`.
 *  pend: reserve `amount` for `account`; `reference` is the time to live in ms of block time (0: until posted or voided).
 *  post: move up to `amount` of a pending transfer of payer `account` (the sender is payer or payee); the rest is released.
 *  void: release a pending transfer; only its payee may, else the promise would bind nobody. For post and void, `reference` is the payer's nonce of the transaction that
 *  pended, `index` the operation's position in it.
 *  builderRegister: the sender is a builder from now on: `amount` of the fee asset is added to its bond, `account` is its fee recipient, and
 *  `asset` and `index` are IPv4 address (first number of its dotted form in the highest byte) and TCP port of its endpoint, both 0 for none.
 *  builderUnbond: it builds no more. builderWithdraw: its bond goes back, BUILDER_UNBONDING_HEIGHTS after it unbonded. */
export const OPERATION_KINDS = {
  openAccount: 1,
  registerAsset: 2,
  transfer: 3,
  pend: 4,
  post: 5,
  void: 6,
  builderRegister: 7,
  builderUnbond: 8,
  builderWithdraw: 9,
} as const;
export type OperationKind = keyof typeof OPERATION_KINDS;

/** Linked to the next operation: all operations of a chain succeed or none does. */
export const OPERATION_FLAG_LINKED = 1;

/** One operation; 64 bytes on the wire. Fields that a kind does not use are zero. */
export interface Operation {
  /** A number of OPERATION_KINDS; unknown kinds decode and are refused with a result code. */
  readonly kind: number;
  readonly flags: number;
  readonly index: number;
  readonly asset: number;
  readonly account: AccountId;
  /** Integer in the asset's smallest unit, below 2^128. */
  readonly amount: bigint;
  readonly reference: number;
}

export interface TransactionPayload {
  readonly chainId: ChainId;
  readonly sender: AccountId;
  readonly nonce: number;
  readonly expiryHeight: Height;
  /** The most the sender pays as fee, in the smallest unit of the fee asset. */
  readonly feeMax: bigint;
  readonly operations: readonly Operation[];
}

export interface SignedTransaction {
  readonly payload: TransactionPayload;
  /** Ed25519 over `transactionSigningBytes(encoded payload)`, 64 bytes. */
  readonly signature: Uint8Array;
}

export const OPERATION_BYTES = 64;

/** Field order fixes the 64-byte layout: kind 0, flags 1, index 2, asset 4, account 8, amount 40, reference 56. */
export const operationType = ssz.container(
  {
    kind: ssz.uint8,
    flags: ssz.uint8,
    index: ssz.uint16,
    asset: ssz.uint32,
    account: ssz.bytes(32),
    amount: ssz.uint128,
    reference: ssz.uint64,
  },
  "Operation",
);

/** Layout: chainId 0, sender 32, nonce 64, expiryHeight 72, feeMax 80, offset of operations 88, operations 92. */
export const transactionPayloadType = ssz.container(
  {
    chainId: ssz.bytes(32),
    sender: ssz.bytes(32),
    nonce: ssz.uint64,
    expiryHeight: ssz.uint64,
    feeMax: ssz.uint64Big,
    operations: ssz.list(operationType, TRANSACTION_OPERATIONS_MAX),
  },
  "TransactionPayload",
);

export interface OperationSsz {
  kind: number;
  flags: number;
  index: number;
  asset: number;
  account: Uint8Array;
  amount: bigint;
  reference: number;
}

export const operationToSsz = (operation: Operation): OperationSsz => ({ ...operation, account: hashToBytes(operation.account) });
export const operationFromSsz = (value: OperationSsz): Operation => ({ ...value, account: hashFromBytes<AccountId>(value.account) });

type PayloadSsz = ReturnType<typeof transactionPayloadType.defaultValue>;

function payloadToSsz(payload: TransactionPayload): PayloadSsz {
  return {
    ...payload,
    chainId: hashToBytes(payload.chainId),
    sender: hashToBytes(payload.sender),
    operations: payload.operations.map(operationToSsz),
  };
}

function payloadFromSsz(value: PayloadSsz): TransactionPayload | undefined {
  if (value.operations.length === 0) return undefined;
  return {
    chainId: hashFromBytes(value.chainId),
    sender: hashFromBytes(value.sender),
    nonce: value.nonce,
    expiryHeight: Height.of(value.expiryHeight),
    feeMax: value.feeMax,
    operations: value.operations.map(operationFromSsz),
  };
}

export const transactionPayloadCodec: Codec<TransactionPayload> = defineCodec({
  name: "TransactionPayload",
  version: 1,
  type: transactionPayloadType,
  bytesMax: 1 + 92 + TRANSACTION_OPERATIONS_MAX * OPERATION_BYTES,
  toSsz: payloadToSsz,
  fromSsz: payloadFromSsz,
});

/** Layout: offset of payload 0, signature 4, payload 68 (all + 1 for the version byte). */
export const signedTransactionType = ssz.container({ payload: transactionPayloadType, signature: ssz.bytes(64) }, "SignedTransaction");

export const signedTransactionCodec: Codec<SignedTransaction> = defineCodec({
  name: "SignedTransaction",
  version: 1,
  type: signedTransactionType,
  bytesMax: TRANSACTION_BYTES_MAX,
  toSsz: (transaction: SignedTransaction) => ({ payload: payloadToSsz(transaction.payload), signature: transaction.signature }),
  fromSsz: (value) => {
    const payload = payloadFromSsz(value.payload);
    return payload === undefined ? undefined : { payload, signature: value.signature };
  },
});

/** The message under a transaction's signature: tag ‖ encoding of the payload with its version byte. */
export function signingMessageOf(payload: TransactionPayload): Uint8Array {
  return transactionSigningBytes(transactionPayloadCodec.encode(payload));
}

/** Signs and encodes a transaction. `sign` is Ed25519 by the sender's key over the given message, 64 bytes. */
export function buildTransaction(options: {
  readonly payload: TransactionPayload;
  readonly sign: (message: Uint8Array) => Uint8Array;
}): Uint8Array {
  const { payload, sign } = options;
  return signedTransactionCodec.encode({ payload, signature: sign(signingMessageOf(payload)) });
}

/** Reserved account that collects fees; no key is known for it (its bytes are text, not a point chosen by anyone). */
export const FEE_ACCOUNT: AccountId = hashFromBytes<AccountId>(asciiBytes("sealstone fee account 0000000001"));

/** Reserved account in which the bonds of all builders lie, in the fee asset. It is no sender on a chain that takes builders. */
export const BUILDER_BOND_ACCOUNT: AccountId = hashFromBytes<AccountId>(asciiBytes("sealstone bond account 000000001"));
