/** Sealing as one node runs it: the suite that genesis names, our secret sealing key, and what the machine needs of both. Checks at
 *  start what a genesis with sealed transactions asks for, so that a wrong one is named before anything runs.
 *
 *  The secret sealing key is derived from the validator's Ed25519 seed: one key file guards all. It never leaves this process. */

import { signEd25519, verifyEd25519 } from "../crypto/ed25519_sodium.ts";
import { createKeygen } from "../mempool/keygen.ts";
import type { Keygen } from "../mempool/keygen_interface.ts";
import { listQuorumOf, type SealingOptions } from "../replica/sealing.ts";
import { asciiBytes, concatBytes, toHex } from "../types/bytes.ts";
import type { Genesis } from "../types/genesis.ts";
import type { ValidatorIndex } from "../types/ids.ts";
import { type KeyId, SEALING_SUITES, type SealingSuite } from "../types/sealing.ts";
import type { SigningDomain } from "../types/signing.ts";
import { NodeError } from "./errors.ts";
import { SEALING_CONFIG } from "./limits.ts";

/** What is fixed for the life of a node; the key generation's own state is made at each recovery. */
export interface NodeSealing {
  readonly suite: SealingSuite;
  /** Undefined for an observer. */
  readonly secretKey: Uint8Array | undefined;
}

/** What seals are checked with, and our shares computed. Our share of the key never leaves this process. */
export interface SealingKeyInUse {
  readonly publicKey: Uint8Array;
  /** Undefined when we hold no share of it: an observer, or a validator that a dealer cheated while it was away. */
  readonly secretShare: Uint8Array | undefined;
}

/** Undefined when the key of this id is not live. */
export function sealingKeyInUse(keygen: Pick<Keygen, "live" | "secretShare"> | undefined, keyId: KeyId): SealingKeyInUse | undefined {
  const key = keygen?.live?.key;
  return key?.keyId === keyId ? { publicKey: key.publicKey, secretShare: keygen?.secretShare } : undefined;
}

export const takesSealed = ({ parameters }: Genesis): boolean => parameters.sealingSuite !== SEALING_SUITES.none;

const SECRET_TAG = new Uint8Array(16);
SECRET_TAG.set(asciiBytes("sls/seal-secret"));

export function sealingSecretKeyOf(suite: Pick<SealingSuite, "deriveSecretKey">, ed25519Seed: Uint8Array): Uint8Array {
  return suite.deriveSecretKey(concatBytes([SECRET_TAG, ed25519Seed]));
}

/** The public sealing key of a validator, as genesis lists it: 32 bytes. */
export function sealingPublicKeyOf(suite: SealingSuite, ed25519Seed: Uint8Array): Uint8Array {
  return suite.publicKeyOf(sealingSecretKeyOf(suite, ed25519Seed));
}

/** Throws NodeError "usage" for a genesis that asks for sealed transactions and could never have them. */
export function requireSealable(genesis: Genesis, suite: Pick<SealingSuite, "suite" | "isPublicKey">): void {
  if (!takesSealed(genesis)) return;
  const { parameters, validators, application } = genesis;
  if (parameters.sealingSuite !== suite.suite) {
    throw new NodeError(
      "usage",
      `genesis: parameters.sealingSuite ${parameters.sealingSuite} is not known; use ${suite.suite}, or 0 for none`,
    );
  }
  if (application !== "ledger") {
    throw new NodeError(
      "usage",
      'genesis: sealed transactions need the application "ledger"; set parameters.sealingSuite to 0 for another one',
    );
  }
  const [first] = validators;
  const unequal = validators.findIndex(({ weight }) => weight !== first?.weight);
  if (unequal >= 0) {
    const advice = "give all validators one weight, or set parameters.sealingSuite to 0";
    throw new NodeError(
      "usage",
      `genesis: sealing needs equal weights, and validators[${unequal}] has another than validators[0]; ${advice}`,
    );
  }
  const seen = new Map<string, number>();
  for (const [index, { sealingPublicKey }] of validators.entries()) {
    if (!suite.isPublicKey(sealingPublicKey)) {
      throw new NodeError(
        "usage",
        `genesis: validators[${index}].sealingPublicKey is no valid sealing key; take it from the output of keygen`,
      );
    }
    const other = seen.get(toHex(sealingPublicKey));
    if (other !== undefined) {
      throw new NodeError("usage", `genesis: validators[${index}] and validators[${other}] share a sealing key; each needs its own`);
    }
    seen.set(toHex(sealingPublicKey), index);
  }
}

/** What the machine runs with, its key generation at genesis: `recoverReplica` brings it to the final head. */
export function createSealingOptions(given: {
  readonly sealing: NodeSealing;
  readonly genesis: Genesis;
  readonly domain: SigningDomain;
  readonly self: ValidatorIndex | undefined;
  readonly ed25519Seed: Uint8Array;
}): SealingOptions {
  const { sealing, self, ed25519Seed } = given;
  const sign = (message: Uint8Array): Uint8Array => signEd25519(ed25519Seed, message);
  return {
    suite: sealing.suite,
    keygen: keygenOf(given, sign),
    sign: self === undefined ? undefined : sign,
    config: SEALING_CONFIG,
  };
}

function keygenOf(given: Parameters<typeof createSealingOptions>[0], sign: (message: Uint8Array) => Uint8Array): Keygen {
  const { sealing, genesis, domain, self } = given;
  const { suite, secretKey } = sealing;
  return createKeygen({
    suite,
    verify: verifyEd25519,
    domain,
    validators: genesis.validators,
    threshold: listQuorumOf(genesis.validators.length),
    windowMs: genesis.parameters.keygenWindowMs,
    resharing: undefined,
    self: self === undefined || secretKey === undefined ? undefined : { index: self, sealingSecretKey: secretKey, sign, holder: undefined },
  });
}
