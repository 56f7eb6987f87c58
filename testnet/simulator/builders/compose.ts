/** From what a simulated builder wants to a signed bid, over the documented formats and the suites of the tier. Shares nothing with `builder/`: what
 *  traitors bid comes from here, and it obeys no rule that its draft does not. */

import { bodyRootOf } from "../../../crypto/hashes.ts";
import type { ParsedTransaction } from "../../../types/application.ts";
import { type BidContent, bidSigningBytes, bundleBytesOf, bundleLabelOf, encodeBundle, type OfferedBid } from "../../../types/bid.ts";
import type { Opportunity } from "../../../types/building.ts";
import { type AccountId, View, ZERO_HASH } from "../../../types/ids.ts";
import type { KeyId, SealingKey } from "../../../types/sealing.ts";
import type { SealingLie } from "../../workload/lying_sealer.ts";
import type { BundleInside } from "../facts.ts";
import type { Stream } from "../streams.ts";
import type { World } from "../world.ts";

/** What a bid is to say; fields that are left out are as the rest demands. */
export interface Draft {
  readonly opportunity: Opportunity;
  readonly account: AccountId;
  readonly sequence: number;
  readonly value: bigint;
  readonly tail: readonly ParsedTransaction[];
  /** The key to seal to, and the groups inside. Undefined: no bundle. */
  readonly bundle: { readonly key: SealingKey; readonly groups: readonly (readonly Uint8Array[])[] } | undefined;
  /** Seals wrongly. flipped: the proof does not hold. label: sealed for another number. message: no encoding of groups. */
  readonly sealingLie?: SealingLie | "flipped" | "label" | "message" | undefined;
  /** After all else is set and before it is signed. */
  readonly change?: ((content: BidContent) => BidContent) | undefined;
  /** Of what is sent beside the bid. */
  readonly hashes?: OfferedBid["tailHashes"] | undefined;
  readonly isUnsigned?: boolean;
}

/** Views in which the bid may be used, its own included. */
const VIEWS = 3;

export function composeBid(
  { world, secretKey, stream }: { readonly world: World; readonly secretKey: Uint8Array; readonly stream: Stream },
  draft: Draft,
): { readonly offered: OfferedBid; readonly inside: BundleInside } {
  const { opportunity, account: builder, sequence, value, tail, bundle } = draft;
  const { height, parentHash, view } = opportunity;
  const hashes = tail.map(({ hash }) => hash);
  const keyId = bundle === undefined ? (ZERO_HASH as string as KeyId) : bundle.key.keyId;
  const bound = { height, parentHash, builder, sequence, value, keyId };
  const sealed = bundle === undefined ? new Uint8Array() : seal(world, { draft, bound, bundle, randomness: stream.bytes(64) });
  const content: BidContent = {
    ...bound,
    expiryView: View.plus(view, VIEWS - 1),
    bundle: sealed,
    tailRoot: bodyRootOf(hashes),
    tailCount: tail.length,
    tailBytes: tail.reduce((sum, { bytes }) => sum + bytes.length, 0),
    gas: tail.reduce((sum, { operationCount }) => sum + operationCount, 0),
  };
  const changed = draft.change?.(content) ?? content;
  const signature = draft.isUnsigned === true ? stream.bytes(64) : world.ed25519.sign(secretKey, bidSigningBytes(world.domain, changed));
  return { offered: { bid: { ...changed, signature }, tailHashes: draft.hashes ?? hashes }, inside: insideOf(draft) };
}

function seal(
  { suite, liar, chainId }: World,
  given: {
    readonly draft: Draft;
    readonly bound: Parameters<typeof bundleLabelOf>[1];
    readonly bundle: NonNullable<Draft["bundle"]>;
    readonly randomness: Uint8Array;
  },
): Uint8Array {
  const { draft, bound, bundle, randomness } = given;
  const { publicKey } = bundle.key;
  const { sealingLie: lie } = draft;
  const label = bundleLabelOf(chainId, lie === "label" ? { ...bound, sequence: bound.sequence + 1 } : bound);
  const message = lie === "message" ? new Uint8Array(messageBytes(bundle.groups)).fill(0xee) : encodeBundle(bundle);
  if (lie === "hidden" || lie === "exponent" || lie === "body") return liar({ publicKey, label, message, randomness, lie });
  const sealed = suite.seal({ publicKey, label, message, randomness });
  if (lie !== "flipped") return sealed;
  const flipped = Uint8Array.from(sealed);
  flipped[90] = (flipped[90] as number) ^ 1;
  return flipped;
}

const messageBytes = (groups: Parameters<typeof encodeBundle>[0]["groups"]): number => encodeBundle({ groups }).length;

function insideOf({ bundle, sealingLie }: Draft): BundleInside {
  if (bundle === undefined) return { type: "none" };
  switch (sealingLie) {
    case undefined:
      return { type: "groups", groups: bundle.groups };
    case "flipped":
    case "label":
      return { type: "broken" };
    case "hidden":
    case "exponent":
    case "body":
    case "message":
      return { type: "unreadable" };
  }
}

/** The shortest bundle there is. */
export const BUNDLE_BYTES_MIN = bundleBytesOf(0);
