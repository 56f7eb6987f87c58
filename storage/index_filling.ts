/** Brings the index up to the logs when a store is opened: what was not written before the last stop, or everything when
 *  the index was deleted, damaged, or does not fit the logs. */

import { assert } from "../types/assert.ts";
import { Height } from "../types/ids.ts";
import { corruptError } from "./errors.ts";
import type { Files } from "./files.ts";
import { IndexDatabase } from "./index_database.ts";
import type { StoreLimits } from "./limits.ts";
import type { StoreParts } from "./recovery.ts";
import type { LogPosition } from "./segmented_log.ts";
import { StoreIndex } from "./store_index.ts";

interface IndexOptions {
  readonly files: Files;
  readonly directory: string;
  readonly limits: StoreLimits;
  readonly parts: StoreParts;
}

/** An index that knows all of the logs. An existing database that cannot be used is thrown away, once. */
export function openIndex(options: IndexOptions): StoreIndex {
  const { files, directory, parts } = options;
  const existing = IndexDatabase.openExisting(files, directory, parts.storeId);
  if (existing !== undefined) {
    try {
      if (fits(existing, parts)) return fill(existing, options);
    } catch (error) {
      // Damage that SQLite met on the way; damage to our own logs meets the second attempt again and is thrown there.
      if (!(error instanceof Error)) throw error;
    }
    existing.close();
  }
  const fresh = IndexDatabase.create(files, directory, parts.storeId);
  try {
    return fill(fresh, options);
  } catch (error) {
    fresh.close();
    throw error;
  }
}

/** Do the last indexed block and operation agree with the logs? */
function fits(database: IndexDatabase, { journal, finality, operations }: StoreParts): boolean {
  const { finalHeight, operationHeight } = database.marks;
  const { live } = journal;
  if (finalHeight > live.finalHeight) return false;
  if (finalHeight > 0 && database.heightOf(finality.entry(finalHeight, live.oldestHeight).blockHash) !== finalHeight) return false;
  if (operationHeight > operations.lastHeight) database.rewindOperations(operations.lastHeight);
  const last = database.marks.operationHeight;
  if (last === Height.ZERO) return true;
  const location = database.operationAt(last);
  return location !== undefined && operations.read(last, location).height === last;
}

function fill(database: IndexDatabase, { limits, parts }: IndexOptions): StoreIndex {
  const { live } = parts.journal;
  const { finality, operations } = parts;
  const index = new StoreIndex(database, limits);
  const first = Math.max(index.marks.finalHeight + 1, live.oldestHeight);
  for (let height = first; live.oldestHeight > 0 && height <= live.finalHeight; height++) {
    index.addFinality([finality.read(Height.of(height), live.oldestHeight)]);
  }
  for (const stored of operations.entries(endOfIndexed(database))) index.addOperations([stored]);
  index.flush();
  const isComplete = index.marks.finalHeight === live.finalHeight && index.marks.operationHeight === operations.lastHeight;
  if (!isComplete) throw corruptError("The logs do not hold all heights that the journal names.");
  return index;
}

/** Where the first operation that is not indexed begins. */
function endOfIndexed(database: IndexDatabase): LogPosition {
  const last = database.marks.operationHeight;
  if (last === Height.ZERO) return { segment: 1, length: 0 };
  const location = database.operationAt(last);
  assert(location !== undefined, "the last indexed operation has a row");
  return { segment: location.segment, length: location.offset + location.length };
}
