/** Dealer mode: a sealing key that one party made and knows whole. For tests only; whoever holds the seed reads every sealed
 *  transaction. It is refused unless the caller says that this is a test. */

import { sha256 } from "../crypto/hashes.ts";
import { keyIdOf } from "../crypto/sealing/key_id.ts";
import { assert } from "../types/assert.ts";
import { concatBytes } from "../types/bytes.ts";
import type { ValidatorIndex } from "../types/ids.ts";
import type { SealingKey, SealingSuite } from "../types/sealing.ts";
import { TAGS } from "../types/signing.ts";

export type DealtKey =
  | { readonly ok: true; readonly key: SealingKey; readonly secretShares: readonly Uint8Array[] }
  | { readonly ok: false; readonly reason: "notATest" };

/** The same seed deals the same key. */
export function dealtKey(given: {
  readonly suite: SealingSuite;
  /** At least 32 bytes. */
  readonly seed: Uint8Array;
  readonly validatorCount: number;
  readonly threshold: number;
  readonly isTest: boolean;
}): DealtKey {
  const { suite, seed, validatorCount, threshold } = given;
  if (given.isTest !== true) return { ok: false, reason: "notATest" };
  const context = TAGS.keygenSession;
  const secretKeys = Array.from({ length: validatorCount }, (_, index) =>
    suite.deriveSecretKey(sha256(concatBytes([context, seed, Uint8Array.of(index)]))),
  );
  const deal = suite.deal({ seed, constant: undefined, threshold, recipients: secretKeys.map(suite.publicKeyOf), context });
  const dealers = [0 as ValidatorIndex];
  const secretShares = secretKeys.map((secretKey, index) => {
    const share = suite.receiveShare({ deal, recipient: index as ValidatorIndex, secretKey, context });
    assert(share !== undefined, "a dealer's own deal fits");
    return suite.combineReceived({ shares: [share], dealers, isResharing: false });
  });
  const parts = suite.combineDeals({ deals: [deal], dealers, isResharing: false, recipients: validatorCount });
  return { ok: true, key: { keyId: keyIdOf({ suite: suite.suite, threshold, ...parts }), threshold, ...parts }, secretShares };
}
