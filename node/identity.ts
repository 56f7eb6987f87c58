/** Who this node is: its chain, its keys, and its place in the validator set. Checked before anything runs, so that a wrong file
 *  is named at start and not by a network that ignores us. */

import { ed25519PublicKeyOf } from "../crypto/ed25519_sodium.ts";
import { chainIdOf } from "../crypto/hashes.ts";
import type { ValidatorKeys } from "../crypto/key_file.ts";
import { bytesEqual, toHex } from "../types/bytes.ts";
import type { Genesis } from "../types/genesis.ts";
import { type AccountId, type ChainId, ValidatorIndex } from "../types/ids.ts";
import type { BlsSuite } from "../types/suites.ts";
import type { Validator } from "../types/validator_set.ts";
import { loadBlsSuite } from "./bls_suite.ts";
import type { NodeConfig } from "./config.ts";
import { NodeError } from "./errors.ts";
import { readGenesis } from "./genesis_file.ts";
import { readKeyFile } from "./key_store.ts";
import type { Logger } from "./logger.ts";
import { type NodeSealing, requireSealable, sealingSecretKeyOf, takesSealed } from "./sealing_setup.ts";
import { loadSealingSuite } from "./sealing_suite.ts";

export interface NodeIdentity {
  readonly genesis: Genesis;
  readonly chainId: ChainId;
  readonly bls: BlsSuite;
  readonly keys: ValidatorKeys;
  /** Undefined for an observer. */
  readonly self: ValidatorIndex | undefined;
  /** The account that this node builds for: the key file's; undefined: it builds nothing. */
  readonly builder: AccountId | undefined;
  /** Undefined on a chain without sealed transactions. */
  readonly sealing: NodeSealing | undefined;
  /** What the store is bound to: the validator's Ed25519 key, or an observer's node key. */
  readonly storeKey: string;
}

/** Throws NodeError "usage" that names the file and what is wrong with it. */
export async function readIdentity(config: NodeConfig, passphrase: string, log: Logger): Promise<NodeIdentity> {
  const [genesis, keys, loaded] = await Promise.all([readGenesis(config.genesis), readKeyFile(config.keyFile, passphrase), loadBlsSuite()]);
  if (loaded.warning !== undefined) log.warn(loaded.warning);
  const bls = loaded.suite;
  requirePossession(genesis.validators, bls);
  const self = config.observer ? undefined : findValidator({ keys, validators: genesis.validators, bls, keyFile: config.keyFile });
  const sealing = await sealingOf(genesis, { self, keys, keyFile: config.keyFile });
  const builder = config.builder === undefined ? undefined : builderAccountOf(genesis, keys);
  const storeKey = toHex(ed25519PublicKeyOf(self === undefined ? keys.nodeSeed : keys.ed25519Seed));
  return { genesis, chainId: chainIdOf(genesis), bls, keys, self, builder, sealing, storeKey };
}

/** The account whose key the file holds. Throws NodeError "usage" on a chain that takes no builders. */
export function builderAccountOf(genesis: Genesis, keys: Pick<ValidatorKeys, "ed25519Seed">): AccountId {
  if (genesis.parameters.builderBondMin === 0n) {
    const advice = 'leave "builder" out to follow the chain, or name a genesis whose "builderBondMin" is above 0';
    throw new NodeError("usage", `this chain takes no builders; ${advice}`);
  }
  return toHex(ed25519PublicKeyOf(keys.ed25519Seed)) as AccountId;
}

/** Undefined on a chain without sealed transactions. Throws NodeError "usage" when genesis lists another sealing key for us than our seed
 *  gives: what is dealt to us could never be read. */
export async function sealingOf(
  genesis: Genesis,
  own: { readonly self: ValidatorIndex | undefined; readonly keys: ValidatorKeys; readonly keyFile: string },
): Promise<NodeSealing | undefined> {
  if (!takesSealed(genesis)) return undefined;
  const suite = await loadSealingSuite();
  requireSealable(genesis, suite);
  const { self, keys, keyFile } = own;
  if (self === undefined) return { suite, secretKey: undefined };
  const secretKey = sealingSecretKeyOf(suite, keys.ed25519Seed);
  const listed = genesis.validators[self]?.sealingPublicKey;
  if (listed === undefined || !bytesEqual(listed, suite.publicKeyOf(secretKey))) {
    const advice = "use the public part that keygen printed for this key file, and make genesis again";
    throw new NodeError(
      "usage",
      `key file ${keyFile}: genesis lists another sealing key for validator ${self} than this file gives; ${advice}`,
    );
  }
  return { suite, secretKey };
}

/** The index of the validator that holds `keys`. */
export function findValidator(options: {
  readonly keys: ValidatorKeys;
  readonly validators: readonly Validator[];
  readonly bls: BlsSuite;
  readonly keyFile: string;
}): ValidatorIndex {
  const { keys, validators, bls, keyFile } = options;
  const blsPublicKey = bls.publicKeyOf(keys.blsSecretKey);
  const ed25519PublicKey = toHex(ed25519PublicKeyOf(keys.ed25519Seed));
  const byBls = validators.findIndex((validator) => bytesEqual(validator.blsPublicKey, blsPublicKey));
  const byEd25519 = validators.findIndex((validator) => validator.ed25519PublicKey === ed25519PublicKey);
  if (byBls !== byEd25519) {
    throw new NodeError("usage", `key file ${keyFile}: its BLS key and its Ed25519 key are not of one validator of the genesis`);
  }
  if (byBls < 0) {
    const advice = 'use the key file that the genesis was made from, or set "observer": true to follow the chain without signing';
    throw new NodeError("usage", `key file ${keyFile}: its keys are of no validator of the genesis; ${advice}`);
  }
  return ValidatorIndex.of(byBls);
}

/** Without a proof of possession an aggregate could be forged with a rogue key: such a genesis is refused. */
export function requirePossession(validators: readonly Validator[], bls: BlsSuite): void {
  for (const [index, { blsPublicKey, blsPossession }] of validators.entries()) {
    if (!bls.isPublicKey(blsPublicKey)) throw new NodeError("usage", `genesis: validators[${index}].blsPublicKey is no valid BLS key`);
    if (!bls.verifyPossession(blsPublicKey, blsPossession)) {
      throw new NodeError("usage", `genesis: validators[${index}].blsPossession does not prove possession of its BLS key`);
    }
  }
}
