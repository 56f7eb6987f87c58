/** The vocabulary of threshold sealing: keys, shares, openings, and the interface of a sealing suite, so that the mempool seals,
 *  checks and opens without knowing which library does the group arithmetic. Implementations live in `crypto/sealing/`; the
 *  simulator brings a fast double. Byte strings are fixed in length by SEALING_SIZES. */

import type { Brand } from "./brand.ts";
import type { ValidatorIndex } from "./ids.ts";

/** Names a sealing key and everything that belongs to it (suite, threshold, Y and all Y_i): 32 bytes, hex. ZERO_HASH: no key yet. */
export type KeyId = Brand<string, "KeyId">;

/** Suites by their number on the wire. */
export const SEALING_SUITES = { none: 0, tdh2Ristretto255: 1 } as const;

/** Lengths in bytes. `overhead`: what a sealed part is longer than its message (U, Ū, e, z, c and the AEAD tag). */
export const SEALING_SIZES = { scalar: 32, point: 32, seed: 32, proof: 64, dealProof: 96, tag: 16, overhead: 176 } as const;

/** The public side of a sealing key. Share key i belongs to validator i, whose evaluation point is i + 1. */
export interface SealingKey {
  readonly keyId: KeyId;
  /** Shares that open, t = n − f. */
  readonly threshold: number;
  /** Y, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Y_i by validator index, 32 bytes each. */
  readonly shareKeys: readonly Uint8Array[];
}

/** One validator's share of an opening: D_i = x_i·U, 32 bytes. */
export interface Share {
  readonly validator: ValidatorIndex;
  readonly share: Uint8Array;
}

/** A share with the proof that it was made with the secret of the validator's share key: DLEQ over (G, Y_i, U, D_i), 64 bytes. */
export interface ProvenShare extends Share {
  readonly proof: Uint8Array;
}

/** What a sealed transaction turned out to be. A seed proves itself: it gives back U. Without one, t proven shares show that nobody
 *  can have a seed (the ciphertext was made wrongly on purpose). */
export type Opening =
  | { readonly type: "seed"; readonly seed: Uint8Array }
  | { readonly type: "failed"; readonly shares: readonly ProvenShare[] };

/** Why a sealed transaction has no content. `badSeed`: no seed fits U. `badBody`: the seed fits, the body does not open under it. */
export type OpenFailure = "badSeed" | "badBody";

export type OpenResult = { readonly ok: true; readonly message: Uint8Array } | { readonly ok: false; readonly reason: OpenFailure };

/** What a dealer of a key generation publishes. `commitments` are A_k = a_k·G for k = 0 … t − 1; `sealedShares` hide F(i + 1) from all but
 *  validator i. One ephemeral point serves all recipients; the proof shows that the dealer knows its secret and a_0, and binds the whole deal
 *  to its context. Without it a dealer could copy another's ephemeral point and have honest complaints open that dealer's shares. */
export interface KeyDeal {
  readonly commitments: readonly Uint8Array[];
  /** E = e·G, 32 bytes. */
  readonly ephemeral: Uint8Array;
  /** One masked scalar per validator, 32 bytes each. */
  readonly sealedShares: readonly Uint8Array[];
  /** Knowledge of a_0 and e: challenge, two responses; 96 bytes. */
  readonly proof: Uint8Array;
}

/** Shows a dealt share to everybody: the shared point with the proof that it belongs to the complainer's key and the deal's ephemeral point. */
export interface ShareDisclosure {
  readonly sharedPoint: Uint8Array;
  readonly proof: Uint8Array;
}

/** Suite 0x01 `TDH2-R255-FO` and its doubles. Nothing here throws on bytes from outside: malformed input is false or undefined.
 *  Secrets are never compared or branched on outside the libraries. Labels are the canonical clear envelope (L). */
export interface SealingSuite {
  readonly name: string;
  readonly suite: number;

  /** Seals `message` to Y. `randomness` is 64 fresh bytes: the seed σ and the input of the proof's nonce. Returns message + overhead bytes:
   *  U 32 ‖ Ū 32 ‖ e 32 ‖ z 32 ‖ c 32 ‖ body. */
  seal(given: {
    readonly publicKey: Uint8Array;
    readonly label: Uint8Array;
    readonly message: Uint8Array;
    readonly randomness: Uint8Array;
  }): Uint8Array;
  /** Is the sealed part well-formed and proven under its label? Costs four multiplications; done on worker threads. */
  check(given: { readonly publicKey: Uint8Array; readonly label: Uint8Array; readonly sealed: Uint8Array }): boolean;
  /** D_i = x_i·U of a sealed part that passed `check`. */
  shareOf(secretShare: Uint8Array, sealed: Uint8Array): Uint8Array;
  /** The seed from exactly `threshold` shares of different validators; undefined when a share is no point. It may be wrong: `isSeedOf` tells. */
  combine(given: { readonly shares: readonly Share[]; readonly label: Uint8Array; readonly sealed: Uint8Array }): Uint8Array | undefined;
  /** The seed proves itself: sealing with it again gives this U and this c. Two multiplications, one of them of the base. c has to be checked
   *  as well: whoever sealed knows a σ that fits U, whatever c says, and could otherwise show it to some after others found FAILED. */
  isSeedOf(given: {
    readonly publicKey: Uint8Array;
    readonly label: Uint8Array;
    readonly sealed: Uint8Array;
    readonly seed: Uint8Array;
  }): boolean;
  /** The message under a seed that `isSeedOf` accepted. */
  open(given: {
    readonly publicKey: Uint8Array;
    readonly label: Uint8Array;
    readonly sealed: Uint8Array;
    readonly seed: Uint8Array;
  }): OpenResult;

  /** One proof over the shares of several sealed parts, composed as RFC 9497 §2.2 does. The nonce is derived from the secret and the statement. */
  proveShares(given: { readonly secretShare: Uint8Array; readonly sealed: readonly Uint8Array[] }): Uint8Array;
  verifyShares(given: {
    readonly shareKey: Uint8Array;
    readonly sealed: readonly Uint8Array[];
    readonly shares: readonly Uint8Array[];
    readonly proof: Uint8Array;
  }): boolean;

  /** A validator's long-lived key to which dealt shares are sealed. The secret scalar is derived from at least 32 secret bytes. */
  deriveSecretKey(seed: Uint8Array): Uint8Array;
  publicKeyOf(secretKey: Uint8Array): Uint8Array;
  /** Canonical, on the group, not the identity. */
  isPublicKey(publicKey: Uint8Array): boolean;

  /** A dealer's polynomial and its sealed shares. Coefficients come from `seed` (secret, at least 32 bytes), so that a restart deals the same
   *  bytes; `constant` replaces the first coefficient (resharing deals an old share). `context` is bound into every mask. */
  deal(given: {
    readonly seed: Uint8Array;
    readonly constant: Uint8Array | undefined;
    readonly threshold: number;
    readonly recipients: readonly Uint8Array[];
    readonly context: Uint8Array;
  }): KeyDeal;
  /** Lengths, points, the proof under `context`, and as many commitments and shares as asked for. Says nothing about the shares' values.
   *  A deal that is not well-formed must be dropped before anybody discloses a share of it. */
  isDealWellFormed(given: {
    readonly deal: KeyDeal;
    readonly threshold: number;
    readonly recipients: number;
    readonly context: Uint8Array;
  }): boolean;
  /** The recipient's share if it fits the commitments; undefined: complain. */
  receiveShare(given: {
    readonly deal: KeyDeal;
    readonly recipient: ValidatorIndex;
    readonly secretKey: Uint8Array;
    readonly context: Uint8Array;
  }): Uint8Array | undefined;
  discloseShare(given: {
    readonly deal: KeyDeal;
    readonly recipient: ValidatorIndex;
    readonly secretKey: Uint8Array;
    readonly context: Uint8Array;
  }): ShareDisclosure;
  /** Judges a complaint: "dealerCheated" when the disclosed share does not fit the commitments, "groundless" when it does, "invalid" when the
   *  disclosure proves nothing. */
  judgeDisclosure(given: {
    readonly deal: KeyDeal;
    readonly recipient: ValidatorIndex;
    readonly recipientKey: Uint8Array;
    readonly disclosure: ShareDisclosure;
    readonly context: Uint8Array;
  }): "dealerCheated" | "groundless" | "invalid";
  /** Y and all Y_i from the commitments of the qualified dealers. `weights`: undefined for a fresh key (sum); for resharing, the dealers'
   *  validator indices, whose Lagrange coefficients at zero weigh their deals, so that Y stays. */
  combineDeals(given: {
    readonly deals: readonly KeyDeal[];
    readonly dealers: readonly ValidatorIndex[];
    readonly isResharing: boolean;
    readonly recipients: number;
  }): { readonly publicKey: Uint8Array; readonly shareKeys: readonly Uint8Array[] };
  /** x_i from the received shares of the qualified dealers, in the same order. */
  combineReceived(given: {
    readonly shares: readonly Uint8Array[];
    readonly dealers: readonly ValidatorIndex[];
    readonly isResharing: boolean;
  }): Uint8Array;
  /** Does a resharing deal of this dealer commit to the share that the old key names (A_0 = Y_i)? */
  isDealOfShare(deal: KeyDeal, shareKey: Uint8Array): boolean;
}
