/** The validators of a simulated cluster: their keys, their set, and what each needs to seal. Signatures are hash-based doubles. */

import { sha256, validatorSetContext } from "../../crypto/hashes.ts";
import { createKeygen } from "../../mempool/keygen.ts";
import { listQuorumOf, type SealingConfig, type SealingOptions } from "../../replica/sealing.ts";
import { createFastSealing } from "../../testnet/simulator/fast_sealing.ts";
import { asciiBytes, concatBytes, toHex } from "../../types/bytes.ts";
import { Epoch, ValidatorIndex } from "../../types/ids.ts";
import type { SealingSuite } from "../../types/sealing.ts";
import type { SigningDomain } from "../../types/signing.ts";
import type { BlsSuite } from "../../types/suites.ts";
import type { ValidatorSetContext } from "../../types/validator_set.ts";
import { CHAIN_ID } from "./chain.ts";

const TEST_SEALING: SealingConfig = {
  pool: { countMax: 10_000, bytesMax: 10_000_000, senderCountMax: 10_000 },
  opening: { fewSealed: 2, openMs: 100 },
  listIntervalMs: 5,
};

export type ClusterSealing = Partial<SealingConfig> & { readonly suite?: SealingSuite; readonly windowMs?: number };

export interface Members {
  readonly secrets: readonly Uint8Array[];
  readonly edKeys: readonly Uint8Array[];
  readonly validators: ValidatorSetContext;
  readonly domain: SigningDomain;
  /** A fresh key generation each time, as after a restart; undefined where the cluster does not seal. An index beyond the validators is an
   *  observer's. */
  sealingOf(index: number): SealingOptions | undefined;
}

export const signEd = (key: Uint8Array, message: Uint8Array): Uint8Array => concatBytes([sha256(concatBytes([key, message])), key]);

export const verifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
  toHex(signature) === toHex(signEd(publicKey, message));

export function createMembers(options: {
  readonly count: number;
  readonly bls: BlsSuite;
  readonly sealing: ClusterSealing | undefined;
}): Members {
  const { count, bls, sealing } = options;
  const suite = sealing?.suite ?? createFastSealing();
  const secrets = Array.from({ length: count }, (_, index) => bls.deriveSecretKey(sha256(asciiBytes(`seed ${index}`))));
  const edKeys = secrets.map((_, index) => sha256(asciiBytes(`ed ${index}`)));
  const sealingKeys = secrets.map((_, index) => suite.deriveSecretKey(sha256(asciiBytes(`sealing ${index}`))));
  const validators = validatorSetContext({
    epoch: Epoch.ZERO,
    validators: secrets.map((secret, index) => ({
      blsPublicKey: bls.publicKeyOf(secret),
      blsPossession: bls.provePossession(secret),
      sealingPublicKey: suite.publicKeyOf(sealingKeys[index] as Uint8Array),
      ed25519PublicKey: toHex(edKeys[index] as Uint8Array),
      weight: 1,
    })),
  });
  const domain: SigningDomain = { chainId: CHAIN_ID, epoch: Epoch.ZERO, validatorSetHash: validators.hash };

  function sealingOf(index: number): SealingOptions | undefined {
    if (sealing === undefined) return undefined;
    const { windowMs, suite: _, ...config } = sealing;
    const edKey = edKeys[index];
    const sign = edKey === undefined ? undefined : (message: Uint8Array): Uint8Array => signEd(edKey, message);
    const sealingSecretKey = sealingKeys[index];
    const keygen = createKeygen({
      suite,
      verify: verifyEd25519,
      domain,
      validators: validators.set.validators,
      threshold: listQuorumOf(count),
      windowMs: windowMs ?? 2_000,
      resharing: undefined,
      self:
        sign === undefined || sealingSecretKey === undefined
          ? undefined
          : { index: ValidatorIndex.of(index), sealingSecretKey, sign, holder: undefined },
    });
    return { suite, keygen, sign, config: { ...TEST_SEALING, ...config } };
  }

  return { secrets, edKeys, validators, domain, sealingOf };
}
