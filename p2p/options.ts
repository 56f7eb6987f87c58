/** What `createNetwork` needs. Every field is named, none has a default. */

import type { AccountId, ChainId, ValidatorIndex } from "../types/ids.ts";
import type { VerifyEd25519 } from "../types/suites.ts";
import type { ValidatorSetContext } from "../types/validator_set.ts";
import type { NetworkHandlers } from "./interface.ts";
import type { NetworkLimits } from "./limits.ts";

/** Where a validator of the set can be reached. */
export interface PeerAddresses {
  readonly validator: ValidatorIndex;
  /** Multiaddrs, `/tcp/…` or `/tcp/…/ws`; a trailing `/p2p/…` is optional (the handshake proves who answers). */
  readonly addresses: readonly string[];
}

export interface NetworkOptions {
  readonly chainId: ChainId;
  readonly validators: ValidatorSetContext;
  /** Our place in the set; undefined for a full node. */
  readonly self: ValidatorIndex | undefined;
  /** The builder's account that a full node proves; undefined for validators and for full nodes that build nothing. */
  readonly builder: AccountId | undefined;
  /** 32 bytes: seed of the libp2p identity (Ed25519). */
  readonly nodeSeed: Uint8Array;
  /** Signs with the validator's or the builder's Ed25519 key, 64 bytes; undefined for a node that proves neither. */
  readonly signHandshake: ((message: Uint8Array) => Uint8Array) | undefined;
  readonly verifyEd25519: VerifyEd25519;
  readonly listen: readonly string[];
  /** Addresses to tell others instead of those we listen on; empty: the latter. */
  readonly announce: readonly string[];
  readonly peers: readonly PeerAddresses[];
  readonly handlers: NetworkHandlers;
  readonly limits: NetworkLimits;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly nowMs: () => number;
  /** Many nodes share one address: bounds per address are lifted. */
  readonly isLocalCluster: boolean;
}
