/** Answers what peers ask: final blocks from the store, everything that is not final from the machine's memory.
 *  A range ends at a block that its own commit certificate proves, which is what the asker checks. */

import type { Replica } from "../replica/interface.ts";
import type { Store } from "../storage/interface.ts";
import type { Block } from "../types/block.ts";
import { type BlockHash, Height } from "../types/ids.ts";
import { RANGE_BLOCKS_MAX, RANGE_BYTES_MAX } from "../types/limits.ts";
import type { PeerStatus, SyncRequest, SyncResponse } from "../types/sync.ts";
import { CERTIFICATE_BYTES } from "../types/vote.ts";

export interface SyncServerOptions {
  readonly store: Pick<Store, "finalHeight" | "oldestHeight" | "finality" | "blockAt" | "blockByHash">;
  readonly replica: Pick<Replica, "answer">;
  readonly currentStatus: () => PeerStatus;
}

/** Blocks read from the store before the event loop gets its turn. */
const SLICE = 8;
/** What a block's encoding holds besides its transactions, at most. */
const BLOCK_OVERHEAD_BYTES = 512 + 17 * CERTIFICATE_BYTES;

export function createSyncServer(options: SyncServerOptions): (request: SyncRequest) => Promise<SyncResponse> {
  const { store, replica } = options;

  async function finalBlocks(fromHeight: Height, count: number): Promise<SyncResponse> {
    const blocks: Block[] = [];
    let provenCount = 0;
    let bytes = 0;
    const last = Math.min(store.finalHeight, fromHeight + Math.min(count, RANGE_BLOCKS_MAX) - 1);
    for (let height = Number(fromHeight); height <= last; height++) {
      const block = store.blockAt(Height.of(height));
      if (block === undefined) break;
      bytes += block.header.bodyBytes + 4 * block.header.transactionCount + BLOCK_OVERHEAD_BYTES;
      if (bytes > RANGE_BYTES_MAX) break;
      blocks.push(block);
      if (isProvenByOwnCertificate(Height.of(height))) provenCount = blocks.length;
      if (blocks.length % SLICE === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
    const proof = provenCount === 0 ? undefined : store.finality(Height.of(fromHeight + provenCount - 1));
    if (proof === undefined) return { type: "finalBlocks", blocks: [], commitCertificate: undefined };
    return { type: "finalBlocks", blocks: blocks.slice(0, provenCount), commitCertificate: proof.certificate };
  }

  function isProvenByOwnCertificate(height: Height): boolean {
    const entry = store.finality(height);
    return entry !== undefined && entry.certificate.ballot.blockHash === entry.blockHash;
  }

  function block(hash: BlockHash, request: SyncRequest): SyncResponse {
    return replica.answer(request) ?? { type: "block", block: store.blockByHash(hash) };
  }

  return async (request) => {
    switch (request.type) {
      case "status":
        return { type: "status", status: options.currentStatus() };
      case "finalBlocks":
        return finalBlocks(request.fromHeight, request.count);
      case "block":
        return block(request.hash, request);
      case "timeoutCertificates":
        return replica.answer(request) ?? { type: "timeoutCertificates", certificates: [] };
      case "transactions":
        return replica.answer(request) ?? { type: "transactions", transactions: [] };
    }
  };
}
