/** Sealed transactions: ordered before anyone can read them. Seals a bundle of operations to the validators' key and signs the envelope.
 *  Carries the rules C1 to C3 of README.md; it cannot know where a key came from. */

import { hashTransaction, sha256 } from "../crypto/hashes.ts";
import { nobleGroup } from "../crypto/sealing/noble_group.ts";
import { createSealingSuite } from "../crypto/sealing/suite.ts";
import { buildEnvelope, encodeContent, messageBytesOf, SEALED_OPERATIONS_MAX, SEALED_SIZE_CLASS_MAX } from "../types/envelope.ts";
import type { ChainId, Height } from "../types/ids.ts";
import { TRANSACTION_OPERATIONS_MAX } from "../types/limits.ts";
import type { SealingKey, SealingSuite } from "../types/sealing.ts";
import type { Operation } from "../types/transaction.ts";
import type { Account } from "./keys.ts";
import type { PrepareResult } from "./open.ts";
import { flawOfOperations, isUnsigned, type OperationFlaw } from "./operations.ts";

/** `badKey`: no point of the suite's group, so nothing can be sealed to it. */
export type SealFlaw = OperationFlaw | "fieldOutOfRange" | "gasLimitOutOfRange" | "sizeClassOutOfRange" | "badKey";

/** What sealing needs of a suite; the whole suite does. */
export type Sealer = Pick<SealingSuite, "suite" | "seal" | "isPublicKey">;

export interface SealOptions {
  readonly account: Account;
  readonly chainId: ChainId;
  readonly key: Pick<SealingKey, "keyId" | "publicKey">;
  readonly nonce: number;
  readonly expiryHeight: Height;
  /** At least the number of operations; it is paid for, whatever the content holds. */
  readonly gasLimit: number;
  /** Paid in full when the transaction is ordered; a higher one comes earlier in a full lane. See `feeFor`. */
  readonly fee: number;
  readonly operations: readonly Operation[];
  /** Pads the content to 256 << sizeClass bytes; left out: the smallest that holds it. */
  readonly sizeClass?: number | undefined;
  /** The key's suite; left out: TDH2-R255-FO on @noble/curves, which runs everywhere. */
  readonly suite?: Sealer | undefined;
  /** 64 fresh bytes (C2); left out: drawn here. For tests that want the same bytes twice. */
  readonly randomness?: Uint8Array | undefined;
}

const RANDOMNESS_BYTES = 64;

export function sealTransaction(options: SealOptions): PrepareResult<SealFlaw> {
  const flaw = flawOf(options);
  if (flaw !== undefined) return { ok: false, reason: flaw };
  const { account, chainId, key, nonce, expiryHeight, gasLimit, fee } = options;
  const content = paddedContent(options);
  if (content === undefined) return { ok: false, reason: "sizeClassOutOfRange" };
  const suite = options.suite ?? nobleSealing();
  if (!suite.isPublicKey(key.publicKey)) return { ok: false, reason: "badKey" };
  const bytes = buildEnvelope({
    fields: { chainId, keyId: key.keyId, sender: account.id, nonce, gasLimit, fee, expiryHeight },
    content,
    suite,
    publicKey: key.publicKey,
    randomness: options.randomness ?? crypto.getRandomValues(new Uint8Array(RANDOMNESS_BYTES)),
    sign: account.sign,
    sha256,
  });
  return { ok: true, transaction: { hash: hashTransaction(bytes), bytes } };
}

/** The least fee of a sealed transaction with this gas limit. */
export function feeFor(
  parameters: { readonly feePerTransaction: number; readonly feePerOperation: number },
  { gasLimit }: { readonly gasLimit: number },
): number {
  return parameters.feePerTransaction + parameters.feePerOperation * gasLimit;
}

let noble: SealingSuite | undefined;

/** The suite on @noble/curves; built when it is first needed. */
export function nobleSealing(): SealingSuite {
  noble ??= createSealingSuite(nobleGroup);
  return noble;
}

function flawOf({ nonce, expiryHeight, gasLimit, fee, operations }: SealOptions): SealFlaw | undefined {
  const flaw = flawOfOperations(operations, SEALED_OPERATIONS_MAX);
  if (flaw !== undefined) return flaw;
  if (!isUnsigned(nonce, 53) || !isUnsigned(expiryHeight, 53) || !isUnsigned(fee, 53)) return "fieldOutOfRange";
  const isGasEnough = Number.isSafeInteger(gasLimit) && gasLimit >= operations.length && gasLimit <= TRANSACTION_OPERATIONS_MAX;
  return isGasEnough ? undefined : "gasLimitOutOfRange";
}

function paddedContent({ operations, sizeClass }: SealOptions): Uint8Array | undefined {
  const smallest = encodeContent({ operations });
  if (sizeClass === undefined) return smallest;
  if (!Number.isInteger(sizeClass) || sizeClass < 0 || sizeClass > SEALED_SIZE_CLASS_MAX) return undefined;
  if (messageBytesOf(sizeClass) < smallest.length) return undefined;
  const padded = new Uint8Array(messageBytesOf(sizeClass));
  padded.set(smallest);
  return padded;
}
