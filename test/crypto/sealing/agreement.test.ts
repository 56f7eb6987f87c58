/** libsodium and noble are one suite: the same bytes from the same inputs, through the whole life of a key, and the published vectors. The double
 *  has vectors of its own, so that simulated runs are the same on every runtime. */

import { readFileSync } from "node:fs";
import fc from "fast-check";
import t from "tap";
import type { SealingSuite } from "../../../types/sealing.ts";
import { SEALING_GOLDEN_FILE, sealingGolden } from "../../conformance/sealing_golden.ts";
import { bytesOf } from "../../support/arbitraries.ts";
import { holds } from "../../support/property.ts";
import { contextOf, counting, dealOf, fast, freshKey, indices, noble, recipientsOf, sharesOf, sodium } from "./support.ts";

const stored = JSON.parse(readFileSync(SEALING_GOLDEN_FILE, "utf8")) as { readonly suite: unknown; readonly double: unknown };

t.test("golden vectors: sealing.json, both implementations make the stored bytes", async (t) => {
  t.strictSame(sealingGolden(sodium.suite), stored.suite, "libsodium");
  t.strictSame(sealingGolden(noble.suite), stored.suite, "noble");
});

t.test("golden vectors: sealing.json, the double makes the same bytes on every runtime", async (t) => {
  t.strictSame(sealingGolden(fast.suite), stored.double);
});

/** All bytes that a suite makes of these inputs. */
function bytesOfSuite(
  suite: SealingSuite,
  given: { readonly label: Uint8Array; readonly message: Uint8Array; readonly randomness: Uint8Array },
): Uint8Array[] {
  const { label, message, randomness } = given;
  const recipients = recipientsOf(suite, 4, randomness[0] as number);
  const deal = dealOf(suite, { dealer: 1, round: "agree", threshold: 3, recipients });
  const disclosures = indices(4).map((recipient) => {
    const secretKey = recipients.secretKeys[recipient] as Uint8Array;
    return suite.discloseShare({ deal, recipient, secretKey, context: contextOf("agree", 1) });
  });
  const key = freshKey(suite, 4);
  const sealed = suite.seal({ publicKey: key.publicKey, label, message, randomness });
  const shares = sharesOf(suite, key, sealed);
  const seed = suite.combine({ shares: shares.slice(1), label, sealed }) ?? new Uint8Array(0);
  return [
    ...recipients.publicKeys,
    ...deal.commitments,
    ...deal.sealedShares,
    deal.ephemeral,
    deal.proof,
    ...disclosures.flatMap(({ sharedPoint, proof }) => [sharedPoint, proof]),
    key.publicKey,
    ...key.shareKeys,
    ...key.secretShares,
    sealed,
    ...shares.map(({ share }) => share),
    seed,
    suite.proveShares({
      secretShare: key.secretShares[2] as Uint8Array,
      sealed: [sealed, suite.seal({ ...given, publicKey: key.publicKey, message: label })],
    }),
  ];
}

t.test("SealingSuite: any inputs, libsodium and noble make the same bytes and accept each other's", async (t) => {
  const inputs = fc.property(
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ maxLength: 300 }),
    bytesOf(64),
    (label, message, randomness) => {
      t.strictSame(bytesOfSuite(sodium.suite, { label, message, randomness }), bytesOfSuite(noble.suite, { label, message, randomness }));
    },
  );
  holds(t, inputs, 3);
});

t.test("SealingSuite: what one implementation made, the other checks, opens and judges", async (t) => {
  for (const [maker, reader] of [
    [sodium, noble],
    [noble, sodium],
  ] as const) {
    const key = freshKey(maker.suite, 4);
    const label = counting(40, 2);
    const given = {
      publicKey: key.publicKey,
      label,
      sealed: maker.suite.seal({ publicKey: key.publicKey, label, message: counting(9, 9), randomness: counting(64, 4) }),
    };
    t.equal(reader.suite.check(given), true, maker.name);
    const seed = reader.suite.combine({ ...given, shares: sharesOf(maker.suite, key, given.sealed).slice(1) }) ?? new Uint8Array(0);
    t.equal(reader.suite.isSeedOf({ ...given, seed }), true);
    t.strictSame(reader.suite.open({ ...given, seed }), { ok: true, message: counting(9, 9) });
    const secretShare = key.secretShares[0] as Uint8Array;
    const proof = maker.suite.proveShares({ secretShare, sealed: [given.sealed] });
    const shares = [reader.suite.shareOf(secretShare, given.sealed)];
    t.equal(reader.suite.verifyShares({ shareKey: key.shareKeys[0] as Uint8Array, sealed: [given.sealed], shares, proof }), true);
  }
});
