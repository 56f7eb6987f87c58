/** A Byzantine validator is an honest one with a strategy at four hooks: before signing, after signing and before sending (for each
 *  recipient), on receiving, on persisting. It holds its own keys and nobody else's. One strategy per file in `strategies/`. */

import type { KeygenPhase } from "../../mempool/keygen_interface.ts";
import type { Durable, ReplicaStatus } from "../../replica/interface.ts";
import type { Proposal } from "../../types/block.ts";
import type { AccountId, TransactionHash, ValidatorIndex } from "../../types/ids.ts";
import type { SealingSuite } from "../../types/sealing.ts";
import type { SigningDomain } from "../../types/signing.ts";
import type { Ballot, SignedVote } from "../../types/vote.ts";
import type { MessageKind } from "../scenario/manifest.ts";
import type { WireMessage } from "./facts.ts";
import type { Stream } from "./streams.ts";

/** What a traitor holds of the sealing of transactions. */
export interface TraitorSealing {
  readonly suite: SealingSuite;
  readonly domain: SigningDomain;
  /** Ed25519 public key of the validator, 32 bytes: an account like any other. */
  readonly account: Uint8Array;
  /** By that key. */
  sign(message: Uint8Array): Uint8Array;
  /** Its share of the live key, as its machine has it. */
  secretShare(): Uint8Array | undefined;
}

/** How a traitor takes part in the key generation. */
export interface KeygenCheat {
  /** Deals and receives in its name. */
  readonly suite: SealingSuite;
  isSilent(phase: KeygenPhase): boolean;
}

/** What a strategy may use. Nothing here belongs to another validator. */
export interface TraitorContext {
  readonly self: ValidatorIndex;
  /** Validators in the cluster. */
  readonly count: number;
  readonly stream: Stream;
  readonly status: ReplicaStatus;
  /** Validators that are traitors too, this one included: traitors may conspire. */
  readonly traitors: readonly ValidatorIndex[];
  /** Does the strategy act in this view? Asked once per view and remembered, so that a run can be repeated from a list of views.
   *  Call it only where there is something to do. */
  acts(view: number): boolean;
  /** Notes a deed for the report: "voted for two blocks". */
  note(view: number, what: string): void;
  signVote(ballot: Ballot): SignedVote;
  signProposal(unsigned: Omit<Proposal, "signature">): Proposal;
  /** The sum of BLS signatures that it has seen; public arithmetic, no key is needed. Left out where the driver has none. */
  aggregate?(signatures: readonly Uint8Array[]): Uint8Array | undefined;
  /** Sends out of turn after `delayMs`. `from` in the message is this validator, whatever it contains. */
  send(to: ValidatorIndex, message: WireMessage, delayMs: number): void;
  /** Undefined where the scenario seals nothing. */
  readonly sealing: TraitorSealing | undefined;
  /** Accounts of builders that are traitors as well, with what they sign by. */
  readonly colluders: readonly { readonly account: AccountId; sign(message: Uint8Array): Uint8Array }[];
  /** Shared memory of all traitors of one run, by name. */
  readonly shared: Map<string, unknown>;
}

/** What leaves for one recipient instead of one honest message; an empty list withholds it. */
export interface Outgoing {
  readonly message: WireMessage;
  readonly delayMs: number;
}

export type UnsignedProposal = Omit<Proposal, "signature">;

/** Hooks that are left out let everything pass unchanged. */
export interface Strategy {
  /** Before signing: the ballots to sign and broadcast instead; the first that equals the honest one is fed back to the machine. */
  beforeVote?(ballot: Ballot, context: TraitorContext): readonly Ballot[];
  /** Before signing: the proposals to sign instead. The first is the one that the machine made, unless withheld. */
  beforeProposal?(proposal: UnsignedProposal, context: TraitorContext): readonly UnsignedProposal[];
  /** After signing, for each recipient. */
  onSend?(
    message: WireMessage,
    route: { readonly to: ValidatorIndex; readonly kind: MessageKind; readonly view: number },
    context: TraitorContext,
  ): readonly Outgoing[];
  /** Messages that arrive, as the machine will see them; an empty list hides it. */
  onReceive?(message: WireMessage, from: ValidatorIndex, context: TraitorContext): readonly WireMessage[];
  /** What is written instead; undefined: nothing is. */
  onPersist?(durable: Durable, context: TraitorContext): Durable | undefined;
  /** Once per life, before the machine starts: how it deals and answers in the key generation. Left out: honestly. */
  onKeygen?(suite: SealingSuite, context: TraitorContext): KeygenCheat;
  /** When a view is entered. */
  onView?(view: number, context: TraitorContext): void;
}

/** A transaction hash that nobody knows, for proposals whose body does not exist. */
export type UnknownTransaction = TransactionHash;

export type StrategyFactory = () => Strategy;
