/** Who stands at the two ends of a direct link, and what may go over it in which direction. Pure.
 *
 *  Two validators tell each other everything but bids. A builder gets what a full node needs (proposals, certificates, transactions)
 *  and gives bids and transactions: no votes, and nothing of the sealed lane. What else comes over a link is malformed. */

import { unreachable } from "../types/assert.ts";
import type { AccountId, ValidatorIndex } from "../types/ids.ts";
import type { Message } from "../types/message.ts";

/** peerValidator: both ends are validators. peerBuilder: we are a validator, the peer is a builder. toValidator: the other way round. */
export type LinkRole = "peerValidator" | "peerBuilder" | "toValidator";

export interface LinkEnd {
  readonly validator: ValidatorIndex | undefined;
  readonly builder: AccountId | undefined;
}

/** The role of the link that the two may have; undefined: they have none. */
export function linkRoleOf(ends: { readonly own: LinkEnd; readonly peer: LinkEnd }): LinkRole | undefined {
  const { own, peer } = ends;
  if (own.validator !== undefined) {
    if (peer.validator !== undefined) return "peerValidator";
    return peer.builder === undefined ? undefined : "peerBuilder";
  }
  return own.builder !== undefined && peer.validator !== undefined ? "toValidator" : undefined;
}

/** May we send messages of this type over the link? */
export function isCarried(role: LinkRole, type: Message["type"]): boolean {
  switch (role) {
    case "peerValidator":
      return type !== "bid";
    case "peerBuilder":
      return isForBuilders(type);
    case "toValidator":
      return isFromBuilders(type);
    default:
      return unreachable(role);
  }
}

/** May the peer send us messages of this type? */
export function isAccepted(role: LinkRole, type: Message["type"]): boolean {
  switch (role) {
    case "peerValidator":
      return type !== "bid";
    case "peerBuilder":
      return isFromBuilders(type);
    case "toValidator":
      return isForBuilders(type);
    default:
      return unreachable(role);
  }
}

const isForBuilders = (type: Message["type"]): boolean => type === "proposal" || type === "certificate" || type === "transactions";
const isFromBuilders = (type: Message["type"]): boolean => type === "bid" || type === "transactions";
