/** What can be said of a bid from the bid, the header and the body alone. Whatever needs state, keys or other blocks is the machine's to judge:
 *  B2, B5, who is live and active. Nothing here verifies; it says what has to be verified.
 *
 *  B1 (place, expiry) the bid is for this block and not expired. B3 (shape) a bundle stands where the header counts one, sealed to the header's key.
 *  B4 the tail is the one that the bid names, open transactions only. B6 a block that its proposer built names no bid and has no bundle. */

import { bidHashOf, bodyRootOf } from "../crypto/hashes.ts";
import type { ParsedTransaction, SealCheck, SignatureCheck } from "../types/application.ts";
import { type Bid, bidSigningBytes, bundleBytesOf, bundleLabelOf, hasBundle, NO_BID } from "../types/bid.ts";
import type { BlockHeader } from "../types/block.ts";
import { fromHex } from "../types/bytes.ts";
import { SEALED_SIZE_CLASS_MAX } from "../types/envelope.ts";
import { type ChainId, ZERO_HASH } from "../types/ids.ts";
import { TAIL_BYTES_MAX, TAIL_OPERATIONS_MAX, TAIL_TRANSACTIONS_MAX } from "../types/limits.ts";
import type { SigningDomain } from "../types/signing.ts";

/** The part of a header that a bid has to fit. */
export type HeaderOfBid = Pick<
  BlockHeader,
  "height" | "parentHash" | "view" | "keyId" | "bidHash" | "bundleCount" | "transactionCount" | "sealedCount"
>;

export type BidFault =
  /** B1. */
  | "wrongHeight"
  | "wrongParent"
  | "expired"
  | "wrongHash"
  /** B3. */
  | "malformedBundle"
  | "wrongBundleCount"
  | "wrongKey"
  /** B4, as far as counts go. */
  | "wrongTailCount"
  | "tailBeyondLimits"
  /** B6: the header names a bid or counts a bundle, and there is no bid. */
  | "bidMissing";

export type TailFault = "wrongCount" | "sealed" | "wrongBytes" | "wrongGas" | "wrongRoot";

/** What is wrong with the bid of a block, or with having none; undefined: nothing that can be seen here. */
export function faultOfBid(bid: Bid | undefined, header: HeaderOfBid): BidFault | undefined {
  if (bid === undefined) return header.bidHash === NO_BID && header.bundleCount === 0 ? undefined : "bidMissing";
  if (bid.height !== header.height) return "wrongHeight";
  if (bid.parentHash !== header.parentHash) return "wrongParent";
  if (bid.expiryView < header.view) return "expired";
  if (!isBundleWellFormed(bid)) return "malformedBundle";
  if (hasBundle(bid) !== (header.bundleCount === 1)) return "wrongBundleCount";
  if (hasBundle(bid) && bid.keyId !== header.keyId) return "wrongKey";
  if (bid.tailCount !== header.transactionCount - header.sealedCount) return "wrongTailCount";
  if (!isTailWithinLimits(bid)) return "tailBeyondLimits";
  return bidHashOf(bid) === header.bidHash ? undefined : "wrongHash";
}

/** B4: what is wrong with the transactions that stand behind lane and bundle. */
export function faultOfTail(
  bid: Pick<Bid, "tailRoot" | "tailCount" | "tailBytes" | "gas">,
  transactions: readonly ParsedTransaction[],
): TailFault | undefined {
  if (transactions.length !== bid.tailCount) return "wrongCount";
  let bytes = 0;
  let gas = 0;
  for (const transaction of transactions) {
    if (transaction.sealed !== undefined) return "sealed";
    bytes += transaction.bytes.length;
    gas += transaction.operationCount;
  }
  if (bytes !== bid.tailBytes) return "wrongBytes";
  if (gas !== bid.gas) return "wrongGas";
  return bodyRootOf(transactions.map(({ hash }) => hash)) === bid.tailRoot ? undefined : "wrongRoot";
}

/** B1: the check that the builder signed it. */
export function signatureCheckOf(domain: SigningDomain, bid: Bid): SignatureCheck {
  return { publicKey: fromHex(bid.builder), message: bidSigningBytes(domain, bid), signature: bid.signature };
}

/** B3: the check that the bundle is a proven ciphertext under its label; undefined without a bundle. */
export function sealCheckOf(chainId: ChainId, bid: Bid): SealCheck | undefined {
  return hasBundle(bid) ? { keyId: bid.keyId, label: bundleLabelOf(chainId, bid), sealed: bid.bundle } : undefined;
}

const BUNDLE_LENGTHS: ReadonlySet<number> = new Set(
  Array.from({ length: SEALED_SIZE_CLASS_MAX + 1 }, (_, sizeClass) => bundleBytesOf(sizeClass)),
);

/** Absent without a key, or as long as the message of a size class, with a key. */
function isBundleWellFormed({ bundle, keyId }: Bid): boolean {
  const hasKey = keyId !== (ZERO_HASH as string);
  return bundle.length === 0 ? !hasKey : hasKey && BUNDLE_LENGTHS.has(bundle.length);
}

function isTailWithinLimits({ tailCount, tailBytes, gas }: Bid): boolean {
  return tailCount <= TAIL_TRANSACTIONS_MAX && tailBytes <= TAIL_BYTES_MAX && gas <= TAIL_OPERATIONS_MAX;
}
