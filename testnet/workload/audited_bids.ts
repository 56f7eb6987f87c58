/** What built blocks owe and what their bundles hold, from the bids that builders made: the auditor takes nothing of it from validators, who find out only
 *  when a bundle is open. */

import { bidHashOf, hashTransaction } from "../../crypto/hashes.ts";
import { type Bid, NO_BID } from "../../types/bid.ts";
import type { BlockHeader } from "../../types/block.ts";
import type { BuiltBlock } from "../../types/builder.ts";
import { fromHex } from "../../types/bytes.ts";
import type { AccountId, BidHash } from "../../types/ids.ts";
import type { VerifyEd25519 } from "../../types/suites.ts";
import type { TransactionPayload } from "../../types/transaction.ts";
import type { BundleInside, FactOf } from "../simulator/facts.ts";
import type { AuditedGroup } from "./predictors.ts";
import { messageOf, readTransaction } from "./transaction_bytes.ts";

/** How a block was built: by its proposer alone, from a bid, or from one that nobody made. */
export type Origin =
  | { readonly type: "self" }
  | { readonly type: "built"; readonly built: BuiltBlock; readonly bundle: readonly AuditedGroup[] }
  | { readonly type: "unknown" };

export interface AuditedBids {
  noteBid(fact: FactOf<"bidMade">): void;
  originOf(header: BlockHeader): Origin;
}

export function createAuditedBids(options: {
  /** Ed25519 public keys of validators, hex: their accounts. */
  readonly proposers: readonly string[];
  readonly verify: VerifyEd25519;
}): AuditedBids {
  const { proposers, verify } = options;
  const made = new Map<BidHash, { readonly bid: Bid; readonly inside: BundleInside }>();

  function readGroup(group: readonly Uint8Array[], height: number): AuditedGroup {
    const hashes = group.map(hashTransaction);
    const payloads: TransactionPayload[] = [];
    for (const bytes of group) {
      const read = readTransaction(bytes);
      if (read === undefined || read.payload.expiryHeight < height) return { hashes, payloads: undefined };
      if (!verify(fromHex(read.payload.sender), messageOf(bytes), read.signature)) return { hashes, payloads: undefined };
      payloads.push(read.payload);
    }
    return { hashes, payloads };
  }

  return {
    noteBid({ offered: { bid }, inside }) {
      const hash = bidHashOf(bid);
      if (!made.has(hash)) made.set(hash, { bid, inside });
    },
    originOf({ bidHash, proposer, height }) {
      if (bidHash === NO_BID) return { type: "self" };
      const known = made.get(bidHash);
      if (known === undefined) return { type: "unknown" };
      const { bid, inside } = known;
      const failed = inside.type === "unreadable" || inside.type === "broken";
      const built = { builder: bid.builder, value: bid.value, proposer: (proposers[proposer] ?? "") as AccountId, failed };
      const bundle = inside.type === "groups" ? inside.groups.map((group) => readGroup(group, height)) : [];
      return { type: "built", built, bundle };
    },
  };
}
