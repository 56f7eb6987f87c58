/** Framing: a frame proves itself against any single change; a scan proves order; a torn tail is told from damage. */

import fc from "fast-check";
import t from "tap";
import { checksumIn, containsFrame, decodeFrame, FRAME_PAYLOAD_BYTES_MAX, FRAME_TYPES, frameHeader } from "../../storage/frame.ts";
import { decodeFinality, decodeJournalFrame, encodeFinality, encodeJournalFrame, FINALITY_BYTES } from "../../storage/journal_codec.ts";
import { BLOCK_SHARES_BYTES_MAX } from "../../storage/limits.ts";
import { decodeOperation, encodeOperation, operationsEqual } from "../../storage/operation_codec.ts";
import { concatBytes } from "../../types/bytes.ts";
import { Height, ValidatorIndex } from "../../types/ids.ts";
import { BLOCK_OPENINGS_MAX } from "../../types/limits.ts";
import { FAILED_SHARES_MAX } from "../../types/opening_message.ts";
import type { Opening } from "../../types/sealing.ts";
import * as fixtures from "./fixtures.ts";

function frameOf(payload: Uint8Array, previous = new Uint8Array(16)): Uint8Array {
  return concatBytes([frameHeader({ type: FRAME_TYPES.save, previous, parts: [payload] }), payload]);
}

t.test("decodeFrame: gives back what frameHeader sealed, however the payload was split", async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      (parts, previous) => {
        const header = frameHeader({ type: FRAME_TYPES.block, previous, parts });
        const decoded = decodeFrame(concatBytes([header, ...parts]));
        if (typeof decoded === "string") return false;
        t.same(
          [decoded.type, decoded.previous, decoded.checksum, decoded.payload],
          [FRAME_TYPES.block, previous, checksumIn(header), concatBytes(parts)],
        );
        return true;
      },
    ),
    { numRuns: 50 },
  );
});

t.test("decodeFrame: any single bit flips, or any byte is missing or added, is damaged", async (t) => {
  const bytes = frameOf(fixtures.bytesOf("payload", 33));
  const verdicts = new Set<unknown>();
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const harmed = bytes.slice();
    harmed[bit >> 3] = (harmed[bit >> 3] as number) ^ (1 << (bit & 7));
    verdicts.add(decodeFrame(harmed));
  }
  for (let length = 0; length < bytes.length; length++) verdicts.add(decodeFrame(bytes.subarray(0, length)));
  verdicts.add(decodeFrame(concatBytes([bytes, new Uint8Array(1)])));
  t.same([...verdicts], ["damaged"]);
});

t.test("containsFrame: finds a whole frame behind any garbage, and none in a part of one", async (t) => {
  const bytes = frameOf(fixtures.bytesOf("payload", 20));
  for (const garbage of [0, 1, 3, 4, 43, 44, 100]) {
    t.equal(containsFrame(concatBytes([bytes.subarray(0, Math.min(garbage, bytes.length - 1)), bytes])), true);
    t.equal(containsFrame(concatBytes([new Uint8Array(garbage), bytes.subarray(0, bytes.length - 1)])), false);
    t.equal(containsFrame(concatBytes([new Uint8Array(garbage), bytes.subarray(1)])), false);
  }
});

t.test("decodeJournalFrame: gives back what was encoded; cut short or longer, is malformed", async (t) => {
  const place = { segment: 3, offset: 2 ** 40 + 5, length: 77 };
  const end = { segment: 1, length: 2 ** 33 };
  const frame = {
    sequence: 2 ** 35 + 1,
    positions: { blocks: end, evidence: end, finality: end, operations: end, operationHeight: Height.of(9) },
    oldestHeight: Height.of(1),
    change: {
      records: [fixtures.committedRecord(3), fixtures.timedOutRecord(4)],
      finality: [{ entry: fixtures.finalityOf(2), block: place }],
      blocks: [{ blockHash: fixtures.blockHashOf(3), height: Height.of(3), location: place }],
      shares: [fixtures.sharesOf(3), { ...fixtures.sharesOf(4, 1), shares: fixtures.bytesOf("many", BLOCK_SHARES_BYTES_MAX) }],
    },
  };
  const bytes = encodeJournalFrame(frame);
  t.same(decodeJournalFrame(bytes), frame);
  for (let length = 1; length < bytes.length; length += length < 2_000 ? 1 : 997)
    if (decodeJournalFrame(bytes.subarray(0, length)) !== "malformed") t.fail(`length ${length}`);
  t.equal(decodeJournalFrame(concatBytes([bytes, new Uint8Array(1)])), "malformed");
  for (const version of [1, 9]) t.equal(decodeJournalFrame(concatBytes([Uint8Array.of(version), bytes.subarray(1)])), "unknownVersion");
  const tooMany = { ...frame.change, shares: [{ ...fixtures.sharesOf(3), shares: new Uint8Array(BLOCK_SHARES_BYTES_MAX + 1) }] };
  t.equal(decodeJournalFrame(encodeJournalFrame({ ...frame, change: tooMany })), "malformed");
});

t.test("decodeFinality: gives back what was encoded, in a fixed number of bytes", async (t) => {
  const stored = { entry: fixtures.finalityOf(5), block: { segment: 1, offset: 2, length: 3 } };
  t.equal(encodeFinality(stored).length, FINALITY_BYTES);
  t.same(decodeFinality(encodeFinality(stored)), stored);
  t.equal(decodeFinality(encodeFinality(stored).subarray(1)), undefined);
});

t.test("decodeOperation: gives back what was encoded; anything else is undefined", async (t) => {
  for (const height of [6, 8]) {
    for (const count of [0, 1, 7]) {
      const entry = fixtures.operationOf(height, count);
      t.equal(entry.openings.length, height === 8 ? 2 : 0);
      const bytes = encodeOperation(entry);
      t.same(decodeOperation(bytes), entry);
      for (let length = 0; length < bytes.length; length++)
        if (decodeOperation(bytes.subarray(0, length)) !== undefined) t.fail(`length ${length}`);
      t.equal(decodeOperation(concatBytes([bytes, new Uint8Array(1)])), undefined);
      t.equal(decodeOperation(concatBytes([Uint8Array.of(2), bytes.subarray(1)])), undefined, "the version before");
    }
  }
});

t.test("decodeOperation: an opening of an unknown type, or a share of no validator, is undefined", async (t) => {
  const openings = fixtures.openingsOf(1, [127]);
  const bytes = encodeOperation({ ...fixtures.operationOf(1), openings });
  const failedAt = bytes.length - (1 + 2 + 2 + 32 + 64);
  const changed = (offset: number, value: number): Uint8Array => bytes.with(offset, value);
  t.same(decodeOperation(changed(failedAt, 2))?.openings, openings);
  t.equal(decodeOperation(changed(failedAt, 3)), undefined);
  t.equal(decodeOperation(changed(failedAt + 3, 128)), undefined);
});

t.test("encodeOperation: the largest failed lane with a bundle that failed too, fits a frame", async (t) => {
  const shares = Array.from({ length: FAILED_SHARES_MAX }, (_, index) => ({
    validator: ValidatorIndex.of(index),
    share: new Uint8Array(32),
    proof: new Uint8Array(64),
  }));
  const openings = Array.from({ length: BLOCK_OPENINGS_MAX }, () => ({ type: "failed", shares }) as const);
  const bytes = encodeOperation({ ...fixtures.operationOf(1), openings });
  t.ok(bytes.length < FRAME_PAYLOAD_BYTES_MAX / 2, `${bytes.length} bytes`);
});

t.test("operationsEqual: everything counts but which shares prove a failure", async (t) => {
  const entry = fixtures.operationOf(6);
  const opened = (openings: readonly Opening[]) => ({ ...entry, openings });
  t.equal(operationsEqual(entry, fixtures.operationOf(6)), true);
  t.equal(operationsEqual(entry, fixtures.operationOf(6, 3)), false);
  const [seed, failed] = fixtures.openingsOf(6) as readonly [Opening, Opening];
  const [otherSeed] = fixtures.openingsOf(7) as readonly [Opening];
  const [, provenByOthers] = fixtures.openingsOf(6, [4, 5, 6]) as readonly [Opening, Opening];
  t.equal(operationsEqual(opened([seed, failed]), opened([seed, failed])), true);
  t.equal(operationsEqual(opened([seed, failed]), opened([seed, provenByOthers])), true);
  t.equal(operationsEqual(opened([seed, failed]), opened([otherSeed, failed])), false);
  t.equal(operationsEqual(opened([seed, failed]), opened([failed, seed])), false);
  t.equal(operationsEqual(opened([seed, failed]), opened([seed])), false);
  t.equal(operationsEqual(opened([failed]), entry), false);
});
