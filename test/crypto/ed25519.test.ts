/** One Ed25519 rule, two implementations: every case here must get the same verdict from libsodium and from noble, on each runtime.
 *  Torsion cases are built from the group itself: with A = a·B + i·T and R = r·B + j·T (T of order 8), S = r + k·a satisfies the
 *  cofactored equation always and the cofactorless one exactly when j + k·i is divisible by 8. */

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import t from "tap";
import * as noble from "../../crypto/ed25519_noble.ts";
import { isEd25519InputStrict } from "../../crypto/ed25519_point.ts";
import * as sodium from "../../crypto/ed25519_sodium.ts";
import { AssertionError } from "../../types/assert.ts";
import { concatBytes, fromHex, toHex } from "../../types/bytes.ts";
import { bytesOf } from "../support/arbitraries.ts";
import { holds } from "../support/property.ts";

const { Point } = ed25519;
const ORDER = Point.Fn.ORDER;
const TORSION = Point.fromBytes(fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"));
const torsion = (index: number) => TORSION.multiplyUnsafe(BigInt(index));
const littleEndian = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 255n));
const toBigint = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes.slice().reverse())}`);

/** The common verdict; "differ" when the implementations disagree. */
function verdict(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean | "differ" {
  const bySodium = sodium.verifyEd25519(publicKey, message, signature);
  return bySodium === noble.verifyEd25519(publicKey, message, signature) ? bySodium : "differ";
}

function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = bytes.slice();
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
  return flipped;
}

/** RFC 8032 section 7.1, tests 1 to 3: seed, public key, message, signature. */
const RFC_8032 = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
] as const;

/** The edge cases of "Taming the many EdDSAs" (ed25519-speccheck, in its order, R cases of two editions): what is odd, message, key, signature. */
const SPECCHECK = [
  [
    "small A, small R, S = 0",
    "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000",
  ],
  [
    "small A, mixed R",
    "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
  ],
  [
    "mixed A, small R",
    "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
    "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
  ],
  [
    "mixed A, mixed R, cofactorless holds",
    "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
    "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
  ],
  [
    "mixed A, mixed R, only cofactored holds",
    "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
    "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
  ],
  [
    "mixed A, R of order L, only cofactored holds",
    "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
    "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
  ],
  [
    "S > L",
    "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
    "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
    "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
  ],
  [
    "S far above L",
    "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
    "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
    "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
  ],
  [
    "non-canonical R, reduced in the hash",
    "fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a",
    "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f454d370c8d9fc323a41450f8d513eafeb5b0697390c1e505a0d4ddc71f566607",
  ],
  [
    "non-canonical R, not reduced in the hash",
    "84b698d39be126ff55fe45079e6c8bf64a0d7db6994560b4e96b7021eb39c1a1",
    "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f084d5b99c2a9463d9c8bd5026916996984eeec87ddf1d3be329006ace1b37b09",
  ],
  [
    "non-canonical small R, not reduced in the hash",
    "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
    "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
  ],
  [
    "non-canonical small A, reduced in the hash",
    "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
  ],
  [
    "non-canonical small A, not reduced in the hash",
    "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
  ],
] as const;

t.test("signEd25519: RFC 8032 vectors, both implementations make the key and signature and accept them", async (t) => {
  for (const [seed, publicKey, message, signature] of RFC_8032) {
    for (const suite of [sodium, noble]) {
      t.equal(toHex(suite.ed25519PublicKeyOf(fromHex(seed))), publicKey);
      t.equal(toHex(suite.signEd25519(fromHex(seed), fromHex(message))), signature);
    }
    t.equal(verdict(fromHex(publicKey), fromHex(message), fromHex(signature)), true);
  }
});

t.test("verifyEd25519: published edge cases, only the one with the cofactorless equation is accepted", async (t) => {
  const verdicts = SPECCHECK.map(([what, message, key, signature]) => [what, verdict(fromHex(key), fromHex(message), fromHex(signature))]);
  const accepted = "mixed A, mixed R, cofactorless holds";
  t.strictSame(
    verdicts,
    SPECCHECK.map(([what]) => [what, what === accepted]),
  );
});

t.test("verifyEd25519: all 64 pairs of torsion parts, the verdict is that of the cofactorless equation", async (t) => {
  const [a, r] = [123_456_789n, 987_654_321n];
  const wrong: unknown[] = [];
  let accepted = 0;
  for (let i = 0; i < 8; i++) {
    for (let j = 0; j < 8; j++) {
      const publicKey = Point.BASE.multiply(a).add(torsion(i)).toBytes();
      const nonce = Point.BASE.multiply(r).add(torsion(j)).toBytes();
      const message = Uint8Array.of(i, j);
      const challenge = toBigint(sha512(concatBytes([nonce, publicKey, message]))) % ORDER;
      const signature = concatBytes([nonce, littleEndian((r + challenge * a) % ORDER)]);
      const isCofactorless = (BigInt(j) + challenge * BigInt(i)) % 8n === 0n;
      if (verdict(publicKey, message, signature) !== isCofactorless) wrong.push({ i, j });
      if (isCofactorless) accepted++;
    }
  }
  t.same(wrong, []);
  t.ok(accepted > 1 && accepted < 64, "both verdicts occur");
});

t.test("verifyEd25519: small-order key or R in every encoding and sign, refused as a form", async (t) => {
  const prime = 2n ** 255n - 19n;
  const small = new Set<bigint>();
  for (let index = 0; index < 8; index++) small.add(toBigint(torsion(index).toBytes()) % 2n ** 255n);
  // Each y below 19 has a second, non-canonical encoding y + p.
  for (const y of [...small]) if (y < 19n) small.add(y + prime);
  t.equal(small.size, 7);
  // The form is refused as such: with most messages such a signature would not verify anyway, and hide a gap in the rule.
  const key = Point.BASE.toBytes();
  const scalar = littleEndian(5n);
  const allowed: string[] = [];
  for (const y of small) {
    for (const encoded of [littleEndian(y), littleEndian(y + 2n ** 255n)]) {
      if (isEd25519InputStrict(encoded, concatBytes([key, scalar]))) allowed.push(`key ${toHex(encoded)}`);
      if (isEd25519InputStrict(key, concatBytes([encoded, scalar]))) allowed.push(`R ${toHex(encoded)}`);
    }
  }
  t.same(allowed, []);
});

t.test("verifyEd25519: small-order key and R that satisfy the equation, refused", async (t) => {
  // With A and R in the torsion group and S = 0, the equation needs j + k·i = 0 mod 8; the message is searched for.
  const verdicts: unknown[] = [];
  for (let i = 0; i < 8; i++) {
    for (let j = 0; j < 8; j++) {
      const [publicKey, nonce] = [torsion(i).toBytes(), torsion(j).toBytes()];
      for (let attempt = 0; attempt < 64; attempt++) {
        const message = Uint8Array.of(attempt);
        const challenge = toBigint(sha512(concatBytes([nonce, publicKey, message]))) % ORDER;
        if ((BigInt(j) + challenge * BigInt(i)) % 8n !== 0n) continue;
        verdicts.push(verdict(publicKey, message, concatBytes([nonce, littleEndian(0n)])));
        break;
      }
    }
  }
  t.ok(verdicts.length > 20, "cases were found");
  t.strictSame(verdicts, Array(verdicts.length).fill(false));
});

t.test("isEd25519InputStrict: y from p to 2^255 − 1 refused in key and R, p − 2 allowed", async (t) => {
  const key = Point.BASE.toBytes();
  const signature = concatBytes([key, littleEndian(5n)]);
  t.ok(isEd25519InputStrict(key, signature));
  const withY = (y: bigint) => [
    isEd25519InputStrict(littleEndian(y), signature),
    isEd25519InputStrict(key, concatBytes([littleEndian(y), littleEndian(5n)])),
  ];
  const prime = 2n ** 255n - 19n;
  t.strictSame(withY(prime - 2n), [true, true]);
  for (let y = prime; y < 2n ** 255n; y++) t.strictSame([...withY(y), ...withY(y + 2n ** 255n)], [false, false, false, false]);
});

t.test("isEd25519InputStrict: S below L allowed, L and above refused", async (t) => {
  const key = Point.BASE.toBytes();
  const withS = (s: bigint) => isEd25519InputStrict(key, concatBytes([key, littleEndian(s)]));
  t.strictSame([0n, 1n, ORDER - 1n].map(withS), [true, true, true]);
  t.strictSame([ORDER, ORDER + 1n, 2n ** 253n, 2n ** 256n - 1n].map(withS), [false, false, false, false]);
});

t.test("verifyEd25519: S replaced by S + L, refused", async (t) => {
  const seed = new Uint8Array(32).fill(4);
  const message = Uint8Array.of(1, 2, 3);
  const signature = sodium.signEd25519(seed, message);
  const malleated = concatBytes([signature.subarray(0, 32), littleEndian(toBigint(signature.subarray(32)) + ORDER)]);
  t.equal(verdict(sodium.ed25519PublicKeyOf(seed), message, signature), true);
  t.equal(verdict(sodium.ed25519PublicKeyOf(seed), message, malleated), false);
});

t.test("verifyEd25519: wrong lengths of key and signature, refused without a throw", async (t) => {
  const seed = new Uint8Array(32).fill(5);
  const key = sodium.ed25519PublicKeyOf(seed);
  const signature = sodium.signEd25519(seed, Uint8Array.of(1));
  const keys = [new Uint8Array(0), key.subarray(0, 31), concatBytes([key, Uint8Array.of(0)])];
  const signatures = [new Uint8Array(0), signature.subarray(0, 63), concatBytes([signature, Uint8Array.of(0)])];
  t.strictSame(
    [
      ...keys.map((bytes) => verdict(bytes, Uint8Array.of(1), signature)),
      ...signatures.map((bytes) => verdict(key, Uint8Array.of(1), bytes)),
    ],
    Array(6).fill(false),
  );
});

t.test("signEd25519: a seed of another length, assertion", async (t) => {
  for (const suite of [sodium, noble]) {
    t.throws(() => suite.signEd25519(new Uint8Array(31), Uint8Array.of(1)), AssertionError);
    t.throws(() => suite.ed25519PublicKeyOf(new Uint8Array(64)), AssertionError);
  }
});

t.test("signEd25519: random seeds and messages, byte-identical and accepted; any flipped bit refused by both", async (t) => {
  const flips = fc.record({ part: fc.constantFrom("key", "message", "signature"), at: fc.nat(511) });
  holds(
    t,
    fc.property(bytesOf(32), fc.uint8Array({ minLength: 1, maxLength: 300 }), flips, (seed, message, { part, at }) => {
      const key = sodium.ed25519PublicKeyOf(seed);
      const signature = sodium.signEd25519(seed, message);
      if (toHex(noble.ed25519PublicKeyOf(seed)) !== toHex(key) || toHex(noble.signEd25519(seed, message)) !== toHex(signature))
        return false;
      const flipped = (bytes: Uint8Array, name: string) => (part === name ? flipBit(bytes, at % (8 * bytes.length)) : bytes);
      const altered = verdict(flipped(key, "key"), flipped(message, "message"), flipped(signature, "signature"));
      return verdict(key, message, signature) === true && altered === false;
    }),
    30,
  );
});

t.test("verifyEd25519: random bytes as key and signature, refused by both", async (t) => {
  holds(
    t,
    fc.property(
      fc.uint8Array({ maxLength: 33 }),
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 65 }),
      (...input) => verdict(...input) === false,
    ),
    100,
  );
  holds(
    t,
    fc.property(
      bytesOf(32),
      bytesOf(8),
      bytesOf(63),
      (key, message, start) => verdict(key, message, concatBytes([start, Uint8Array.of(0)])) === false,
    ),
    60,
  );
});

t.test("verifyEd25519: key, message and signature in shared memory, same verdict as private copies", async (t) => {
  const seed = new Uint8Array(32).fill(6);
  const message = Uint8Array.from({ length: 200 }, (_, index) => index);
  const shared = (bytes: Uint8Array): Uint8Array => {
    const view = new Uint8Array(new SharedArrayBuffer(bytes.length + 8), 8);
    view.set(bytes);
    return view;
  };
  const key = shared(sodium.ed25519PublicKeyOf(seed));
  for (const suite of [sodium, noble]) {
    const signature = suite.signEd25519(shared(seed), shared(message));
    t.equal(toHex(signature), toHex(sodium.signEd25519(seed, message)));
    t.equal(suite.verifyEd25519(key, shared(message), shared(signature)), true);
    t.equal(suite.verifyEd25519(key, shared(message), shared(flipBit(signature, 300))), false);
    t.equal(suite.verifyEd25519(key, shared(flipBit(message, 3)), shared(signature)), false);
  }
});
