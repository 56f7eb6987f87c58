/** What the messages of opening refuse beyond the rules of every codec (codec.test.ts): positions out of order, lists that do not match, shares
 *  of one validator twice, lanes with gaps; and that each may be as large as a whole lane needs. */

import t from "tap";
import { type BlockHash, ValidatorIndex } from "../../types/ids.ts";
import { BLOCK_OPENINGS_MAX, FRAME_BYTES_MAX, VALIDATORS_MAX } from "../../types/limits.ts";
import { encodeMessage } from "../../types/message.ts";
import {
  BLOCK_OPENINGS_BYTES_MAX,
  decodeSealingMessage,
  encodeSealingMessage,
  FAILED_SHARES_MAX,
  openingBytesOf,
  openingsCodec,
  SEEDS_BYTES_MAX,
  type SealingMessage,
  seedsMessageCodec,
  storedSharesCodec,
} from "../../types/opening_message.ts";
import type { Opening, ProvenShare } from "../../types/sealing.ts";

const blockHash = "5".repeat(64) as BlockHash;
const share = new Uint8Array(32).fill(7);
const proof = new Uint8Array(64).fill(8);
const proven = (validator: number): ProvenShare => ({ validator: ValidatorIndex.of(validator), share, proof });
const seed: Opening = { type: "seed", seed: share };
const failedBy = (validators: readonly number[]): Opening => ({ type: "failed", shares: validators.map(proven) });
const everyPosition = Array.from({ length: BLOCK_OPENINGS_MAX }, (_, position) => position);

const shares = (positions: readonly number[]): SealingMessage => ({
  type: "shares",
  blockHash,
  shares: positions.map((position) => ({ position, share })),
});
const seeds = (openings: readonly (readonly [number, Opening])[]): SealingMessage => ({
  type: "seeds",
  blockHash,
  openings: openings.map(([position, opening]) => ({ position, opening })),
});
const proofs = (batches: readonly (readonly number[])[]): SealingMessage => ({
  type: "proofs",
  blockHash,
  batches: batches.map((positions) => ({ shares: positions.map((position) => ({ position, share })), proof })),
});
const request = (positions: readonly number[]): SealingMessage => ({ type: "openingRequest", blockHash, positions });
const proofRequest = (positions: readonly number[]): SealingMessage => ({ type: "proofRequest", blockHash, positions, isSeparate: true });

const reasonOf = (message: SealingMessage): string => {
  const decoded = decodeSealingMessage(encodeSealingMessage(message));
  return decoded.ok ? "ok" : decoded.reason;
};

t.test("decodeSealingMessage: positions that are none, repeated, descending or beyond a lane, nonCanonical", async (t) => {
  for (const make of [shares, request, proofRequest, (positions: readonly number[]) => proofs([positions])]) {
    t.equal(reasonOf(make([0, 5, BLOCK_OPENINGS_MAX - 1])), "ok");
    for (const positions of [[], [1, 1], [2, 1], [BLOCK_OPENINGS_MAX]])
      t.equal(reasonOf(make(positions)), "nonCanonical", positions.join());
  }
});

t.test("decodeSealingMessage: seeds, each position once, in any mixture of seeds and failures", async (t) => {
  const failed = failedBy([0, 1]);
  t.equal(
    reasonOf(
      seeds([
        [0, failed],
        [1, seed],
        [2, failed],
        [3, seed],
      ]),
    ),
    "ok",
  );
  for (const wrong of [
    [],
    [
      [1, seed],
      [1, seed],
    ],
    [
      [1, seed],
      [1, failed],
    ],
    [
      [1, failed],
      [0, failed],
    ],
    [
      [1, seed],
      [0, seed],
    ],
  ] as const) {
    t.equal(reasonOf(seeds(wrong)), "nonCanonical");
  }
});

t.test("decodeSealingMessage: failures, shares by ascending validator, at least one, validators within the largest set", async (t) => {
  t.equal(reasonOf(seeds([[0, failedBy([0, VALIDATORS_MAX - 1])]])), "ok");
  for (const validators of [[], [1, 1], [1, 0], [VALIDATORS_MAX]]) {
    t.equal(reasonOf(seeds([[0, failedBy(validators)]])), "nonCanonical", validators.join());
  }
});

t.test("decodeSealingMessage: batches of proofs, ascending by first position, no position in two", async (t) => {
  t.equal(reasonOf(proofs([[0, 9], [1, 2], [3]])), "ok");
  for (const batches of [[], [[1], [0]], [[0, 1], [1]], [[0], [0]]]) t.equal(reasonOf(proofs(batches)), "nonCanonical");
});

t.test("decodeSealingMessage: empty and unknown kinds", async (t) => {
  t.same(decodeSealingMessage(new Uint8Array(0)), { ok: false, reason: "empty" });
  for (const kind of [0, 7, 255]) t.same(decodeSealingMessage(Uint8Array.of(kind, 1, 2)), { ok: false, reason: "unknownType" });
  t.same(decodeSealingMessage(Uint8Array.of(1)), { ok: false, reason: "empty" });
});

t.test("encodeSealingMessage: a whole lane, within a frame", async (t) => {
  const separate = proofs(everyPosition.map((position) => [position]));
  for (const message of [
    shares(everyPosition),
    seeds(everyPosition.map((position) => [position, seed])),
    request(everyPosition),
    separate,
  ]) {
    t.ok(encodeMessage(message).length <= FRAME_BYTES_MAX, message.type);
    t.equal(reasonOf(message), "ok");
  }
});

t.test("openingBytesOf: never less than an opening takes, and SEEDS_BYTES_MAX of them fit a message", async (t) => {
  const failed = failedBy(Array.from({ length: FAILED_SHARES_MAX }, (_, index) => index));
  for (const opening of [seed, failed, failedBy([3])]) {
    const count = Math.min(BLOCK_OPENINGS_MAX, Math.floor(SEEDS_BYTES_MAX / openingBytesOf(opening)));
    const openings = everyPosition.slice(0, count).map((position) => ({ position, opening }));
    const bytes = seedsMessageCodec.encode({ type: "seeds", blockHash, openings });
    t.ok(bytes.length <= 64 + count * openingBytesOf(opening));
  }
});

t.test("openingsCodec: whole lanes only, up to one that failed everywhere", async (t) => {
  const failed = failedBy(Array.from({ length: FAILED_SHARES_MAX }, (_, index) => index));
  const worst = openingsCodec.encode(everyPosition.map(() => failed));
  t.ok(worst.length <= BLOCK_OPENINGS_BYTES_MAX);
  const decoded = openingsCodec.decode(openingsCodec.encode([failed, seed, failed]));
  t.same(decoded, { ok: true, value: [failed, seed, failed] });
  t.same(openingsCodec.decode(openingsCodec.encode([])), { ok: true, value: [] });
  const message = { type: "seeds", blockHash, openings: [{ position: 1, opening: seed }] } as const;
  // The fields of the message behind its block hash, with offsets that are smaller by the hash.
  const gap = seedsMessageCodec.encode(message);
  const bytes = Uint8Array.of(1, ...gap.subarray(33));
  for (const offset of [1, 5, 9]) bytes[offset] = (bytes[offset] as number) - 32;
  t.same(openingsCodec.decode(bytes), { ok: false, reason: "nonCanonical" }, "position 0 is missing");
});

t.test("storedSharesCodec: no shares or a broken one, nonCanonical", async (t) => {
  t.same(storedSharesCodec.decode(storedSharesCodec.encode([share, share])), { ok: true, value: [share, share] });
  for (const length of [0, 31, 33])
    t.same(storedSharesCodec.decode(new Uint8Array(1 + length).fill(1)), { ok: false, reason: "nonCanonical" });
});
