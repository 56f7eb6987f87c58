/** A user's account: an Ed25519 key pair, named by its public key. Keeps the seed in memory and gives it to nobody. */

import { ed25519PublicKeyOf, signEd25519 } from "../crypto/ed25519_noble.ts";
import { toHex } from "../types/bytes.ts";
import type { AccountId } from "../types/ids.ts";

export interface Account {
  readonly id: AccountId;
  /** Ed25519 over `message`, 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

const SEED_BYTES = 32;

/** The account of a 32-byte seed (RFC 8032 private key); undefined for another length. */
export function accountFromSeed(seed: Uint8Array): Account | undefined {
  if (seed.length !== SEED_BYTES) return undefined;
  const own = new Uint8Array(seed);
  return { id: toHex<AccountId>(ed25519PublicKeyOf(own)), sign: (message) => signEd25519(own, message) };
}

/** A seed for a new account. Whoever has it can spend; store it encrypted. */
export function generateSeed(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(SEED_BYTES));
}
