/** What the key generation offers to the replica: a state machine that is fed with final blocks only, in order, so that every validator
 *  (and every observer) has the same state. Created by `createKeygen` (keygen.ts). It knows no clock and draws nothing. */

import type { SignatureCheck } from "../types/application.ts";
import type { Height, TimestampMs, ValidatorIndex } from "../types/ids.ts";
import type { SignedKeygenMessage } from "../types/keygen.ts";
import type { SealingKey, SealingSuite } from "../types/sealing.ts";
import type { SigningDomain } from "../types/signing.ts";
import type { VerifyEd25519 } from "../types/suites.ts";

/** Messages of one block that are looked at; the rest of the block is passed over. A voter should refuse a proposal with more, so
 *  that no final block has more and a message that was ordered in time counts. */
export const KEYGEN_BLOCK_MESSAGES_MAX = 512;

export interface KeygenValidator {
  /** 32 bytes, hex. */
  readonly ed25519PublicKey: string;
  readonly sealingPublicKey: Uint8Array;
}

/** The previous key and who holds its shares, by index of its share keys. The deals of a resharing come from the holders. */
export interface KeygenResharing {
  readonly previousKey: SealingKey;
  readonly holders: readonly { readonly ed25519PublicKey: string }[];
}

/** Our own part. Without it the machine follows to the same key and has nothing due. */
export interface KeygenSelf {
  /** Our index among the validators; undefined for a holder that leaves. */
  readonly index: ValidatorIndex | undefined;
  /** Belongs to our sealing public key; the seeds of our deals are derived from it. */
  readonly sealingSecretKey: Uint8Array;
  /** Ed25519 by our validator key, 64 bytes; must give the same signature for the same message. */
  readonly sign: (message: Uint8Array) => Uint8Array;
  /** Resharing only: our index among the holders and our share of the previous key. */
  readonly holder: { readonly index: ValidatorIndex; readonly secretShare: Uint8Array } | undefined;
}

export interface KeygenOptions {
  readonly suite: SealingSuite;
  readonly verify: VerifyEd25519;
  readonly domain: SigningDomain;
  /** Those who will hold shares of the new key, by validator index. */
  readonly validators: readonly KeygenValidator[];
  /** Shares that will open: n − f. */
  readonly threshold: number;
  /** How long each phase waits for those who are slow, in ms of block time. */
  readonly windowMs: number;
  /** undefined: a fresh key. */
  readonly resharing: KeygenResharing | undefined;
  readonly self: KeygenSelf | undefined;
}

/** What became of a message. Everything but `counted` leaves the round as it was, except that `badDeal` bars the dealer
 *  and `groundless` uses up the complainer's answer (complaints in front of the groundless one stand). */
export type KeygenVerdict =
  | "counted"
  | "wrongSession"
  | "wrongRound"
  | "wrongPhase"
  | "unknownValidator"
  | "duplicate"
  | "barred"
  | "badSignature"
  | "badDeal"
  | "groundless"
  | "overLimit";

/** dealing: deals are awaited. answering: deals are closed; acks and complaints are awaited. live: the key exists. */
export type KeygenPhase = "dealing" | "answering" | "live";

export interface KeygenBlock {
  readonly height: Height;
  readonly timeMs: TimestampMs;
  /** In chain order. */
  readonly messages: readonly SignedKeygenMessage[];
}

export interface LiveSealingKey {
  readonly key: SealingKey;
  /** The first height at which it is live: the one after the block that completed it. */
  readonly activationHeight: Height;
}

/** For people and metrics. */
export interface KeygenStatus {
  readonly phase: KeygenPhase;
  readonly round: number;
  /** Deals of this round that may count, and how many are needed. */
  readonly deals: number;
  readonly dealsNeeded: number;
  readonly answers: number;
  readonly answersNeeded: number;
  /** Whose message the phase still waits for: holders while a resharing is dealing, else validators. */
  readonly missing: readonly ValidatorIndex[];
  /** Dealers that were caught cheating in this session. */
  readonly barred: readonly ValidatorIndex[];
  /** `lost`: the key is live and a dealer that counts gave us no share, and we were not there in time to complain. */
  readonly ownShare: "none" | "held" | "lost";
}

export interface Keygen {
  /** Takes the next final block, also one without messages: its time moves the phases. Returns a verdict per message. */
  apply(block: KeygenBlock): readonly KeygenVerdict[];
  /** Would the message count if it came in the next block? Without its signature and the content of its deal or complaints: for pools. */
  check(message: SignedKeygenMessage): KeygenVerdict;
  /** The signature that has to be checked before a message is taken or passed on; undefined for an unknown validator or session. */
  signatureCheckOf(message: SignedKeygenMessage): SignatureCheck | undefined;
  /** Our message that is not final yet, with its encoding: the same bytes each time until it is final or the phase is over. */
  due(): { readonly message: SignedKeygenMessage; readonly bytes: Uint8Array } | undefined;
  readonly live: LiveSealingKey | undefined;
  /** x_i, once the key is live. undefined: no part of ours, or a dealer cheated us while we were away. */
  readonly secretShare: Uint8Array | undefined;
  readonly status: KeygenStatus;
  /** The state common to all, canonical and bounded: same chain, same bytes. Does not hold anything of `self`. */
  encode(): Uint8Array;
  /** Replaces the state. False, and nothing changed, when the bytes are no state of this session. Asks for whoever gave them to be
   *  trusted or checked: a made-up state that is consistent in itself is taken. */
  restore(bytes: Uint8Array): boolean;
}
