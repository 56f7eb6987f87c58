/** Answers what peers ask: final blocks from the store with what their sealed lanes and bundles turned out to be, everything that is not final from the machine's memory.
 *  A range ends at the block that its commit certificate is of, which is what the asker checks; where that one lies beyond what
 *  a range may hold, bare headers lead up to it. */

import { certificateToEndWith } from "../replica/catch_up.ts";
import type { Replica } from "../replica/interface.ts";
import type { Store } from "../storage/interface.ts";
import { BID_BYTES_MAX, BUNDLE_BYTES_MAX } from "../types/bid.ts";
import { type Block, type BlockHeader, openingCountOf } from "../types/block.ts";
import { type BlockHash, Height } from "../types/ids.ts";
import { LIST_ENTRY_BYTES } from "../types/inclusion_list.ts";
import { RANGE_BLOCKS_MAX, RANGE_BYTES_MAX, RANGE_HEADERS_MAX } from "../types/limits.ts";
import { openingBytesOf } from "../types/opening_message.ts";
import type { Opening } from "../types/sealing.ts";
import type { PeerStatus, SyncRequest, SyncResponse } from "../types/sync.ts";
import { CERTIFICATE_BYTES, type Certificate } from "../types/vote.ts";

export interface SyncServerOptions {
  readonly store: Pick<Store, "finalHeight" | "oldestHeight" | "finality" | "blockAt" | "blockByHash" | "operation">;
  readonly replica: Pick<Replica, "answer">;
  readonly currentStatus: () => PeerStatus;
}

/** Blocks read from the store before the event loop gets its turn. */
const SLICE = 8;
/** What a block's encoding holds besides its transactions and lists, at most. */
const BLOCK_OVERHEAD_BYTES = 512 + 17 * CERTIFICATE_BYTES;
/** What one list holds besides its entries, and an entry when no two lists share it. */
const LIST_OVERHEAD_BYTES = 96;
const LISTED_BYTES = LIST_ENTRY_BYTES + 2;
/** What a bid takes besides its bundle. */
const BID_OVERHEAD_BYTES = BID_BYTES_MAX - BUNDLE_BYTES_MAX;
/** What the openings of a block take besides each of them: offsets and the version. */
const OPENINGS_OVERHEAD_BYTES = 32;
/** Final headers remembered: those who catch up below one far certificate ask for the same ones range after range. */
const HEADERS_CACHED_MAX = 2 * RANGE_HEADERS_MAX;
const NOTHING: SyncResponse = { type: "finalBlocks", blocks: [], openings: [], trailingHeaders: [], commitCertificate: undefined };

interface ReadRange {
  readonly blocks: Block[];
  readonly openings: (readonly Opening[])[];
  readonly certificates: Certificate[];
}

/** An answer in slices: yields where the event loop may have its turn, and returns the answer. */
export type SlicedAnswer = Generator<undefined, SyncResponse, undefined>;

/** The server as a node uses it: large ranges are read in slices. */
export function createSyncServer(options: SyncServerOptions): (request: SyncRequest) => Promise<SyncResponse> {
  const answer = createSlicedSyncServer(options);
  return async (request) => {
    const slices = answer(request);
    for (let slice = slices.next(); ; slice = slices.next()) {
      if (slice.done === true) return slice.value;
      await turn();
    }
  };
}

/** The server without promises, for drivers with virtual time. */
export function createSlicedSyncServer(options: SyncServerOptions): (request: SyncRequest) => SlicedAnswer {
  const { store, replica } = options;

  const headers = new Map<Height, BlockHeader>();

  function* finalBlocks(fromHeight: Height, count: number): SlicedAnswer {
    const { blocks, openings, certificates } = yield* readRange(fromHeight, count);
    const lastHeight = Height.of(fromHeight + blocks.length - 1);
    const certificate = blocks.length === 0 ? undefined : certificateToEndWith(certificates, lastHeight);
    if (certificate === undefined) return NOTHING;
    const endHeight = certificate.ballot.height;
    const provenCount = endHeight - fromHeight + 1;
    const trailingHeaders = yield* readHeaders(Height.next(lastHeight), endHeight);
    // While we catch up ourselves we lack blocks below the certificate's; others have them.
    if (trailingHeaders === undefined) return NOTHING;
    return {
      type: "finalBlocks",
      blocks: blocks.slice(0, provenCount),
      openings: openings.slice(0, provenCount),
      trailingHeaders,
      commitCertificate: certificate,
    };
  }

  /** As many blocks as fit, with what their sealed lanes and bundles turned out to be and the certificate of each. */
  function* readRange(fromHeight: Height, count: number): Generator<undefined, ReadRange, undefined> {
    const range: ReadRange = { blocks: [], openings: [], certificates: [] };
    let bytes = 0;
    const last = Math.min(store.finalHeight, fromHeight + Math.min(count, RANGE_BLOCKS_MAX) - 1);
    for (let height = fromHeight; height <= last; height = Height.next(height)) {
      const block = store.blockAt(height);
      const entry = store.finality(height);
      const openings = block === undefined ? undefined : openingsOf(block);
      if (block === undefined || entry === undefined || openings === undefined) break;
      bytes += bytesOf(block) + openings.reduce((total, opening) => total + openingBytesOf(opening), OPENINGS_OVERHEAD_BYTES);
      if (bytes > RANGE_BYTES_MAX) break;
      range.blocks.push(block);
      range.openings.push(openings);
      range.certificates.push(entry.certificate);
      if (range.blocks.length % SLICE === 0) yield;
    }
    return range;
  }

  /** Undefined: too many, or not all of them are here. */
  function* readHeaders(first: Height, last: Height): Generator<undefined, readonly BlockHeader[] | undefined, undefined> {
    if (last - first >= RANGE_HEADERS_MAX || last > store.finalHeight) return undefined;
    const found: BlockHeader[] = [];
    for (let height = first; height <= last; height = Height.next(height)) {
      let header = headers.get(height);
      if (header === undefined) {
        header = store.blockAt(height)?.header;
        if (header === undefined) return undefined;
        remember(height, header);
        if (height % SLICE === 0) yield;
      }
      found.push(header);
    }
    return found;
  }

  /** Undefined: the block has a sealed lane or a bundle and is not executed here. */
  function openingsOf({ header }: Block): readonly Opening[] | undefined {
    const count = openingCountOf(header);
    if (count === 0) return [];
    const openings = store.operation(header.height)?.openings;
    return openings?.length === count ? openings : undefined;
  }

  function remember(height: Height, header: BlockHeader): void {
    headers.set(height, header);
    const [oldest] = headers.keys();
    if (headers.size > HEADERS_CACHED_MAX && oldest !== undefined) headers.delete(oldest);
  }

  function block(hash: BlockHash, request: SyncRequest): SyncResponse {
    return replica.answer(request) ?? { type: "block", block: store.blockByHash(hash) };
  }

  return function* (request) {
    switch (request.type) {
      case "status":
        return { type: "status", status: options.currentStatus() };
      case "finalBlocks":
        return yield* finalBlocks(request.fromHeight, request.count);
      case "block":
        return block(request.hash, request);
      case "timeoutCertificates":
        return replica.answer(request) ?? { type: "timeoutCertificates", certificates: [] };
      case "transactions":
        return replica.answer(request) ?? { type: "transactions", transactions: [] };
    }
  };
}

/** At most what the block's encoding takes. */
function bytesOf({ header, lists, bid }: Block): number {
  const listed = lists.reduce((total, { entries }) => total + LIST_OVERHEAD_BYTES + LISTED_BYTES * entries.length, 0);
  const bidBytes = bid === undefined ? 0 : BID_OVERHEAD_BYTES + bid.bundle.length;
  return header.bodyBytes + 4 * header.transactionCount + BLOCK_OVERHEAD_BYTES + listed + bidBytes;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
