/** Interfaces of the signature suites, so that a domain verifies without knowing which library does it.
 *  Implementations live in `crypto/`; the simulator brings a fast deterministic one. */

/** One statement of a batch: all `publicKeys` signed `message`, aggregated in `signature`. */
export interface BlsSignatureSet {
  readonly publicKeys: readonly Uint8Array[];
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** BLS12-381 min-pk, ciphersuite BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_ (draft-irtf-cfrg-bls-signature).
 *  Secret keys are 32 bytes, public keys 48 (compressed G1), signatures 96 (compressed G2). Verifying functions return
 *  false on any malformed, infinity or out-of-subgroup input and never throw. */
export interface BlsSuite {
  readonly name: string;
  /** A secret key from at least 32 bytes of seed (KeyGen). */
  deriveSecretKey(seed: Uint8Array): Uint8Array;
  isSecretKey(secretKey: Uint8Array): boolean;
  publicKeyOf(secretKey: Uint8Array): Uint8Array;
  /** Right length, canonical, in the subgroup, not infinity. Caches the parsed key. */
  isPublicKey(publicKey: Uint8Array): boolean;
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** Sum of signatures; undefined for an empty list or when one does not parse (subgroup-checked). */
  aggregate(signatures: readonly Uint8Array[]): Uint8Array | undefined;
  /** Did all of `publicKeys` (each proven by possession) sign the one `message`? False for an empty list. */
  verifyAggregate(publicKeys: readonly Uint8Array[], message: Uint8Array, signature: Uint8Array): boolean;
  /** Are all sets valid? `randomBytes` holds 16 fresh bytes per set, drawn by the caller. False for an empty list. */
  verifyBatch(sets: readonly BlsSignatureSet[], randomBytes: Uint8Array): boolean;
  provePossession(secretKey: Uint8Array): Uint8Array;
  verifyPossession(publicKey: Uint8Array, proof: Uint8Array): boolean;
}

/** Ed25519 with the one rule of docs/decisions/0008: exact lengths, canonical encodings, small-order keys and R
 *  refused, the same answer on every runtime. Never throws. */
export type VerifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
