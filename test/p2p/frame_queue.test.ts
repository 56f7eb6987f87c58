/** The queue before a direct stream: bounds, drop rule, order, and one write per turn. */

import type { Stream } from "@libp2p/interface";
import fc from "fast-check";
import t from "tap";
import { createDirectLink } from "../../p2p/direct_link.ts";
import { createFrameParser } from "../../p2p/frame_parser.ts";
import { createFrameQueue, type FrameKind } from "../../p2p/frame_queue.ts";
import { createTurnEnd } from "../../p2p/turn_end.ts";
import { lengthPrefixed } from "../../p2p/wire.ts";
import { encodeMessage } from "../../types/message.ts";
import { TEST_LIMITS, until, voteMessage } from "./support.ts";

const KINDS: readonly FrameKind[] = [
  "status",
  "ping",
  "pong",
  "proposal",
  "vote",
  "certificate",
  "transactions",
  "list",
  "shares",
  "seeds",
];
const frameOf = (length: number, mark: number): Uint8Array => new Uint8Array(length).fill(mark);

t.test("createFrameQueue: any sequence of frames, bounds hold and the newest frame is always kept", async (t) => {
  const step = fc.record({ kind: fc.constantFrom(...KINDS), length: fc.integer({ min: 1, max: 300 }), takes: fc.boolean() });
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const queue = createFrameQueue({ bytesMax: 1_000, framesMax: 10 });
    for (const [index, { kind, length, takes }] of steps.entries()) {
      queue.push(kind, frameOf(length, index));
      if (queue.bytes > 1_000 || queue.count > 10 || queue.count < 1) return false;
      if (!takes) continue;
      const all = queue.take(Number.MAX_SAFE_INTEGER);
      if (all?.at(-1) !== index || queue.bytes !== 0 || queue.count !== 0) return false;
    }
    return true;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
});

t.test("createFrameQueue: byte bound exceeded, the oldest frame of the kind that takes most bytes goes", async (t) => {
  const queue = createFrameQueue({ bytesMax: 100, framesMax: 100 });
  queue.push("vote", frameOf(10, 1));
  queue.push("proposal", frameOf(40, 2));
  queue.push("proposal", frameOf(40, 3));
  t.equal(queue.push("vote", frameOf(20, 4)), 1);
  t.same([...new Set(queue.take(1_000))], [1, 3, 4]);
});

t.test("createFrameQueue: frame bound exceeded, the oldest frame of the most frequent kind goes", async (t) => {
  const queue = createFrameQueue({ bytesMax: 1_000, framesMax: 3 });
  queue.push("proposal", frameOf(50, 1));
  queue.push("vote", frameOf(1, 2));
  queue.push("vote", frameOf(1, 3));
  t.equal(queue.push("vote", frameOf(1, 4)), 1);
  t.same([...new Set(queue.take(1_000))], [1, 3, 4]);
});

t.test("createFrameQueue: a newer status replaces the waiting one", async (t) => {
  const queue = createFrameQueue({ bytesMax: 1_000, framesMax: 10 });
  queue.push("status", frameOf(5, 1));
  queue.push("vote", frameOf(5, 2));
  t.equal(queue.push("status", frameOf(5, 3)), 0, "a replaced frame is no loss");
  t.same([...(queue.take(1_000) ?? [])], [...frameOf(5, 2), ...frameOf(5, 3)]);
});

t.test("createFrameQueue: of bids for one peer only the newest waits", async (t) => {
  const queue = createFrameQueue({ bytesMax: 10_000, framesMax: 10 });
  for (const mark of [1, 2, 3]) {
    queue.push("bid", Uint8Array.of(mark));
    queue.push("transactions", Uint8Array.of(10 + mark));
  }
  t.same(queue.take(10_000), Uint8Array.of(11, 12, 3, 13));
});

t.test("createFrameQueue: a newer inclusion list replaces the waiting one; shares and seeds all wait", async (t) => {
  const queue = createFrameQueue({ bytesMax: 1_000, framesMax: 10 });
  const kinds = ["list", "shares", "seeds", "list", "shares"] as const;
  for (const [index, kind] of kinds.entries()) t.equal(queue.push(kind, frameOf(2, index)), 0);
  t.same([...new Set(queue.take(1_000))], [1, 2, 3, 4]);
});

t.test("createFrameQueue: a flood of transactions, shares and votes stay", async (t) => {
  const queue = createFrameQueue({ bytesMax: 1_000, framesMax: 100 });
  queue.push("shares", frameOf(60, 1));
  queue.push("vote", frameOf(60, 2));
  for (let mark = 3; mark < 9; mark++) queue.push("transactions", frameOf(300, mark));
  t.same([...new Set(queue.take(2_000))].slice(0, 2), [1, 2]);
});

t.test("createFrameQueue: take is bounded, but never less than one frame", async (t) => {
  const queue = createFrameQueue({ bytesMax: 1_000, framesMax: 10 });
  for (const mark of [1, 2, 3]) queue.push("vote", frameOf(40, mark));
  t.equal(queue.take(100)?.length, 80);
  t.equal(queue.take(10)?.length, 40);
  t.equal(queue.take(10), undefined);
});

/** Just enough of a libp2p stream to record writes and to play a peer that does not read. */
class RecordingStream extends EventTarget {
  readonly status = "open";
  readonly writes: Uint8Array[] = [];
  writableNeedsDrain = false;
  maxWriteBufferLength: number | undefined;
  capacity = Number.MAX_SAFE_INTEGER;

  send(bytes: Uint8Array): boolean {
    this.writes.push(bytes);
    this.capacity -= bytes.length;
    this.writableNeedsDrain = this.capacity <= 0;
    return !this.writableNeedsDrain;
  }

  drain(capacity: number): void {
    this.capacity = capacity;
    this.writableNeedsDrain = false;
    this.dispatchEvent(new Event("drain"));
  }
}

function linkOver(stream: RecordingStream, nowMs: () => number, onBroken: (detail: string, isStreamOver: boolean) => void) {
  const link = createDirectLink({
    limits: TEST_LIMITS,
    turnEnd: createTurnEnd(),
    nowMs,
    owner: {
      isAllowed: () => true,
      onFrame: () => undefined,
      onStatus: () => undefined,
      onUp: () => undefined,
      onMalformed: () => undefined,
      onBroken: ({ detail, isStreamOver }) => onBroken(detail, isStreamOver),
    },
  });
  link.attachOutbound(stream as unknown as Stream);
  return link;
}

const voteFrame = (view: number): Uint8Array => lengthPrefixed(encodeMessage(voteMessage(0, view)));

t.test("createDirectLink: frames queued in one turn, one write with all of them", async (t) => {
  const stream = new RecordingStream();
  const link = linkOver(stream, Date.now, (detail) => t.fail(detail));
  for (let view = 1; view <= 25; view++) link.queueFrame("vote", voteFrame(view));
  // Promises settle within the turn: what they queue belongs to it.
  await Promise.resolve();
  link.queueFrame("vote", voteFrame(26));
  t.equal(stream.writes.length, 0, "nothing leaves before the turn ends");
  await until("the write", () => stream.writes.length > 0);
  t.equal(stream.writes.length, 1);
  let frames = 0;
  createFrameParser().push(stream.writes[0] ?? new Uint8Array(), () => frames++);
  t.equal(frames, 26);
});

t.test("createDirectLink: a peer that takes nothing, memory stays bounded and the link is given up after stuckMs", async (t) => {
  const stream = new RecordingStream();
  stream.capacity = 1;
  let nowMs = 0;
  const broken: string[] = [];
  const link = linkOver(
    stream,
    () => nowMs,
    (detail, isStreamOver) => {
      t.notOk(isStreamOver, "the connection itself is of no use");
      broken.push(detail);
    },
  );
  const proposalSized = lengthPrefixed(new Uint8Array(1024 * 1024).fill(4));
  for (let round = 0; round < 40; round++) link.queueFrame("transactions", proposalSized);
  await until("the first write", () => stream.writes.length === 1);
  for (let round = 0; round < 40; round++) link.queueFrame("transactions", proposalSized);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(stream.writes.length, 1, "no second write before a drain");
  t.ok(link.queue.bytes <= TEST_LIMITS.queueBytesMax);
  t.ok(link.takeDropped() > 60, "the rest was dropped and counted");
  nowMs = TEST_LIMITS.stuckMs - 1;
  link.check(nowMs);
  t.same(broken, []);
  nowMs = TEST_LIMITS.stuckMs + 1;
  link.check(nowMs);
  t.same(broken, ["peer takes no frames"]);
});

t.test("createDirectLink: the stream drains, what waited leaves in order and the clock of the stuck peer stops", async (t) => {
  const stream = new RecordingStream();
  stream.capacity = 1;
  let nowMs = 0;
  const link = linkOver(
    stream,
    () => nowMs,
    (detail) => t.fail(detail),
  );
  link.queueFrame("vote", voteFrame(1));
  await until("the first write", () => stream.writes.length === 1);
  link.queueFrame("vote", voteFrame(2));
  link.queueFrame("vote", voteFrame(3));
  await new Promise((resolve) => setImmediate(resolve));
  stream.drain(Number.MAX_SAFE_INTEGER);
  await until("the second write", () => stream.writes.length === 2);
  t.equal(stream.writes[1]?.length, 2 * voteFrame(1).length);
  nowMs = TEST_LIMITS.stuckMs + 1;
  link.check(nowMs);
  t.equal(link.queue.count, 0);
});
