/** What is fixed for a session of key generation: who deals, who receives, how many are needed, and the context that binds a deal to its
 *  session, round and dealer. Nothing here changes while blocks come in. */

import { sha256 } from "../crypto/hashes.ts";
import { assert } from "../types/assert.ts";
import { concatBytes, fromHex } from "../types/bytes.ts";
import { hashToBytes } from "../types/codec.ts";
import { type ValidatorIndex, ZERO_HASH } from "../types/ids.ts";
import type { KeygenMessage } from "../types/keygen.ts";
import { VALIDATORS_MAX } from "../types/limits.ts";
import type { KeyDeal, KeyId, SealingKey } from "../types/sealing.ts";
import { bytesOfDomain, TAGS } from "../types/signing.ts";
import type { KeygenOptions } from "./keygen_interface.ts";

export type DealtFields = Pick<KeygenMessage, "round" | "validator">;

export interface KeygenSession {
  readonly options: KeygenOptions;
  /** Names the session: chain, epoch, set, previous key, suite, threshold and recipients. 32 bytes. */
  readonly id: Uint8Array;
  readonly previousKey: SealingKey | undefined;
  /** ZERO_HASH: a fresh key. */
  readonly previousKeyId: KeyId;
  /** Ed25519 keys: of those who deal (the holders of the previous key in a resharing), and of those who receive. */
  readonly dealerKeys: readonly Uint8Array[];
  readonly validatorKeys: readonly Uint8Array[];
  /** Sealing public keys of those who receive. */
  readonly recipients: readonly Uint8Array[];
  /** Deals that make a key: the threshold of the previous key in a resharing, else n − f. */
  readonly dealsNeeded: number;
  contextOf(dealt: DealtFields): Uint8Array;
  /** Does the deal have the right form, prove itself under its context, and in a resharing deal the dealer's own share? */
  isDealGood(dealt: DealtFields, deal: KeyDeal): boolean;
}

export function createKeygenSession(options: KeygenOptions): KeygenSession {
  const { suite, domain, validators, threshold, resharing } = options;
  assert(validators.length > 0, "somebody receives shares");
  assert(validators.length <= VALIDATORS_MAX, "at most VALIDATORS_MAX receive shares");
  assert(threshold >= 1, "a threshold is at least one");
  assert(threshold <= validators.length, "a threshold is at most the number of validators");
  const recipients = validators.map(({ sealingPublicKey }) => sealingPublicKey);
  assert(recipients.every(suite.isPublicKey), "every validator has a sealing public key");
  const previousKey = resharing?.previousKey;
  const holders = resharing?.holders ?? validators;
  assert(previousKey === undefined || previousKey.shareKeys.length === holders.length, "each share of the previous key has a holder");
  const previousKeyId = previousKey?.keyId ?? (ZERO_HASH as string as KeyId);
  const id = sha256(
    concatBytes([
      TAGS.keygenSession,
      bytesOfDomain(domain),
      hashToBytes(previousKeyId),
      uint16Bytes([suite.suite, threshold, recipients.length]),
      ...recipients,
    ]),
  );
  const contextOf = ({ round, validator }: DealtFields): Uint8Array => concatBytes([id, uint16Bytes([round, validator])]);
  return {
    options,
    id,
    previousKey,
    previousKeyId,
    dealerKeys: holders.map(({ ed25519PublicKey }) => fromHex(ed25519PublicKey)),
    validatorKeys: validators.map(({ ed25519PublicKey }) => fromHex(ed25519PublicKey)),
    recipients,
    dealsNeeded: previousKey?.threshold ?? threshold,
    contextOf,
    isDealGood(dealt, deal) {
      const shareKey = previousKey?.shareKeys[dealt.validator];
      if (shareKey !== undefined && !suite.isDealOfShare(deal, shareKey)) return false;
      return suite.isDealWellFormed({ deal, threshold, recipients: recipients.length, context: contextOf(dealt) });
    },
  };
}

/** Indices of a list of `count` that `isMissing` names. */
export function indicesOf(count: number, isMissing: (index: ValidatorIndex) => boolean): ValidatorIndex[] {
  return Array.from({ length: count }, (_, index) => index as ValidatorIndex).filter(isMissing);
}

/** Little-endian. */
function uint16Bytes(values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(2 * values.length));
  for (const [index, value] of values.entries()) view.setUint16(2 * index, value, true);
  return new Uint8Array(view.buffer);
}
