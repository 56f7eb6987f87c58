/** B1, B3, B4 and B6 as far as bid, header and body tell: one row for each fault, and what is right. */

import t from "tap";
import { faultOfBid, faultOfTail, type HeaderOfBid, sealCheckOf, signatureCheckOf } from "../../builder/bid_rules.ts";
import { ed25519PublicKeyOf, signEd25519, verifyEd25519 } from "../../crypto/ed25519_noble.ts";
import { bidHashOf, bodyRootOf } from "../../crypto/hashes.ts";
import { type Bid, bidSigningBytes, bundleBytesOf, bundleLabelOf, NO_BID } from "../../types/bid.ts";
import { toHex } from "../../types/bytes.ts";
import type { SealedEnvelope } from "../../types/envelope.ts";
import { type AccountId, type BidHash, type BlockHash, type ChainId, Epoch, Height, type ValidatorSetHash, View } from "../../types/ids.ts";
import { TAIL_BYTES_MAX, TAIL_OPERATIONS_MAX, TAIL_TRANSACTIONS_MAX } from "../../types/limits.ts";
import type { KeyId } from "../../types/sealing.ts";
import type { SigningDomain } from "../../types/signing.ts";
import { type BidShape, bid, named, transaction } from "./builder_world.ts";

const KEY = named<KeyId>("key");
const OTHER_KEY = named<KeyId>("other key");
const DOMAIN: SigningDomain = {
  chainId: named<ChainId>("chain"),
  epoch: Epoch.ZERO,
  validatorSetHash: named<ValidatorSetHash>("set"),
};

const withBundle = (change: Partial<Bid> = {}): Bid => ({ ...bid({ bundleBytes: bundleBytesOf(0) }), keyId: KEY, ...change });

/** The header that this bid is right for. */
const headerFor = (given: Bid, change: Partial<HeaderOfBid> = {}): HeaderOfBid => ({
  height: given.height,
  parentHash: given.parentHash,
  view: given.expiryView,
  keyId: KEY,
  bidHash: bidHashOf(given),
  bundleCount: given.bundle.length > 0 ? 1 : 0,
  transactionCount: 3 + given.tailCount,
  sealedCount: 3,
  ...change,
});

const fault = (given: Bid, change: Partial<HeaderOfBid> = {}): string => faultOfBid(given, headerFor(given, change)) ?? "none";

t.test("B1: faultOfBid: this height, this parent, not expired, and the bid that the header names", async (t) => {
  t.equal(fault(bid()), "none");
  t.equal(fault(bid(), { height: Height.of(2) }), "wrongHeight");
  t.equal(fault(bid(), { parentHash: named<BlockHash>("other") }), "wrongParent");
  t.equal(fault(bid({ expiryView: 5 }), { view: View.of(5) }), "none");
  t.equal(fault(bid({ expiryView: 5 }), { view: View.of(6) }), "expired");
  t.equal(fault(bid(), { bidHash: named<BidHash>("other") }), "wrongHash");
  t.equal(fault(bid(), { bidHash: NO_BID }), "wrongHash");
});

t.test("B3: faultOfBid: a bundle as long as a size class, counted, and sealed to the header's key", async (t) => {
  t.equal(fault(withBundle()), "none");
  t.equal(fault(withBundle({ bundle: new Uint8Array(bundleBytesOf(0) + 1) })), "malformedBundle");
  t.equal(fault(withBundle({ keyId: bid().keyId })), "malformedBundle", "a bundle without a key");
  t.equal(fault({ ...bid(), keyId: KEY }), "malformedBundle", "a key without a bundle");
  t.equal(fault(withBundle(), { bundleCount: 0 }), "wrongBundleCount");
  t.equal(fault(bid(), { bundleCount: 1 }), "wrongBundleCount");
  t.equal(fault(withBundle({ keyId: OTHER_KEY })), "wrongKey");
  t.equal(fault(bid(), { keyId: OTHER_KEY }), "none", "without a bundle any key will do");
});

t.test("B4: faultOfBid: as many transactions behind the lane as the bid counts, within the limits of tails", async (t) => {
  t.equal(fault({ ...bid(), tailCount: 2 }), "none");
  t.equal(fault({ ...bid(), tailCount: 2 }, { sealedCount: 2 }), "wrongTailCount");
  const edge = { tailCount: TAIL_TRANSACTIONS_MAX, tailBytes: TAIL_BYTES_MAX, gas: TAIL_OPERATIONS_MAX };
  t.equal(fault({ ...bid(), ...edge }), "none");
  for (const name of ["tailCount", "tailBytes", "gas"] as const)
    t.equal(fault({ ...bid(), ...edge, [name]: edge[name] + 1 }), "tailBeyondLimits");
});

t.test("B6: faultOfBid: a block that its proposer built names no bid and has no bundle", async (t) => {
  const own = headerFor(bid(), { bidHash: NO_BID, bundleCount: 0 });
  t.equal(faultOfBid(undefined, own), undefined);
  t.equal(faultOfBid(undefined, { ...own, bundleCount: 1 }), "bidMissing");
  t.equal(faultOfBid(undefined, { ...own, bidHash: named<BidHash>("bid") }), "bidMissing");
});

t.test("B4: faultOfTail: count, bytes, operations, order, and nothing sealed", async (t) => {
  const tail = [transaction({ nonce: 1, bytes: 100, operations: 2 }), transaction({ nonce: 2, bytes: 150, operations: 3 })];
  const right = { tailRoot: bodyRootOf(tail.map(({ hash }) => hash)), tailCount: 2, tailBytes: 250, gas: 5 };
  t.equal(faultOfTail(right, tail), undefined);
  t.equal(faultOfTail({ ...right, tailCount: 0, tailBytes: 0, gas: 0, tailRoot: bodyRootOf([]) }, []), undefined);
  t.equal(faultOfTail({ ...right, tailCount: 3 }, tail), "wrongCount");
  t.equal(faultOfTail({ ...right, tailBytes: 251 }, tail), "wrongBytes");
  t.equal(faultOfTail({ ...right, gas: 4 }, tail), "wrongGas");
  t.equal(faultOfTail(right, tail.toReversed()), "wrongRoot");
  t.equal(
    faultOfTail(
      right,
      tail.map((each) => ({ ...each, sealed: {} as SealedEnvelope })),
    ),
    "sealed",
  );
  const messages = [transaction({ nonce: 1, bytes: 100, isKeygen: true })];
  t.equal(
    faultOfTail({ tailRoot: bodyRootOf(messages.map(({ hash }) => hash)), tailCount: 1, tailBytes: 100, gas: 1 }, messages),
    undefined,
  );
});

t.test("B1: signatureCheckOf: passes for what the builder signed, and for no other content or domain", async (t) => {
  const seed = new Uint8Array(32).fill(7);
  const unsigned = { ...withBundle(), builder: toHex<AccountId>(ed25519PublicKeyOf(seed)) };
  const signed = { ...unsigned, signature: signEd25519(seed, bidSigningBytes(DOMAIN, unsigned)) };
  const passes = (given: Bid, domain = DOMAIN): boolean => {
    const { publicKey, message, signature } = signatureCheckOf(domain, given);
    return verifyEd25519(publicKey, message, signature);
  };
  t.ok(passes(signed));
  const shapes: readonly BidShape[] = [
    { height: 2 },
    { parent: "other" },
    { sequence: 2 },
    { value: 11 },
    { expiryView: 10 },
    { variant: 1 },
  ];
  for (const shape of shapes)
    t.notOk(passes({ ...bid(shape), builder: signed.builder, signature: signed.signature, keyId: KEY, bundle: signed.bundle }));
  t.notOk(passes({ ...signed, bundle: new Uint8Array(bundleBytesOf(1)) }));
  t.notOk(passes({ ...signed, keyId: OTHER_KEY }));
  t.notOk(passes({ ...signed, tailCount: 1 }));
  t.notOk(passes(signed, { ...DOMAIN, epoch: Epoch.of(1) }));
});

t.test("B3: sealCheckOf: asks for the bundle under the bid's own label; nothing without a bundle", async (t) => {
  const given = withBundle();
  t.same(sealCheckOf(DOMAIN.chainId, given), { keyId: KEY, label: bundleLabelOf(DOMAIN.chainId, given), sealed: given.bundle });
  t.notSame(sealCheckOf(DOMAIN.chainId, { ...given, value: 11n })?.label, sealCheckOf(DOMAIN.chainId, given)?.label);
  t.equal(sealCheckOf(DOMAIN.chainId, bid()), undefined);
});
