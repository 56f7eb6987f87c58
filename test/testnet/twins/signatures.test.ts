/** Remembered signatures still tell what was signed, by whom, from what was not. */

import t from "tap";
import { blsPublicKeyOf, createRememberedSignatures, ed25519PublicKeyOf } from "../../../testnet/twins/signatures.ts";
import { asciiBytes } from "../../../types/bytes.ts";

const [YES, NO] = [asciiBytes("yes"), asciiBytes("no")];

t.test("createRememberedSignatures: a signature holds for its signer and message alone", async (t) => {
  const { bls, verifyEd25519, sign } = createRememberedSignatures();
  const signature = sign(1, YES);
  t.ok(bls.verify(blsPublicKeyOf(1), YES.slice(), signature));
  t.ok(verifyEd25519(ed25519PublicKeyOf(1), YES, signature));
  t.notOk(bls.verify(blsPublicKeyOf(2), YES, signature), "another signer");
  t.notOk(bls.verify(blsPublicKeyOf(1), NO, signature), "another message");
  t.notOk(bls.verify(blsPublicKeyOf(1), YES, Uint8Array.of(9, 0, 0, 0)), "nothing was signed under this name");
});

t.test("createRememberedSignatures: an aggregate holds for exactly its signers and their one message", async (t) => {
  const { bls, sign } = createRememberedSignatures();
  const keys = [0, 1, 2].map(blsPublicKeyOf);
  const aggregate = bls.aggregate([0, 1, 2].map((validator) => sign(validator, YES))) as Uint8Array;
  t.ok(bls.verifyAggregate(keys, YES, aggregate));
  t.notOk(bls.verifyAggregate(keys.slice(1), YES, aggregate), "a signer too few");
  t.notOk(bls.verifyAggregate([...keys, blsPublicKeyOf(3)], YES, aggregate), "a signer too many");
  t.notOk(bls.verifyAggregate(keys, NO, aggregate), "another message");
  t.notOk(bls.verifyAggregate([], YES, aggregate));
  t.equal(bls.aggregate([]), undefined);
  t.equal(bls.aggregate([sign(0, YES), sign(1, NO)]), undefined, "two messages");
  t.equal(bls.aggregate([sign(0, YES), sign(0, YES)]), undefined, "one signer twice");
});

t.test("forget: signatures of the scenario before mean nothing", async (t) => {
  const { bls, sign, forget } = createRememberedSignatures();
  const signature = sign(0, YES);
  forget();
  t.notOk(bls.verify(blsPublicKeyOf(0), YES, signature));
});
