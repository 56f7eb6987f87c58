/** Request and response on `/sealstone/sync/1`: one request per stream, one answer, both length-prefixed, in `it-pipe` pipelines.
 *
 *  Bounds: requests under way in all and per peer, in both directions (excess is refused at once: `busy`); a deadline on everything;
 *  the size of an answer; for full nodes also requests and bytes per second. An answer of another type, with more than was asked
 *  for, too large or malformed costs its sender score. */

import type { Connection, Stream } from "@libp2p/interface";
import { decode } from "it-length-prefixed";
import { pipe } from "it-pipe";
import type { Uint8ArrayList } from "uint8arraylist";
import type { PeerKey, PenaltyReason } from "../types/sender.ts";
import { type SyncRequest, type SyncResponse, syncRequestCodec, syncResponseCodec } from "../types/sync.ts";
import { describeError, NetworkError } from "./errors.ts";
import type { NetworkLimits } from "./limits.ts";
import type { Peer, PeerTable } from "./peer_table.ts";
import { createDeadline, type Deadline, endStream, isOversizeError, orAborted, writeMessage } from "./stream_io.ts";
import { SYNC_PROTOCOL } from "./wire.ts";

export interface Requests {
  request(
    peer: PeerKey,
    request: SyncRequest,
    options: { readonly deadlineMs: number; readonly signal: AbortSignal },
  ): Promise<SyncResponse>;
  /** libp2p's handler of inbound streams. Never rejects. */
  serve(stream: Stream, connection: Connection): Promise<void>;
  /** Ends everything that is under way. */
  stop(): void;
}

const END_MS = 1_000;

export function createRequests(options: {
  readonly limits: NetworkLimits;
  readonly peers: PeerTable;
  readonly nowMs: () => number;
  readonly isPoor: (peer: PeerKey) => boolean;
  readonly penalize: (peer: Peer, reason: PenaltyReason) => void;
  readonly onRequest: (peer: Peer, request: SyncRequest) => Promise<SyncResponse>;
  /** A request could not be answered; for the log. */
  readonly onUnanswered: (peer: Peer, detail: string) => void;
}): Requests {
  const { limits, peers, penalize } = options;
  const underWay = new Set<Deadline>();
  let outCount = 0;
  let inCount = 0;

  async function request(
    key: PeerKey,
    wanted: SyncRequest,
    bounds: { readonly deadlineMs: number; readonly signal: AbortSignal },
  ): Promise<SyncResponse> {
    const peer = peers.get(key);
    if (peer === undefined) throw new NetworkError({ code: "gone", detail: `${key} is not connected`, cause: undefined });
    if (outCount >= limits.requestsOutMax || peer.requestsOut >= limits.requestsOutPerPeerMax) {
      throw new NetworkError({ code: "busy", detail: "too many requests are under way", cause: undefined });
    }
    const deadline = createDeadline(bounds.deadlineMs, `${wanted.type} request`);
    const onAbort = () => deadline.cancel(new NetworkError({ code: "aborted", detail: "caller gave up", cause: bounds.signal.reason }));
    if (bounds.signal.aborted) onAbort();
    bounds.signal.addEventListener("abort", onAbort, { once: true });
    underWay.add(deadline);
    outCount++;
    peer.requestsOut++;
    try {
      return judgeResponse(peer, wanted, await exchange(peer, syncRequestCodec.encode(wanted), deadline.signal));
    } catch (error) {
      throw toNetworkError(error, { signal: deadline.signal, connection: peer.connection });
    } finally {
      outCount--;
      peer.requestsOut--;
      underWay.delete(deadline);
      bounds.signal.removeEventListener("abort", onAbort);
      deadline.clear();
    }
  }

  async function exchange(peer: Peer, encoded: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const stream = await peer.connection.newStream(SYNC_PROTOCOL, { signal, maxOutboundStreams: limits.requestsOutPerPeerMax + 1 });
    try {
      const answer = pipe(stream, (source) => decode(source, { maxDataLength: limits.responseBytesMax }), firstMessage);
      const written = writeMessage(stream, encoded, signal).then(() => stream.close({ signal }));
      const [bytes] = await orAborted(Promise.all([answer, written]), signal);
      if (bytes === undefined) throw new NetworkError({ code: "refused", detail: "peer closed the stream unanswered", cause: undefined });
      return bytes;
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(String(error)));
      if (isOversizeError(error)) {
        penalize(peer, "wrongResponse");
        throw new NetworkError({ code: "invalid", detail: "answer is larger than allowed", cause: error });
      }
      throw error;
    } finally {
      // Owned by itself: it never rejects and ends within its deadline.
      void endStream(stream, END_MS);
    }
  }

  function judgeResponse(peer: Peer, wanted: SyncRequest, bytes: Uint8Array): SyncResponse {
    const decoded = syncResponseCodec.decode(bytes);
    if (!decoded.ok) {
      penalize(peer, "malformedMessage");
      throw new NetworkError({ code: "invalid", detail: `answer does not decode: ${decoded.reason}`, cause: undefined });
    }
    if (!isAnswerTo(wanted, decoded.value)) {
      penalize(peer, "wrongResponse");
      throw new NetworkError({ code: "invalid", detail: `answer is not one to a ${wanted.type} request`, cause: undefined });
    }
    return decoded.value;
  }

  function isRefused(peer: Peer): boolean {
    if (inCount >= limits.requestsInMax || peer.requestsIn >= limits.requestsInPerPeerMax) return true;
    if (peer.identity.validator !== undefined) return options.isPoor(peer.key);
    const limiter = peer.link === undefined ? peer.requestLimiter : peer.builderRequestLimiter;
    if (limiter.take(1, options.nowMs())) return false;
    penalize(peer, "flood");
    return true;
  }

  async function serve(stream: Stream, connection: Connection): Promise<void> {
    const peer = peers.get(connection.remotePeer.toString() as PeerKey);
    if (peer === undefined || isRefused(peer)) {
      stream.abort(new Error("request refused"));
      return;
    }
    const deadline = createDeadline(limits.serveDeadlineMs, "answering a request");
    underWay.add(deadline);
    inCount++;
    peer.requestsIn++;
    try {
      await answer(peer, stream, deadline.signal);
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(String(error)));
      options.onUnanswered(peer, describeError(error));
    } finally {
      inCount--;
      peer.requestsIn--;
      underWay.delete(deadline);
      deadline.clear();
    }
  }

  async function answer(peer: Peer, stream: Stream, signal: AbortSignal): Promise<void> {
    const question = pipe(stream, (source) => decode(source, { maxDataLength: syncRequestCodec.bytesMax }), firstMessage);
    const bytes = await orAborted(question, signal);
    const decoded = bytes === undefined ? undefined : syncRequestCodec.decode(bytes);
    if (decoded?.ok !== true) {
      penalize(peer, "malformedMessage");
      throw new NetworkError({ code: "invalid", detail: "request does not decode", cause: undefined });
    }
    const response = await orAborted(options.onRequest(peer, decoded.value), signal);
    if (!isAnswerTo(decoded.value, response)) {
      throw new NetworkError({ code: "invalid", detail: `our own answer is not one to a ${decoded.value.type} request`, cause: undefined });
    }
    const encoded = syncResponseCodec.encode(response);
    await checkSize(peer, encoded.length);
    await writeMessage(stream, encoded, signal);
    await endStream(stream, END_MS);
  }

  /** Full nodes get smaller answers, and only so many bytes a second. */
  async function checkSize(peer: Peer, bytes: number): Promise<void> {
    if (peer.identity.validator !== undefined) return;
    if (bytes > limits.strangerResponseBytesMax || !peer.byteLimiter.take(bytes, options.nowMs())) {
      throw new NetworkError({ code: "refused", detail: `${bytes} bytes are too many for a full node now`, cause: undefined });
    }
  }

  return {
    request,
    serve,
    stop() {
      const reason = new NetworkError({ code: "stopped", detail: "the network is stopping", cause: undefined });
      for (const deadline of underWay) deadline.cancel(reason);
    },
  };
}

async function firstMessage(source: AsyncIterable<Uint8ArrayList>): Promise<Uint8Array | undefined> {
  for await (const message of source) return message.subarray();
  return undefined;
}

/** What the caller sees: the reason of an abort if there was one; a refusal when only the stream broke; a lost peer otherwise. */
function toNetworkError(error: unknown, context: { readonly signal: AbortSignal; readonly connection: Connection }): NetworkError {
  const { signal, connection } = context;
  if (error instanceof NetworkError) return error;
  if (signal.aborted && signal.reason instanceof NetworkError) return signal.reason;
  return new NetworkError({ code: connection.status === "open" ? "refused" : "gone", detail: describeError(error), cause: error });
}

/** Does the answer have the type that was asked for, and no more than that? Its truth is for the replica to judge. */
export function isAnswerTo(request: SyncRequest, response: SyncResponse): boolean {
  switch (request.type) {
    case "status":
      return response.type === "status";
    case "block":
      return response.type === "block";
    case "finalBlocks": {
      if (response.type !== "finalBlocks" || response.blocks.length > request.count) return false;
      return response.blocks.every((block, index) => block.header.height === request.fromHeight + index);
    }
    case "timeoutCertificates": {
      if (response.type !== "timeoutCertificates") return false;
      return response.certificates.every(
        ({ ballot }) => ballot.kind === "timeout" && ballot.view >= request.fromView && ballot.view <= request.toView,
      );
    }
    case "transactions":
      return response.type === "transactions" && response.transactions.length <= request.hashes.length;
  }
}
