/** C1, C6: a key is believed when a commit certificate of the validators names it, and each way of showing another one has its reason.
 *  Real BLS throughout. */

import t from "tap";
import type { KeyProof } from "../../client/answers.ts";
import { genesisAnswerOf, genesisOf, validatorsOf } from "../../client/genesis.ts";
import { type KeyProofFlaw, verifyKeyProof } from "../../client/key_proof.ts";
import { chainIdOf } from "../../crypto/hashes.ts";
import { keyIdOf } from "../../crypto/sealing/key_id.ts";
import { genesisToJson } from "../../node/genesis_file.ts";
import { type AccountId, type BidHash, type BlockHash, type ChainId, Epoch, Height, View } from "../../types/ids.ts";
import type { KeyId, SealingKey } from "../../types/sealing.ts";
import { Signers } from "../../types/validator_set.ts";
import { certificateCodec } from "../../types/vote.ts";
import { certify, genesisWith, header, keyProof, sealingKey, suite } from "./fake_node.ts";

const genesis = genesisWith(["0a".repeat(32) as AccountId]);
const trust = { chainId: chainIdOf(genesis), validators: validatorsOf(genesis) };
const proof = keyProof(genesis);

/** Another key with a name of its own, as an impostor has it. */
function keyWith(change: Partial<SealingKey>): SealingKey {
  const parts = { ...sealingKey, ...change };
  return { ...parts, keyId: keyIdOf({ ...parts, suite: suite.suite }) };
}

/** A proof by a header that names `key`, certified by everybody: only what is wrong with the key itself can be found. */
function certified(key: SealingKey): KeyProof {
  return { ...keyProof(genesis, header({ keyId: key.keyId })), key };
}

const signers = [0, 1, 2, 3];
const tooFew = certify(genesis, header(), { signers: [1, 2] });
const stretched = { ...tooFew, signers: Signers.of([0, 1, 2].map((index) => index as never)) };
const outside = { ...tooFew, signers: Signers.of([1, 2, 3, 9].map((index) => index as never)) };

const ROWS: readonly (readonly [KeyProofFlaw, string, KeyProof])[] = [
  ["otherKey", "Y is another", { ...proof, key: { ...sealingKey, publicKey: sealingKey.shareKeys[0] as Uint8Array } }],
  ["otherKey", "one share key is another", { ...proof, key: { ...sealingKey, shareKeys: [...sealingKey.shareKeys].reverse() } }],
  ["otherKey", "the suite is another", { ...proof, suite: 2 }],
  ["wrongThreshold", "two shares open", certified(keyWith({ threshold: 2 }))],
  ["wrongThreshold", "all shares are needed", certified(keyWith({ threshold: 4 }))],
  ["malformedKey", "a share is missing", certified(keyWith({ shareKeys: sealingKey.shareKeys.slice(1) }))],
  ["malformedKey", "a point is too short", certified(keyWith({ publicKey: new Uint8Array(31) }))],
  ["malformedHeader", "the header has a byte more", { ...proof, header: Uint8Array.of(...proof.header, 0) }],
  ["otherKeyInHeader", "the header names none", keyProof(genesis, header({ keyId: "00".repeat(32) as KeyId }))],
  ["malformedCertificate", "the certificate is cut", { ...proof, certificate: proof.certificate.slice(1) }],
  ["notCommit", "it is a QC", keyProof(genesis, header(), certify(genesis, header(), { signers, ballot: { kind: "vote" } }))],
  [
    "otherBlock",
    "it certifies another block",
    keyProof(genesis, header(), certify(genesis, header({ height: Height.of(13) }), { signers })),
  ],
  [
    "otherBlock",
    "its view is another",
    keyProof(genesis, header(), certify(genesis, header(), { signers, ballot: { view: View.of(15) } })),
  ],
  [
    "otherBlock",
    "its block hash is another",
    keyProof(genesis, header(), certify(genesis, header(), { signers, ballot: { blockHash: "12".repeat(32) as BlockHash } })),
  ],
  ["wrongEpoch", "header and ballot are of a later epoch", keyProof(genesis, header({ epoch: Epoch.of(3) }))],
  ["noQuorum", "two of four signed", keyProof(genesis, header(), tooFew)],
  ["noQuorum", "a signer is no validator", keyProof(genesis, header(), outside)],
  ["badSignature", "a third signer is made up", keyProof(genesis, header(), stretched)],
];

t.test("C1: verifyKeyProof: a key that three of four certified is believed, with the header that says when it was live", async (t) => {
  const result = verifyKeyProof(proof, trust);
  t.match(result, { ok: true, key: { keyId: sealingKey.keyId }, header: { height: 12 } });
  t.equal(verifyKeyProof(keyProof(genesis, header(), certify(genesis, header(), { signers })), trust).ok, true);
});

t.test("C1: verifyKeyProof: the header of a block that a builder built proves the key; one of another version does not", async (t) => {
  const built = header({ bidHash: "b1".repeat(32) as BidHash, bundleCount: 1 });
  t.match(verifyKeyProof(keyProof(genesis, built), trust), { ok: true, header: { bidHash: built.bidHash, bundleCount: 1 } });
  t.strictSame(verifyKeyProof({ ...keyProof(genesis), header: keyProof(genesis, built).header }, trust), {
    ok: false,
    reason: "otherBlock",
  });
  const older = Uint8Array.of(2, ...proof.header.subarray(1));
  t.equal(proof.header[0], 3);
  t.strictSame(verifyKeyProof({ ...proof, header: older }, trust), { ok: false, reason: "malformedHeader" });
});

for (const [reason, when, given] of ROWS) {
  t.test(`C1: verifyKeyProof: ${reason}: ${when}`, async (t) => {
    t.strictSame(verifyKeyProof(given, trust), { ok: false, reason });
  });
}

t.test("C6: verifyKeyProof: a certificate of another chain or of other validators is no certificate", async (t) => {
  const foreign = { ...trust, chainId: "77".repeat(32) as ChainId };
  t.strictSame(verifyKeyProof(proof, foreign), { ok: false, reason: "badSignature" });
  const reversed = { ...genesis, validators: [...genesis.validators].reverse() };
  t.strictSame(verifyKeyProof(proof, { ...trust, validators: validatorsOf(reversed) }), { ok: false, reason: "badSignature" });
});

t.test("C1: verifyKeyProof: any changed byte of header or certificate is found", async (t) => {
  const bls = { verifyAggregate: () => true };
  const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
  const headers = Array.from(proof.header, (_, at) => verifyKeyProof({ ...proof, header: flip(proof.header, at) }, { ...trust, bls }));
  t.equal(headers.filter(({ ok }) => ok).length, 0, "by its hash, before any signature");
  const signature = flip(proof.certificate, proof.certificate.length - 1);
  t.strictSame(verifyKeyProof({ ...proof, certificate: signature }, trust), { ok: false, reason: "badSignature" });
  t.equal(certificateCodec.decode(signature).ok, true);
});

t.test("C6: genesisAnswerOf: takes what nodes and files write, and nothing that has another chain id", async (t) => {
  const written: unknown = JSON.parse(JSON.stringify(genesisToJson(genesis)));
  const chainId = chainIdOf(genesis);
  t.strictSame(genesisAnswerOf({ chainId, genesis: written }), { chainId, genesis });
  t.equal(genesisAnswerOf({ chainId: "77".repeat(32), genesis: written }), undefined);
  const cheaper = { ...genesisToJson(genesis), parameters: { ...genesis.parameters, feePerOperation: 0 } };
  t.equal(genesisAnswerOf({ chainId, genesis: cheaper }), undefined);
});

t.test("C4: genesisOf: a missing field, a wrong type or a value out of range is undefined", async (t) => {
  const written = genesisToJson(genesis);
  const rows: readonly unknown[] = [
    null,
    [],
    "genesis",
    {},
    { ...written, name: "" },
    { ...written, epoch: -1 },
    { ...written, timeMs: "1" },
    { ...written, validators: [] },
    { ...written, validators: [{ ...written.validators[0], weight: 0 }] },
    { ...written, validators: [{ ...written.validators[0], blsPublicKey: "00" }] },
    { ...written, parameters: { ...written.parameters, keygenWindowMs: 2 ** 32 } },
    { ...written, parameters: { ...written.parameters, builderBondMin: 5 } },
    { ...written, parameters: { ...written.parameters, builderBondMin: (2n ** 128n).toString() } },
    { ...written, parameters: undefined },
    { ...written, balances: [{ account: "0".repeat(64), asset: 1, amount: 5 }] },
    { ...written, assets: [{ asset: 1, decimals: 256, issuer: "0".repeat(64) }] },
  ];
  t.strictSame(
    rows.map((row) => genesisOf(row)),
    rows.map(() => undefined),
  );
});
