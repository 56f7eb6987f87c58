/** Builders as ordering and execution both see them: who may build at a height, and what a built block owes. Types only;
 *  the rules are the ledger's (L17 to L20). */

import type { AccountId, Height } from "./ids.ts";

/** Where searchers reach a builder: TCP over IPv4. */
export interface BuilderEndpoint {
  /** Dotted decimal. */
  readonly address: string;
  /** 1 to 65,535. */
  readonly port: number;
}

/** A registered builder as the state has it when it is asked for; it does not follow later blocks. */
export interface Builder {
  /** The most that its bids may promise together, in the smallest unit of the fee asset. */
  readonly bond: bigint;
  /** Takes the fees of the open lane of its blocks. */
  readonly feeRecipient: AccountId;
  /** Undefined: it has published none. */
  readonly endpoint: BuilderEndpoint | undefined;
  /** Where it unbonded; undefined: it stays. */
  readonly unbondingHeight?: Height | undefined;
  /** Undefined: never boxed. Up to this height it builds nothing (L20). */
  readonly boxedUntil?: Height | undefined;
  /** May a block of this height be built by it, as far as this state knows? */
  readonly isActiveAt: (height: Height) => boolean;
}

/** What a block that a builder built owes. Voters have checked it: the builder was active and its bond covers the value. */
export interface BuiltBlock {
  readonly builder: AccountId;
  /** Moves from the builder's bond to the proposer, in the smallest unit of the fee asset. */
  readonly value: bigint;
  /** Account of the validator that proposed the block: its Ed25519 public key. */
  readonly proposer: AccountId;
  /** The builder's bundle was FAILED when it was opened. */
  readonly failed: boolean;
}
