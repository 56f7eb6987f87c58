/** fast-check arbitraries of key generation messages: any bytes of the right lengths; nothing in them has to be a point. */

import fc from "fast-check";
import { type ChainId, Epoch, ValidatorIndex } from "../../types/ids.ts";
import type { KeygenBody, KeygenMessage, SignedKeygenMessage } from "../../types/keygen.ts";
import { VALIDATORS_MAX } from "../../types/limits.ts";
import { type KeyId, SEALING_SIZES } from "../../types/sealing.ts";
import { bytesOf, hashes } from "./arbitraries.ts";

const indices = fc.nat(VALIDATORS_MAX - 1).map(ValidatorIndex.of);
const points = bytesOf(SEALING_SIZES.point);

const deals: fc.Arbitrary<KeygenBody> = fc
  .record({
    commitments: fc.array(points, { maxLength: 4 }),
    ephemeral: points,
    sealedShares: fc.array(bytesOf(SEALING_SIZES.scalar), { maxLength: 4 }),
    proof: bytesOf(SEALING_SIZES.dealProof),
  })
  .map((deal) => ({ kind: "deal", deal: { ...deal } }));

const complaints: fc.Arbitrary<KeygenBody> = fc
  .uniqueArray(fc.tuple(indices, points, bytesOf(SEALING_SIZES.proof)), { minLength: 1, maxLength: 3, selector: ([dealer]) => dealer })
  .map((entries) => ({
    kind: "complaint",
    complaints: entries
      .toSorted(([left], [right]) => left - right)
      .map(([dealer, sharedPoint, proof]) => ({ dealer, disclosure: { sharedPoint, proof } })),
  }));

export const keygenMessages: fc.Arbitrary<KeygenMessage> = fc.record(
  {
    chainId: hashes<ChainId>(),
    epoch: fc.maxSafeInteger().map((value) => Epoch.of(Math.abs(value))),
    previousKeyId: hashes<KeyId>(),
    round: fc.nat(2 ** 16 - 1),
    validator: indices,
    body: fc.oneof(
      deals,
      complaints,
      fc.nat(0).map((): KeygenBody => ({ kind: "ack" })),
    ),
  },
  { noNullPrototype: true },
);

export const signedKeygenMessages: fc.Arbitrary<SignedKeygenMessage> = fc
  .tuple(keygenMessages, bytesOf(64))
  .map(([message, signature]) => ({ message, signature }));
