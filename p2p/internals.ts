/** The only place that touches fields which libp2p does not document. Package versions are pinned and a test watches each
 *  of these; where a field is not what it is expected to be, the optimisation is left out and the connection works as libp2p made it.
 *
 *  - The socket behind a TCP connection is corked from its first write of a turn to the turn's end: noise writes each frame
 *    in two or more pieces, yamux adds its own, and one system call takes them all.
 *  - yamux answers every data frame with a window update. A stream that still has half its window sends none; and a window
 *    update on a closed connection ends the stream, not the process.
 *  - noise counts its frames with 32 bits. The frames of each connection are counted, so that it is renewed in time.
 *  - gossipsub's set of direct peers is fixed at construction; ours changes with the handshakes. */

import type { Connection, MessageStream, StreamMuxer, StreamMuxerFactory } from "@libp2p/interface";
import type { TurnEnd } from "./turn_end.ts";

interface CorkableSocket {
  write(...parameters: unknown[]): boolean;
  cork(): void;
  uncork(): void;
}

function isCorkable(value: unknown): value is CorkableSocket {
  if (typeof value !== "object" || value === null) return false;
  const socket = value as Partial<Record<keyof CorkableSocket, unknown>>;
  return typeof socket.write === "function" && typeof socket.cork === "function" && typeof socket.uncork === "function";
}

/** Returns false when the connection has no socket that can be corked (WebSockets). */
export function corkSocketPerTurn(connection: Connection, turnEnd: TurnEnd): boolean {
  const socket = (connection as { readonly maConn?: { readonly socket?: unknown } }).maConn?.socket;
  if (!isCorkable(socket)) return false;
  const write = socket.write;
  let isCorked = false;
  const release = () => {
    isCorked = false;
    socket.uncork();
  };
  socket.write = (...parameters) => {
    if (!isCorked) {
      isCorked = true;
      socket.cork();
      turnEnd.release(release);
    }
    return write.apply(socket, parameters);
  };
  return true;
}

/** Frames of one connection so far, by direction. */
export interface FrameCount {
  sent: number;
  received: number;
}

interface GuardableStream {
  readonly state: number;
  readonly recvWindow: number;
  readonly recvWindowCapacity: number;
  sendWindowUpdate(): void;
  abort(error: Error): void;
}

interface GuardableMuxer {
  _newStream(...parameters: unknown[]): unknown;
}

/** yamux's StreamState.Established: no flag waits to be sent with the next frame. */
const ESTABLISHED = 3;
/** Plain bytes in one noise frame: 65,535 less the tag. */
const NOISE_FRAME_BYTES = 65_519;

function isGuardable(value: unknown): value is GuardableStream {
  if (typeof value !== "object" || value === null) return false;
  const stream = value as Partial<Record<keyof GuardableStream, unknown>>;
  return (
    typeof stream.state === "number" &&
    typeof stream.recvWindow === "number" &&
    typeof stream.recvWindowCapacity === "number" &&
    typeof stream.sendWindowUpdate === "function" &&
    typeof stream.abort === "function"
  );
}

function guardWindowUpdates(stream: unknown): void {
  if (!isGuardable(stream)) return;
  const sendWindowUpdate = stream.sendWindowUpdate;
  stream.sendWindowUpdate = () => {
    if (stream.state === ESTABLISHED && stream.recvWindowCapacity * 2 > stream.recvWindow) return;
    try {
      sendWindowUpdate.call(stream);
    } catch (error) {
      // yamux opens a stream in a microtask of its own: on a connection that has just closed this throws where nobody can catch it.
      stream.abort(error instanceof Error ? error : new Error(String(error)));
    }
  };
}

const frameCounts = new WeakMap<object, FrameCount>();

/** Wraps a yamux factory so that its streams spare window updates and its connections count their frames. */
export function leanMuxer(create: () => StreamMuxerFactory): () => StreamMuxerFactory {
  return () => {
    const factory = create();
    const createStreamMuxer = factory.createStreamMuxer.bind(factory);
    factory.createStreamMuxer = (connection) => {
      const count = countFrames(connection);
      const muxer = createStreamMuxer(connection);
      frameCounts.set(muxer, count);
      guardStreams(muxer);
      return muxer;
    };
    return factory;
  };
}

function guardStreams(muxer: StreamMuxer): void {
  const guardable = muxer as unknown as Partial<GuardableMuxer>;
  const newStream = guardable._newStream;
  if (typeof newStream !== "function") return;
  guardable._newStream = (...parameters) => {
    const stream = newStream.apply(muxer, parameters);
    guardWindowUpdates(stream);
    return stream;
  };
}

/** The muxer writes to and listens on the encrypted connection: each write is at least one noise frame, each message is one. */
function countFrames(connection: MessageStream): FrameCount {
  const count: FrameCount = { sent: 0, received: 0 };
  const send = connection.send.bind(connection);
  connection.send = (data) => {
    count.sent += Math.max(1, Math.ceil(data.byteLength / NOISE_FRAME_BYTES));
    return send(data);
  };
  connection.addEventListener("message", () => {
    count.received++;
  });
  return count;
}

/** Undefined when the connection's muxer was not made by `leanMuxer`. */
export function frameCountOf(connection: Connection): FrameCount | undefined {
  const muxer = (connection as { readonly muxer?: object }).muxer;
  return muxer === undefined ? undefined : frameCounts.get(muxer);
}

/** Peers that gossipsub forwards to without a mesh; undefined when the field is not there. */
export function directPeersOf(gossip: unknown): Set<string> | undefined {
  const direct = (gossip as { readonly direct?: unknown }).direct;
  return direct instanceof Set ? (direct as Set<string>) : undefined;
}
