/** What a genesis with sealed transactions asks for, and what a node makes of it at start. */

import t from "tap";
import { signEd25519, verifyEd25519 } from "../../crypto/ed25519_sodium.ts";
import { chainIdOf, validatorSetContext } from "../../crypto/hashes.ts";
import { DEFAULT_PARAMETERS } from "../../node/genesis_file.ts";
import { sealingOf } from "../../node/identity.ts";
import {
  createSealingOptions,
  requireSealable,
  sealingKeyInUse,
  sealingPublicKeyOf,
  sealingSecretKeyOf,
  takesSealed,
} from "../../node/sealing_setup.ts";
import { loadSealingSuite } from "../../node/sealing_suite.ts";
import { bytesEqual } from "../../types/bytes.ts";
import type { Genesis } from "../../types/genesis.ts";
import { Epoch, Height, TimestampMs, ValidatorIndex } from "../../types/ids.ts";
import type { KeyId } from "../../types/sealing.ts";

const suite = await loadSealingSuite();
const seedOf = (index: number) => new Uint8Array(32).fill(index + 1);

const genesis: Genesis = {
  name: "sealed",
  application: "ledger",
  timeMs: TimestampMs.of(1),
  epoch: Epoch.ZERO,
  parameters: { ...DEFAULT_PARAMETERS, sealingSuite: 1 },
  validators: [0, 1, 2, 3].map((index) => ({
    blsPublicKey: new Uint8Array(48).fill(index),
    blsPossession: new Uint8Array(96),
    ed25519PublicKey: `${index}`.repeat(64),
    sealingPublicKey: sealingPublicKeyOf(suite, seedOf(index)),
    weight: 1,
  })),
  assets: [],
  balances: [],
};
const withValidator = (index: number, change: Partial<Genesis["validators"][number]>): Genesis => ({
  ...genesis,
  validators: genesis.validators.map((validator, at) => (at === index ? { ...validator, ...change } : validator)),
});
const keysOf = (index: number) => ({ blsSecretKey: seedOf(9), ed25519Seed: seedOf(index), nodeSeed: seedOf(9) });

t.test("sealingSecretKeyOf: the same seed, the same key; another seed, another key", async (t) => {
  t.ok(bytesEqual(sealingSecretKeyOf(suite, seedOf(0)), sealingSecretKeyOf(suite, seedOf(0))));
  t.notOk(bytesEqual(sealingSecretKeyOf(suite, seedOf(0)), sealingSecretKeyOf(suite, seedOf(1))));
  t.notOk(bytesEqual(sealingSecretKeyOf(suite, seedOf(0)), suite.deriveSecretKey(seedOf(0))), "separated from other uses of the seed");
  t.ok(suite.isPublicKey(sealingPublicKeyOf(suite, seedOf(0))));
});

t.test("requireSealable: a genesis that could never have sealed transactions, each mistake is named", async (t) => {
  t.doesNotThrow(() => requireSealable(genesis, suite));
  t.doesNotThrow(() => requireSealable({ ...withValidator(1, { weight: 7 }), parameters: DEFAULT_PARAMETERS }, suite), "not asked for");
  const [first] = genesis.validators;
  const cases: [Genesis, RegExp][] = [
    [{ ...genesis, parameters: { ...genesis.parameters, sealingSuite: 7 } }, /sealingSuite 7 is not known; use 1, or 0/],
    [{ ...genesis, application: "null" }, /need the application "ledger"/],
    [withValidator(2, { weight: 2 }), /equal weights, and validators\[2\]/],
    [withValidator(3, { sealingPublicKey: new Uint8Array(32) }), /validators\[3\]\.sealingPublicKey is no valid sealing key/],
    [withValidator(3, { sealingPublicKey: new Uint8Array(32).fill(0xff) }), /validators\[3\]\.sealingPublicKey is no valid/],
    [
      withValidator(1, { sealingPublicKey: first?.sealingPublicKey ?? new Uint8Array(0) }),
      /validators\[1\] and validators\[0\] share a sealing key/,
    ],
  ];
  for (const [given, expected] of cases) t.throws(() => requireSealable(given, suite), { code: "usage", message: expected });
});

t.test("sealingOf: a chain without, undefined; an observer, no secret; another key in genesis, refused with what to do", async (t) => {
  const own = (index: number, seed = index) => ({ self: ValidatorIndex.of(index), keys: keysOf(seed), keyFile: "k.json" });
  t.equal(await sealingOf({ ...genesis, parameters: DEFAULT_PARAMETERS }, own(0)), undefined);
  t.notOk(takesSealed({ ...genesis, parameters: DEFAULT_PARAMETERS }));
  t.equal((await sealingOf(genesis, { ...own(0), self: undefined }))?.secretKey, undefined);
  t.same((await sealingOf(genesis, own(2)))?.secretKey, sealingSecretKeyOf(suite, seedOf(2)));
  await t.rejects(sealingOf(genesis, own(2, 3)), { code: "usage", message: /k\.json: genesis lists another sealing key for validator 2/ });
});

t.test("createSealingOptions: a validator deals at the start, an observer follows", async (t) => {
  const validators = validatorSetContext({ epoch: genesis.epoch, validators: genesis.validators });
  const domain = { chainId: chainIdOf(genesis), epoch: genesis.epoch, validatorSetHash: validators.hash };
  const make = (index: number | undefined) =>
    createSealingOptions({
      sealing: { suite, secretKey: index === undefined ? undefined : sealingSecretKeyOf(suite, seedOf(index)) },
      genesis,
      domain,
      self: index === undefined ? undefined : ValidatorIndex.of(index),
      ed25519Seed: seedOf(index ?? 0),
    });
  const { keygen, sign } = make(1);
  const due = keygen.due();
  t.match(due?.message, { message: { validator: 1, body: { kind: "deal" } } });
  t.same(due?.bytes, make(1).keygen.due()?.bytes, "a restart deals the same bytes");
  const signed = due === undefined ? undefined : keygen.signatureCheckOf(due.message);
  t.ok(signed !== undefined && signed.signature.length === 64);
  t.same(sign?.(Uint8Array.of(1)), signEd25519(seedOf(1), Uint8Array.of(1)));
  t.type(verifyEd25519, "function");
  t.equal(keygen.status.dealsNeeded, 3, "n − f");
  const observer = make(undefined);
  t.equal(observer.sign, undefined);
  t.equal(observer.keygen.due(), undefined);
});

t.test("sealingKeyInUse: nothing before the key is live or for another key; without our share where we hold none", async (t) => {
  const keyId = "a" as KeyId;
  const publicKey = Uint8Array.of(1);
  const live = { key: { keyId, publicKey, threshold: 3, shareKeys: [] }, activationHeight: Height.of(5) };
  const secretShare = Uint8Array.of(2);
  t.equal(sealingKeyInUse(undefined, keyId), undefined);
  t.equal(sealingKeyInUse({ live: undefined, secretShare: undefined }, keyId), undefined);
  t.equal(sealingKeyInUse({ live, secretShare }, "b" as KeyId), undefined);
  t.same(sealingKeyInUse({ live, secretShare }, keyId), { publicKey, secretShare });
  t.same(sealingKeyInUse({ live, secretShare: undefined }, keyId), { publicKey, secretShare: undefined });
});
