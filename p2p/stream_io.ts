/** Whole messages over libp2p streams: `it-pipe` pipelines with varint lengths (`it-length-prefixed`), deadlines, back-pressure.
 *  For streams that carry a few messages; the direct consensus streams have their own parser and queue. */

import type { Stream } from "@libp2p/interface";
import { decode, encode } from "it-length-prefixed";
import { pipe } from "it-pipe";
import type { Uint8ArrayList } from "uint8arraylist";
import { NetworkError } from "./errors.ts";

/** Aborts when the time is up, or when `cancel` is called with a reason; `clear` must be called when the work is done. */
export interface Deadline {
  readonly signal: AbortSignal;
  cancel(reason: NetworkError): void;
  clear(): void;
}

export function createDeadline(afterMs: number, what: string): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new NetworkError({ code: "deadline", detail: `${what}: no result within ${afterMs} ms`, cause: undefined }));
  }, afterMs);
  return {
    signal: controller.signal,
    cancel: (reason) => controller.abort(reason),
    clear: () => clearTimeout(timer),
  };
}

/** Rejects with the signal's reason as soon as it aborts. The work itself must end by its own means. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return await new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** The messages of a stream one by one, none larger than `bytesMax`. */
export interface MessageReader {
  /** The next message; undefined when the peer has closed its side. Rejects on a broken stream, an oversize message, an abort. */
  next(signal: AbortSignal): Promise<Uint8Array | undefined>;
}

export function createMessageReader(stream: Stream, bytesMax: number): MessageReader {
  const messages: AsyncGenerator<Uint8ArrayList> = pipe(stream, (source) => decode(source, { maxDataLength: bytesMax }));
  return {
    async next(signal) {
      const result = await orAborted(messages.next(), signal);
      return result.done === true ? undefined : result.value.subarray();
    },
  };
}

/** Is this what the reader throws for a length beyond its bound? */
export function isOversizeError(error: unknown): boolean {
  return error instanceof Error && (error.name === "InvalidDataLengthError" || error.name === "InvalidDataLengthLengthError");
}

const WRITE_PIECE_BYTES = 64 * 1024;

/** Writes one message in pieces, each when the stream is ready for it, so that a slow reader costs no more than one piece. */
export async function writeMessage(stream: Stream, message: Uint8Array, signal: AbortSignal): Promise<void> {
  const encoded = encode.single(message, { maxDataLength: message.length });
  for (let offset = 0; offset < encoded.byteLength; offset += WRITE_PIECE_BYTES) {
    signal.throwIfAborted();
    const piece = encoded.subarray(offset, Math.min(offset + WRITE_PIECE_BYTES, encoded.byteLength));
    if (!stream.send(piece)) await stream.onDrain({ signal });
  }
}

/** Ends a stream that has served its purpose: gracefully if the peer does its part in time, by reset otherwise. Never rejects. */
export async function endStream(stream: Stream, withinMs: number): Promise<void> {
  if (stream.status !== "open") return;
  const deadline = createDeadline(withinMs, "closing a stream");
  try {
    await stream.close({ signal: deadline.signal });
    if (stream.remoteWriteStatus === "writable") {
      await new Promise<void>((resolve) => {
        stream.addEventListener("close", () => resolve(), { once: true });
        stream.addEventListener("remoteCloseWrite", () => resolve(), { once: true });
        deadline.signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    if (stream.status === "open" && stream.remoteWriteStatus === "writable") stream.abort(new Error("peer did not close its side"));
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)));
  } finally {
    deadline.clear();
  }
}
