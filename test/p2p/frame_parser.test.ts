/** Frames out of arbitrary chunks, against the simplest second version: join everything, then cut. */

import fc from "fast-check";
import t from "tap";
import { createFrameParser } from "../../p2p/frame_parser.ts";
import { CONTROL_PING, CONTROL_PONG, controlFrame, FRAME_HEADER_BYTES, frameBytesMax, lengthPrefixed, tokenBytes } from "../../p2p/wire.ts";
import { bytesEqual, concatBytes } from "../../types/bytes.ts";
import { encodeMessage } from "../../types/message.ts";
import { voteMessage } from "./support.ts";

const KNOWN_TYPES = [1, 2, 3, 4, 128, 129, 130];

/** Bodies within the bound of their type. */
const body = fc
  .constantFrom(...KNOWN_TYPES)
  .chain((type) =>
    fc.uint8Array({ maxLength: Math.min(400, (frameBytesMax(type) ?? 1) - 1) }).map((rest) => concatBytes([Uint8Array.of(type), rest])),
  );

function cut(bytes: Uint8Array, points: readonly number[]): Uint8Array[] {
  const edges = [0, ...points.map((point) => point % (bytes.length + 1)), bytes.length].sort((left, right) => left - right);
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

t.test("createFrameParser: any split of a stream, the same frames", async (t) => {
  const property = fc.property(fc.array(body, { maxLength: 8 }), fc.array(fc.nat(5_000), { maxLength: 20 }), (bodies, points) => {
    const stream = concatBytes(bodies.map(lengthPrefixed));
    const parser = createFrameParser();
    const parsed: Uint8Array[] = [];
    for (const chunk of cut(stream, points)) {
      if (parser.push(chunk, (frame) => parsed.push(frame.slice())) !== undefined) return false;
    }
    return (
      parser.bufferedBytes === 0 && parsed.length === bodies.length && parsed.every((frame, i) => bytesEqual(frame, bodies[i] ?? frame))
    );
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
});

t.test("createFrameParser: hostile bytes, never throws and never holds more than it received", async (t) => {
  const property = fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 30 }), (chunks) => {
    const parser = createFrameParser();
    let received = 0;
    for (const chunk of chunks) {
      received += chunk.length;
      if (parser.push(chunk, () => undefined) !== undefined) return true;
      if (parser.bufferedBytes > received) return false;
    }
    return true;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1_000 }));
});

t.test("createFrameParser: length beyond the type's bound, refused at the fifth byte with nothing buffered", async (t) => {
  for (const type of KNOWN_TYPES) {
    const header = new Uint8Array(FRAME_HEADER_BYTES + 1);
    new DataView(header.buffer).setUint32(0, (frameBytesMax(type) ?? 0) + 1, true);
    header[FRAME_HEADER_BYTES] = type;
    const parser = createFrameParser();
    t.equal(
      parser.push(header, () => t.fail("no frame")),
      "oversize",
      `type ${type}`,
    );
    t.ok(parser.bufferedBytes <= header.length);
  }
});

t.test("createFrameParser: unknown type and empty frame, refused", async (t) => {
  const empty = createFrameParser().push(new Uint8Array(4), () => t.fail("no frame"));
  t.equal(empty, "empty");
  for (const type of [0, 7, 127, 131, 255]) {
    t.equal(
      createFrameParser().push(lengthPrefixed(Uint8Array.of(type)), () => t.fail("no frame")),
      "unknownType",
    );
  }
});

t.test("frameBytesMax: a vote's bound is its encoding's size, so a vote cannot carry anything else", async (t) => {
  t.equal(frameBytesMax(2), encodeMessage(voteMessage(1, 5)).length);
});

t.test("createFrameParser: frames of one chunk come in order", async (t) => {
  const chunk = concatBytes([controlFrame(CONTROL_PING, tokenBytes(1)), controlFrame(CONTROL_PONG, tokenBytes(2))]);
  const types: number[] = [];
  t.equal(
    createFrameParser().push(chunk, (frame) => types.push(frame[0] ?? 0)),
    undefined,
  );
  t.same(types, [CONTROL_PING, CONTROL_PONG]);
});
