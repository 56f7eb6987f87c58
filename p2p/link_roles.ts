/** Who stands at the two ends of a direct link, and what may go over it in which direction. Pure.
 *
 *  Two validators tell each other everything but bids. A builder gets what it needs to stand where they stand: proposals, certificates, transactions, and the
 *  shares and seeds that open a block whose order is settled, since without them it would execute half a second late and bid for blocks that are
 *  gone. It gives bids and transactions. No votes, lists or disputes. What else comes over a link is malformed. */

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

const FOR_BUILDERS: ReadonlySet<Message["type"]> = new Set(["proposal", "certificate", "transactions", "shares", "seeds"]);
const isForBuilders = (type: Message["type"]): boolean => FOR_BUILDERS.has(type);
/** Whose word it is decides what it is worth: these are never passed on. */
export const isOwnWord = (type: Message["type"]): boolean => type === "shares" || type === "seeds";

const isFromBuilders = (type: Message["type"]): boolean => type === "bid" || type === "transactions";
