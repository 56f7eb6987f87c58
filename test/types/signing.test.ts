/** R13 and domain separation: changing any one thing that a signature is about changes the signed bytes. */

import fc from "fast-check";
import t from "tap";
import { bytesEqual, concatBytes, toHex } from "../../types/bytes.ts";
import { type BlockHash, type ChainId, Epoch, Height, type ValidatorSetHash, View } from "../../types/ids.ts";
import { ballotSigningBytes, proposalSigningBytes, type SigningDomain, TAGS, transactionSigningBytes } from "../../types/signing.ts";
import type { Ballot } from "../../types/vote.ts";
import { ballots } from "../support/arbitraries.ts";
import { holds } from "../support/property.ts";

const domain: SigningDomain = {
  chainId: "11".repeat(32) as ChainId,
  epoch: Epoch.of(1),
  validatorSetHash: "22".repeat(32) as ValidatorSetHash,
};
const ballot: Ballot = {
  kind: "vote",
  epoch: Epoch.of(1),
  view: View.of(7),
  height: Height.of(5),
  blockHash: "33".repeat(32) as BlockHash,
};

t.test("TAGS: 16 bytes each, all different, none another's beginning", async (t) => {
  const tags = Object.values(TAGS);
  t.ok(tags.every((tag) => tag.length === 16));
  t.equal(new Set(tags.map((tag) => toHex(tag))).size, tags.length);
});

t.test("ballotSigningBytes: R13, another chain, epoch, set, view, kind, height or block, other bytes", async (t) => {
  const original = toHex(ballotSigningBytes(domain, ballot));
  const changed = [
    ballotSigningBytes({ ...domain, chainId: "44".repeat(32) as ChainId }, ballot),
    ballotSigningBytes({ ...domain, epoch: Epoch.of(2) }, ballot),
    ballotSigningBytes({ ...domain, validatorSetHash: "44".repeat(32) as ValidatorSetHash }, ballot),
    ballotSigningBytes(domain, { ...ballot, view: View.of(8) }),
    ballotSigningBytes(domain, { ...ballot, kind: "commit" }),
    ballotSigningBytes(domain, { ...ballot, kind: "timeout" }),
    ballotSigningBytes(domain, { ...ballot, height: Height.of(6) }),
    ballotSigningBytes(domain, { ...ballot, blockHash: "44".repeat(32) as BlockHash }),
  ].map((bytes) => toHex(bytes));
  t.equal(new Set([original, ...changed]).size, changed.length + 1);
});

t.test("ballotSigningBytes: any two ballots, the same 136 bytes exactly when they are the same ballot", async (t) => {
  const property = fc.property(ballots, ballots, (left, right) => {
    const [first, second] = [ballotSigningBytes(domain, left), ballotSigningBytes(domain, right)];
    // The epoch under the signature is the domain's, not the ballot's.
    const isSame =
      left.kind === right.kind && left.view === right.view && left.height === right.height && left.blockHash === right.blockHash;
    return first.length === 136 && bytesEqual(first, second) === isSame;
  });
  holds(t, property, 200);
});

t.test("proposalSigningBytes: R13, another view, block or domain, other bytes; never a ballot's", async (t) => {
  const variants = [
    proposalSigningBytes(domain, ballot.view, ballot.blockHash),
    proposalSigningBytes(domain, View.of(8), ballot.blockHash),
    proposalSigningBytes(domain, ballot.view, "44".repeat(32) as BlockHash),
    proposalSigningBytes({ ...domain, epoch: Epoch.of(2) }, ballot.view, ballot.blockHash),
    proposalSigningBytes({ ...domain, chainId: "44".repeat(32) as ChainId }, ballot.view, ballot.blockHash),
    proposalSigningBytes({ ...domain, validatorSetHash: "44".repeat(32) as ValidatorSetHash }, ballot.view, ballot.blockHash),
    ballotSigningBytes(domain, ballot),
  ];
  t.equal(new Set(variants.map((bytes) => toHex(bytes))).size, variants.length);
});

t.test("transactionSigningBytes: the tag in front of the payload", async (t) => {
  holds(
    t,
    fc.property(fc.uint8Array({ maxLength: 50 }), (payload) =>
      bytesEqual(transactionSigningBytes(payload), concatBytes([TAGS.transaction, payload])),
    ),
    20,
  );
});
