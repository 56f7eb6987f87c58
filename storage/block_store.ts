/** Encoded blocks in append-only segments, synced before the journal frame that names them is written, so that a safety
 *  record never refers to a block that is not there. A block's place is kept by the journal, then by the finality log. */

import { type Block, blockCodec } from "../types/block.ts";
import { fromHex } from "../types/bytes.ts";
import type { BlockHash } from "../types/ids.ts";
import { ByteReader } from "./byte_io.ts";
import { BoundedCache } from "./cache.ts";
import { corruptError, versionError } from "./errors.ts";
import type { StoreLimits } from "./limits.ts";
import type { FrameLocation, LogPosition, SegmentedLog } from "./segmented_log.ts";

export class BlockStore {
  readonly #log: SegmentedLog;
  readonly #cache: BoundedCache<BlockHash, Block>;

  constructor(log: SegmentedLog, limits: StoreLimits) {
    this.#log = log;
    this.#cache = new BoundedCache(limits);
  }

  get end(): LogPosition {
    return this.#log.end;
  }

  /** Appends and syncs. */
  save(blocks: readonly { readonly blockHash: BlockHash; readonly block: Block }[]): FrameLocation[] {
    const payloads = blocks.map(({ blockHash, block }) => [fromHex(blockHash), blockCodec.encode(block)]);
    const locations = this.#log.append(payloads);
    this.#log.sync();
    return locations;
  }

  /** Throws StoreError "corrupt" when the place does not hold this block. */
  read(blockHash: BlockHash, location: FrameLocation): Block {
    const cached = this.#cache.get(blockHash);
    if (cached !== undefined) return cached;
    const payload = this.#log.read(location);
    const reader = new ByteReader(payload);
    if (reader.hash<BlockHash>() !== blockHash) throw corruptError(`The block store holds another block in the place of ${blockHash}.`);
    const decoded = blockCodec.decode(payload.subarray(32));
    if (!decoded.ok && decoded.reason === "unknownVersion") throw versionError(`Block ${blockHash}`);
    if (!decoded.ok) throw corruptError(`Block ${blockHash} passes its checksum and cannot be decoded (${decoded.reason}).`);
    this.#cache.set(blockHash, decoded.value, payload.length);
    return decoded.value;
  }

  close(): void {
    this.#log.close();
  }
}
