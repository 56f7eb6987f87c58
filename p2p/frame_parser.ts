/** Cuts the bytes of a direct stream into frames, wherever the chunks happen to end.
 *  A frame's length is checked against the bound of its type before any of its body is kept; memory never exceeds the bytes
 *  received of one frame. After a failure the stream cannot be trusted to be in step: the caller resets it. */

import { concatBytes } from "../types/bytes.ts";
import { FRAME_HEADER_BYTES, frameBytesMax } from "./wire.ts";

export type FrameFailure = "unknownType" | "oversize" | "empty";

export interface FrameParser {
  /** Bytes held of an unfinished frame. */
  readonly bufferedBytes: number;
  /** Calls `onFrame` with the body (type byte and encoding) of every frame that `chunk` completes, in order, until one fails. */
  push(chunk: Uint8Array, onFrame: (body: Uint8Array) => void): FrameFailure | undefined;
}

const PREFIX_BYTES = FRAME_HEADER_BYTES + 1;

export function createFrameParser(): FrameParser {
  /** Length and type of the frame under way, then its body in pieces as they came. */
  const prefix = new Uint8Array(PREFIX_BYTES);
  let prefixBytes = 0;
  let bodyBytes = 0;
  let missingBytes = 0;
  let pieces: Uint8Array[] = [];

  function readPrefix(): FrameFailure | undefined {
    const length = new DataView(prefix.buffer).getUint32(0, true);
    if (length === 0) return "empty";
    const bytesMax = frameBytesMax(prefix[FRAME_HEADER_BYTES] as number);
    if (bytesMax === undefined) return "unknownType";
    if (length > bytesMax) return "oversize";
    bodyBytes = length;
    missingBytes = length - 1;
    pieces = [prefix.slice(FRAME_HEADER_BYTES)];
    return undefined;
  }

  function finish(onFrame: (body: Uint8Array) => void): void {
    const body = pieces.length === 1 ? (pieces[0] as Uint8Array) : concatBytes(pieces);
    pieces = [];
    prefixBytes = 0;
    bodyBytes = 0;
    onFrame(body);
  }

  function push(chunk: Uint8Array, onFrame: (body: Uint8Array) => void): FrameFailure | undefined {
    let offset = 0;
    while (offset < chunk.length) {
      if (bodyBytes === 0) {
        const taken = Math.min(PREFIX_BYTES - prefixBytes, chunk.length - offset);
        prefix.set(chunk.subarray(offset, offset + taken), prefixBytes);
        prefixBytes += taken;
        offset += taken;
        if (prefixBytes >= FRAME_HEADER_BYTES && new DataView(prefix.buffer).getUint32(0, true) === 0) return "empty";
        if (prefixBytes < PREFIX_BYTES) break;
        const failure = readPrefix();
        if (failure !== undefined) return failure;
        const whole = wholeBody(chunk, offset);
        if (whole !== undefined) {
          offset += missingBytes;
          pieces = [whole];
          missingBytes = 0;
        }
      } else {
        const taken = Math.min(missingBytes, chunk.length - offset);
        pieces.push(chunk.slice(offset, offset + taken));
        offset += taken;
        missingBytes -= taken;
      }
      if (bodyBytes > 0 && missingBytes === 0) finish(onFrame);
    }
    return undefined;
  }

  /** The body as a view of the chunk when all of it, type byte included, lies in it: no copy on the usual path. */
  function wholeBody(chunk: Uint8Array, offset: number): Uint8Array | undefined {
    if (offset < 1 || chunk.length - offset < missingBytes) return undefined;
    return chunk.subarray(offset - 1, offset + missingBytes);
  }

  return {
    get bufferedBytes() {
      return bodyBytes === 0 ? prefixBytes : bodyBytes - missingBytes;
    },
    push,
  };
}
