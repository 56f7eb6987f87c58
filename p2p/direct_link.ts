/** The direct link with one peer: one long-lived consensus stream per direction over one connection.
 *  Frames wait in a bounded queue and leave once per turn in one write, as long as the stream takes them; received bytes are cut
 *  into frames as they come. Status, ping and pong are handled here; everything else goes to the owner. */

import type { Stream, StreamMessageEvent } from "@libp2p/interface";
import { describeError } from "./errors.ts";
import { createFrameParser, type FrameFailure } from "./frame_parser.ts";
import { createFrameQueue, type FrameKind, type FrameQueue } from "./frame_queue.ts";
import type { NetworkLimits } from "./limits.ts";
import type { TurnEnd } from "./turn_end.ts";
import { CONTROL_PING, CONTROL_PONG, CONTROL_STATUS, controlFrame, type LinkStatus, linkStatusCodec, tokenBytes, tokenOf } from "./wire.ts";

export interface LinkBreak {
  /** A stream of ours ended or was reset; otherwise the peer does not take or send anything. */
  readonly isStreamOver: boolean;
  readonly detail: string;
}

export interface DirectLinkOwner {
  /** May the peer send a frame of so many bytes now? One that may not is dropped, control frames like others. */
  isAllowed(bytes: number): boolean;
  /** A frame of `types/message.ts`: type byte and encoding. */
  onFrame(body: Uint8Array): void;
  onStatus(status: LinkStatus): void;
  /** Both directions are open. */
  onUp(): void;
  /** The bytes cannot be trusted any more; the owner penalizes and closes the connection. */
  onMalformed(failure: FrameFailure | "control"): void;
  /** A stream ended or is stuck; the owner closes the connection, or this link. */
  onBroken(failure: LinkBreak): void;
}

export interface DirectLink {
  readonly isUp: boolean;
  readonly queue: FrameQueue;
  readonly roundTripMs: number | undefined;
  readonly lastHeardMs: number;
  /** Frames dropped from the queue since the last call. */
  takeDropped(): number;
  /** `frame` has its length before it. */
  queueFrame(kind: FrameKind, frame: Uint8Array): void;
  queueStatus(status: LinkStatus): void;
  queuePing(): void;
  attachOutbound(stream: Stream): void;
  attachInbound(stream: Stream): void;
  /** Judges stuck writes and silence. */
  check(nowMs: number): void;
  /** Hands what waits to the stream now. */
  flush(): void;
  /** No call reaches the owner afterwards. */
  close(): void;
  /** Resets both streams: of a closed link whose connection stays. */
  abort(error: Error): void;
}

export function createDirectLink(options: {
  readonly limits: NetworkLimits;
  readonly turnEnd: TurnEnd;
  readonly nowMs: () => number;
  readonly owner: DirectLinkOwner;
}): DirectLink {
  const { limits, turnEnd, nowMs, owner } = options;
  const queue = createFrameQueue({ bytesMax: limits.queueBytesMax, framesMax: limits.queueFramesMax });
  const parser = createFrameParser();
  let outbound: Stream | undefined;
  let inbound: Stream | undefined;
  let isClosed = false;
  let isFlushDue = false;
  let stuckSinceMs: number | undefined;
  let lastHeardMs = nowMs();
  let roundTripMs: number | undefined;
  let dropped = 0;

  function over(detail: string): void {
    if (!isClosed) owner.onBroken({ isStreamOver: true, detail });
  }

  function flush(): void {
    isFlushDue = false;
    if (isClosed || outbound === undefined || outbound.status !== "open") return;
    try {
      while (!outbound.writableNeedsDrain) {
        const batch = queue.take(limits.writeBytesMax);
        if (batch === undefined) return;
        outbound.send(batch);
      }
      stuckSinceMs ??= nowMs();
    } catch (error) {
      over(`write failed: ${describeError(error)}`);
    }
  }

  function queueFrame(kind: FrameKind, frame: Uint8Array): void {
    if (isClosed) return;
    dropped += queue.push(kind, frame);
    if (isFlushDue) return;
    isFlushDue = true;
    turnEnd.flush(flush);
  }

  function onBody(body: Uint8Array): void {
    if (!owner.isAllowed(body.length) || isClosed) return;
    const type = body[0] as number;
    if (type < CONTROL_STATUS) owner.onFrame(body);
    else if (!handleControl(type, body) && !isClosed) owner.onMalformed("control");
  }

  function handleControl(type: number, body: Uint8Array): boolean {
    if (type === CONTROL_STATUS) {
      const decoded = linkStatusCodec.decode(body.subarray(1));
      if (decoded.ok) owner.onStatus(decoded.value);
      return decoded.ok;
    }
    const token = tokenOf(body);
    if (token === undefined) return false;
    if (type === CONTROL_PING) queueFrame("pong", controlFrame(CONTROL_PONG, tokenBytes(token)));
    // The token is our own clock, cut to 32 bits; a wild one says nothing.
    if (type === CONTROL_PONG) roundTripMs = Math.min(limits.linkSilenceMs, (Math.trunc(nowMs()) - token) >>> 0);
    return true;
  }

  function onMessage(event: StreamMessageEvent): void {
    lastHeardMs = nowMs();
    const chunks = event.data instanceof Uint8Array ? [event.data] : event.data;
    for (const chunk of chunks) {
      const failure = parser.push(chunk, (body) => {
        if (!isClosed) onBody(body);
      });
      if (failure !== undefined && !isClosed) owner.onMalformed(failure);
      if (isClosed) return;
    }
  }

  function announceUp(): void {
    if (link.isUp) owner.onUp();
  }

  const link: DirectLink = {
    get isUp() {
      return !isClosed && outbound?.status === "open" && inbound?.status === "open";
    },
    queue,
    get roundTripMs() {
      return roundTripMs;
    },
    get lastHeardMs() {
      return lastHeardMs;
    },
    takeDropped() {
      const count = dropped;
      dropped = 0;
      return count;
    },
    queueFrame,
    queueStatus: (status) => queueFrame("status", controlFrame(CONTROL_STATUS, linkStatusCodec.encode(status))),
    queuePing: () => queueFrame("ping", controlFrame(CONTROL_PING, tokenBytes(Math.trunc(nowMs())))),
    attachOutbound(stream) {
      outbound = stream;
      stream.maxWriteBufferLength = limits.streamBufferBytesMax;
      stream.addEventListener("drain", () => {
        stuckSinceMs = undefined;
        // libp2p empties its own buffer in a microtask that is queued already; more must not be added before that.
        queueMicrotask(flush);
      });
      stream.addEventListener("close", (event) => over(`outbound stream closed: ${describeError(event.error)}`));
      flush();
      announceUp();
    },
    attachInbound(stream) {
      inbound = stream;
      stream.addEventListener("message", onMessage);
      stream.addEventListener("remoteCloseWrite", () => over("peer ended its stream"));
      stream.addEventListener("close", (event) => over(`inbound stream closed: ${describeError(event.error)}`));
      announceUp();
    },
    check(checkedMs) {
      if (isClosed) return;
      if (stuckSinceMs !== undefined && checkedMs - stuckSinceMs > limits.stuckMs)
        owner.onBroken({ isStreamOver: false, detail: "peer takes no frames" });
      else if (checkedMs - lastHeardMs > limits.linkSilenceMs) owner.onBroken({ isStreamOver: false, detail: "peer is silent" });
    },
    flush,
    close() {
      isClosed = true;
    },
    abort(error) {
      outbound?.abort(error);
      inbound?.abort(error);
    },
  };
  return link;
}
