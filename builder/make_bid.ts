/** From packed content to a signed bid: roots, sealed bundle, signature. */

import { bidHashOf, bodyRootOf } from "../crypto/hashes.ts";
import { assert } from "../types/assert.ts";
import { type BidContent, bidSigningBytes, bundleLabelOf, encodeBundle, type OfferedBid } from "../types/bid.ts";
import type { Opportunity } from "../types/building.ts";
import { type BidHash, View, ZERO_HASH } from "../types/ids.ts";
import type { KeyId, SealingKey } from "../types/sealing.ts";
import type { BuilderOptions } from "./interface.ts";
import type { Packed } from "./packing.ts";

/** The seed σ and the input of the proof's nonce. */
export const RANDOMNESS_BYTES = 64;

export interface BidRequest {
  readonly opportunity: Opportunity;
  readonly packed: Packed;
  readonly sequence: number;
  readonly value: bigint;
  readonly key: SealingKey | undefined;
  readonly randomness: Uint8Array;
}

export function makeBid(options: BuilderOptions, request: BidRequest): { readonly offered: OfferedBid; readonly bidHash: BidHash } {
  const { account, domain, limits } = options;
  const { opportunity, packed, sequence, value } = request;
  const { height, parentHash, view } = opportunity;
  const tailHashes = packed.tail.map(({ hash }) => hash);
  const place = { height, parentHash, builder: account, sequence, value };
  const content: BidContent = {
    ...place,
    ...sealBundle(options, request, place),
    expiryView: View.plus(view, limits.expiryViews),
    tailRoot: bodyRootOf(tailHashes),
    tailCount: tailHashes.length,
    tailBytes: packed.tailBytes,
    gas: packed.gas,
  };
  const bid = { ...content, signature: options.sign(bidSigningBytes(domain, content)) };
  return { offered: { bid, tailHashes }, bidHash: bidHashOf(bid) };
}

function sealBundle(
  { domain, suite }: BuilderOptions,
  { packed, key, randomness }: BidRequest,
  place: Pick<BidContent, "height" | "parentHash" | "builder" | "sequence" | "value">,
): Pick<BidContent, "keyId" | "bundle"> {
  if (packed.groups.length === 0) return { keyId: ZERO_HASH as string as KeyId, bundle: new Uint8Array(0) };
  assert(suite !== undefined, "groups are packed only where they can be sealed");
  assert(key !== undefined, "groups are packed only where there is a key");
  assert(randomness.length === RANDOMNESS_BYTES, "a bundle is sealed with RANDOMNESS_BYTES fresh bytes");
  const { keyId, publicKey } = key;
  const message = encodeBundle({ groups: packed.groups.map(({ bundle }) => bundle.transactions.map(({ bytes }) => bytes)) });
  const label = bundleLabelOf(domain.chainId, { ...place, keyId });
  return { keyId, bundle: suite.seal({ publicKey, label, message, randomness }) };
}
