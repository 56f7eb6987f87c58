/** Messages of the request/response protocols: status, ranges of final blocks, single blocks, certificates, bodies.
 *  A request names what it wants; the response is checked against it (failure 7). */

import { assert } from "./assert.ts";
import {
  BLOCK_BYTES_MAX,
  type Block,
  type BlockHeader,
  blockCodec,
  blockHeaderCodec,
  blockHeaderType,
  headerFromSsz,
  headerToSsz,
} from "./block.ts";
import { type Codec, defineCodec, hashFromBytes, hashToBytes, ssz } from "./codec.ts";
import { type BlockHash, Epoch, Height, type TransactionHash, View } from "./ids.ts";
import {
  BODY_REQUEST_TRANSACTIONS_MAX,
  RANGE_BLOCKS_MAX,
  RANGE_BYTES_MAX,
  RANGE_CERTIFICATES_MAX,
  RANGE_HEADERS_MAX,
  RESPONSE_BYTES_MAX,
  TRANSACTION_BYTES_MAX,
} from "./limits.ts";
import { openingsCodec } from "./opening_message.ts";
import type { Opening } from "./sealing.ts";
import { CERTIFICATE_BYTES, type Certificate, certificateFromSsz, certificateToSsz, certificateType } from "./vote.ts";

/** Where a peer stands; exchanged on connect, on change of height at intervals, and on request. */
export interface PeerStatus {
  readonly epoch: Epoch;
  readonly view: View;
  readonly finalHeight: Height;
  readonly finalHash: BlockHash;
  /** Lowest height whose block this peer can serve. */
  readonly oldestHeight: Height;
}

export type SyncRequest =
  | { readonly type: "status" }
  /** Final blocks from `fromHeight` on, ascending, at most `count`, with a CC that proves the last of them. */
  | { readonly type: "finalBlocks"; readonly fromHeight: Height; readonly count: number }
  /** One block by hash, final or not. */
  | { readonly type: "block"; readonly hash: BlockHash }
  /** Timeout certificates of views in [fromView, toView]. */
  | { readonly type: "timeoutCertificates"; readonly fromView: View; readonly toView: View }
  /** Transactions of a proposed block by hash. */
  | { readonly type: "transactions"; readonly hashes: readonly TransactionHash[] };

export type SyncResponse =
  | { readonly type: "status"; readonly status: PeerStatus }
  | {
      readonly type: "finalBlocks";
      readonly blocks: readonly Block[];
      /** What the sealed lane of each block turned out to be; empty where it has none. As many as blocks. */
      readonly openings: readonly (readonly Opening[])[];
      /** One CC may make more blocks final than a range holds: the headers from the last block up to the one that the CC is of. */
      readonly trailingHeaders: readonly BlockHeader[];
      readonly commitCertificate: Certificate | undefined;
    }
  | { readonly type: "block"; readonly block: Block | undefined }
  | { readonly type: "timeoutCertificates"; readonly certificates: readonly Certificate[] }
  | { readonly type: "transactions"; readonly transactions: readonly Uint8Array[] };

const REQUEST_TYPES: readonly SyncRequest["type"][] = ["status", "finalBlocks", "block", "timeoutCertificates", "transactions"];

/** One flat shape for all requests: unused fields are zero or empty, which the canonical rule of each type checks. */
const requestType = ssz.container(
  { type: ssz.uint8, from: ssz.uint64, to: ssz.uint64, hashes: ssz.list(ssz.bytes(32), BODY_REQUEST_TRANSACTIONS_MAX) },
  "SyncRequest",
);

type RequestSsz = ReturnType<typeof requestType.defaultValue>;

function requestToSsz(request: SyncRequest): RequestSsz {
  const flat = { type: REQUEST_TYPES.indexOf(request.type), from: 0, to: 0, hashes: [] as Uint8Array[] };
  switch (request.type) {
    case "status":
      return flat;
    case "finalBlocks":
      return { ...flat, from: request.fromHeight, to: request.count };
    case "block":
      return { ...flat, hashes: [hashToBytes(request.hash)] };
    case "timeoutCertificates":
      return { ...flat, from: request.fromView, to: request.toView };
    case "transactions":
      return { ...flat, hashes: request.hashes.map(hashToBytes) };
  }
}

function requestFromSsz(value: RequestSsz): SyncRequest | undefined {
  const type = REQUEST_TYPES[value.type];
  const [first] = value.hashes;
  const isRangeless = value.from === 0 && value.to === 0;
  if (type === "status") return isRangeless && first === undefined ? { type } : undefined;
  if (type === "finalBlocks") {
    const isBounded = value.to > 0 && value.to <= RANGE_BLOCKS_MAX && value.from > 0 && first === undefined;
    return isBounded ? { type, fromHeight: Height.of(value.from), count: value.to } : undefined;
  }
  if (type === "timeoutCertificates") {
    const isBounded = value.to >= value.from && value.to - value.from < RANGE_CERTIFICATES_MAX && first === undefined;
    return isBounded ? { type, fromView: View.of(value.from), toView: View.of(value.to) } : undefined;
  }
  if (!isRangeless || first === undefined) return undefined;
  if (type === "block") return value.hashes.length === 1 ? { type, hash: hashFromBytes(first) } : undefined;
  return type === "transactions" ? { type, hashes: value.hashes.map((hash) => hashFromBytes<TransactionHash>(hash)) } : undefined;
}

export const syncRequestCodec: Codec<SyncRequest> = defineCodec({
  name: "SyncRequest",
  version: 1,
  type: requestType,
  bytesMax: 1 + 21 + BODY_REQUEST_TRANSACTIONS_MAX * 32,
  toSsz: requestToSsz,
  fromSsz: requestFromSsz,
});

const statusType = ssz.container(
  { epoch: ssz.uint64, view: ssz.uint64, finalHeight: ssz.uint64, finalHash: ssz.bytes(32), oldestHeight: ssz.uint64 },
  "PeerStatus",
);

const responseType = ssz.container(
  {
    type: ssz.uint8,
    status: ssz.list(statusType, 1),
    blocks: ssz.list(ssz.byteList(BLOCK_BYTES_MAX), RANGE_BLOCKS_MAX),
    openings: ssz.list(ssz.byteList(RANGE_BYTES_MAX), RANGE_BLOCKS_MAX),
    headers: ssz.list(blockHeaderType, RANGE_HEADERS_MAX),
    certificates: ssz.list(certificateType, RANGE_CERTIFICATES_MAX),
    transactions: ssz.list(ssz.byteList(TRANSACTION_BYTES_MAX), BODY_REQUEST_TRANSACTIONS_MAX),
  },
  "SyncResponse",
);

type ResponseSsz = ReturnType<typeof responseType.defaultValue>;

function responseToSsz(response: SyncResponse): ResponseSsz {
  const type = REQUEST_TYPES.indexOf(response.type);
  const flat: ResponseSsz = { type, status: [], blocks: [], openings: [], headers: [], certificates: [], transactions: [] };
  switch (response.type) {
    case "status":
      return { ...flat, status: [{ ...response.status, finalHash: hashToBytes(response.status.finalHash) }] };
    case "finalBlocks": {
      const proof = response.commitCertificate;
      return {
        ...flat,
        blocks: response.blocks.map(blockCodec.encode),
        openings: response.openings.map(openingsCodec.encode),
        headers: response.trailingHeaders.map(headerToSsz),
        certificates: proof === undefined ? [] : [certificateToSsz(proof)],
      };
    }
    case "block":
      return { ...flat, blocks: response.block === undefined ? [] : [blockCodec.encode(response.block)] };
    case "timeoutCertificates":
      return { ...flat, certificates: response.certificates.map(certificateToSsz) };
    case "transactions":
      return { ...flat, transactions: [...response.transactions] };
  }
}

function decodeAll<T, S>(values: readonly S[], decode: (value: S) => T | undefined): readonly T[] | undefined {
  const decoded: T[] = [];
  for (const value of values) {
    const item = decode(value);
    if (item === undefined) return undefined;
    decoded.push(item);
  }
  return decoded;
}

function responseFromSsz(value: ResponseSsz): SyncResponse | undefined {
  const type = REQUEST_TYPES[value.type];
  const blocks = decodeAll(value.blocks, (bytes) => {
    const decoded = blockCodec.decode(bytes);
    return decoded.ok ? decoded.value : undefined;
  });
  const openings = decodeAll(value.openings, (bytes) => {
    const decoded = openingsCodec.decode(bytes);
    return decoded.ok ? decoded.value : undefined;
  });
  const trailingHeaders = decodeAll(value.headers, headerFromSsz);
  const certificates = decodeAll(value.certificates, certificateFromSsz);
  const [status] = value.status;
  if (type === undefined || blocks === undefined || openings === undefined || trailingHeaders === undefined || certificates === undefined)
    return undefined;
  const [firstBlock] = blocks;
  const [firstCertificate] = certificates;
  // Each type uses only its own fields; anything in another one is not canonical.
  const uses = fieldsUsed(value);
  switch (type) {
    case "status":
      if (uses !== "s" || status === undefined) return undefined;
      return {
        type,
        status: {
          epoch: Epoch.of(status.epoch),
          view: View.of(status.view),
          finalHeight: Height.of(status.finalHeight),
          finalHash: hashFromBytes(status.finalHash),
          oldestHeight: Height.of(status.oldestHeight),
        },
      };
    case "finalBlocks": {
      const isProven =
        blocks.length > 0 ? certificates.length === 1 && firstCertificate?.ballot.kind === "commit" : certificates.length === 0;
      if (!isProven || openings.length !== blocks.length || (uses !== "boc" && uses !== "bohc" && uses !== "")) return undefined;
      return { type, blocks, openings, trailingHeaders, commitCertificate: firstCertificate };
    }
    case "block":
      return (uses === "b" && blocks.length === 1) || uses === "" ? { type, block: firstBlock } : undefined;
    case "timeoutCertificates":
      return uses === "c" || uses === "" ? { type, certificates } : undefined;
    case "transactions":
      return uses === "t" || uses === "" ? { type, transactions: value.transactions } : undefined;
  }
}

/** The lists that hold something, one letter each, in the order of the container. */
function fieldsUsed({ status, blocks, openings, headers, certificates, transactions }: ResponseSsz): string {
  const lists: readonly (readonly [string, readonly unknown[]])[] = [
    ["s", status],
    ["b", blocks],
    ["o", openings],
    ["h", headers],
    ["c", certificates],
    ["t", transactions],
  ];
  return lists.map(([letter, list]) => (list.length > 0 ? letter : "")).join("");
}

const RANGE_OVERHEAD_BYTES =
  1 + 25 + 64 + RANGE_BLOCKS_MAX * 8 + RANGE_HEADERS_MAX * blockHeaderCodec.bytesMax + RANGE_CERTIFICATES_MAX * CERTIFICATE_BYTES;
assert(RANGE_OVERHEAD_BYTES + RANGE_BYTES_MAX <= RESPONSE_BYTES_MAX, "a range with its headers and its proof fits a response");

export const syncResponseCodec: Codec<SyncResponse> = defineCodec({
  name: "SyncResponse",
  version: 2,
  type: responseType,
  bytesMax: RANGE_OVERHEAD_BYTES + RANGE_BYTES_MAX,
  toSsz: responseToSsz,
  fromSsz: responseFromSsz,
});
