/** Who handed us a message, as the transport authenticated it. Blame and per-sender bounds key on it. */

import type { Brand } from "./brand.ts";
import type { ValidatorIndex } from "./ids.ts";

/** A transport identity (libp2p peer id text). */
export type PeerKey = Brand<string, "PeerKey">;

/** self: our own signed message fed back. validator: over a direct link proven by the handshake.
 *  relay: a peer that passed on somebody's message (gossip, sync); its content proves nothing about the peer's identity. */
export type Sender =
  | { readonly type: "self" }
  | { readonly type: "validator"; readonly validator: ValidatorIndex; readonly peer: PeerKey }
  | { readonly type: "relay"; readonly peer: PeerKey };

/** Why a peer loses score. Each reason has a weight in `p2p/`. */
export type PenaltyReason =
  | "invalidSignature"
  | "invalidCertificate"
  | "invalidProposal"
  | "invalidBlock"
  | "invalidTransaction"
  | "malformedMessage"
  | "unsolicitedResponse"
  | "wrongResponse"
  | "equivocation"
  /** A share, seed, proof or failure claim that no honest validator sends. */
  | "invalidOpening"
  | "invalidList"
  | "invalidBid"
  | "flood";
