/** Dealer mode refuses to be used outside of tests, and deals a key that opens. */

import t from "tap";
import { nobleGroup } from "../../crypto/sealing/noble_group.ts";
import { createSealingSuite } from "../../crypto/sealing/suite.ts";
import { dealtKey } from "../../mempool/keygen_dealer.ts";
import { createFastSealing } from "../../testnet/simulator/fast_sealing.ts";
import { assert } from "../../types/assert.ts";
import { bytesEqual } from "../../types/bytes.ts";
import { doesOpen, thresholdOf } from "./keygen_network.ts";

const seed = new Uint8Array(32).fill(5);

for (const { suite, counts } of [
  { suite: createFastSealing(), counts: [1, 4, 10] },
  { suite: createSealingSuite(nobleGroup), counts: [4] },
]) {
  for (const validatorCount of counts) {
    const given = { suite, seed, validatorCount, threshold: thresholdOf(validatorCount) };
    t.test(`dealtKey: ${validatorCount} shares on ${suite.name}, t of them open; the same seed, the same key`, async (t) => {
      const dealt = dealtKey({ ...given, isTest: true });
      assert(dealt.ok, "this is a test");
      t.ok(dealt.secretShares.every((share, index) => bytesEqual(suite.publicKeyOf(share), dealt.key.shareKeys[index] as Uint8Array)));
      const holders = dealt.secretShares.map((secretShare, validator) => ({ validator, secretShare }));
      t.ok(doesOpen(suite, dealt.key, holders.slice(-given.threshold)));
      t.same(dealtKey({ ...given, isTest: true }), dealt);
      const other = dealtKey({ ...given, seed: seed.map((byte) => byte + 1), isTest: true });
      t.not(other.ok && other.key.keyId, dealt.key.keyId);
    });
    t.test(`dealtKey: not a test, refused, ${validatorCount} on ${suite.name}`, async (t) => {
      t.same(dealtKey({ ...given, isTest: false }), { ok: false, reason: "notATest" });
      t.same(dealtKey({ ...given, isTest: 1 as unknown as boolean }), { ok: false, reason: "notATest" });
    });
  }
}
