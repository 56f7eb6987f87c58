/** Sealed transactions that inclusion lists name and that our pool does not hold. Pools of honest validators differ: one took another envelope
 *  of the same nonce, is full, or has let one go since its sender cannot pay any more. Their lists must count all the same, else a client could
 *  keep leaders from ever having enough of them. It judges nothing: whoever hands a transaction in has had signature and seal checked.
 *
 *  Q1 bounded for each validator whose list made us fetch it, in number and bytes; the oldest of that validator gives way. So who names what
 *  nobody else has uses up its own room only. Q2 what our own pool let go has our own room. */

import type { ParsedTransaction } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import type { Height, TransactionHash, ValidatorIndex } from "../types/ids.ts";
import { listBytesMax, listEntriesMax } from "../types/inclusion_list.ts";

export interface ListedStore {
  /** A transaction that is held already stays where it is. */
  keep(validator: ValidatorIndex, transaction: ParsedTransaction): void;
  get(id: TransactionHash): ParsedTransaction | undefined;
  remove(ids: readonly TransactionHash[]): void;
  /** Drops what can no longer be ordered when `height` is the lowest height still to be ordered. Walks the store. */
  expire(height: Height): void;
  readonly count: number;
  /** Transactions taken so far. */
  readonly keptCount: number;
}

interface Kept {
  readonly transaction: ParsedTransaction;
  readonly validator: ValidatorIndex;
}

/** The room of one validator, the oldest transaction first. */
interface Room {
  readonly ids: Set<TransactionHash>;
  bytes: number;
}

export function createListedStore(validatorCount: number): ListedStore {
  const countMax = listEntriesMax(validatorCount);
  const bytesMax = listBytesMax(validatorCount);
  const rooms: readonly Room[] = Array.from({ length: validatorCount }, () => ({ ids: new Set<TransactionHash>(), bytes: 0 }));
  const kept = new Map<TransactionHash, Kept>();
  let keptCount = 0;

  function roomOf(validator: ValidatorIndex): Room {
    const room = rooms[validator];
    assert(room !== undefined, "lists are of validators");
    return room;
  }

  function drop(id: TransactionHash): void {
    const known = kept.get(id);
    if (known === undefined) return;
    kept.delete(id);
    const room = roomOf(known.validator);
    room.ids.delete(id);
    room.bytes -= known.transaction.bytes.length;
  }

  return {
    keep(validator, transaction) {
      const { hash, bytes } = transaction;
      if (kept.has(hash) || bytes.length > bytesMax) return;
      const room = roomOf(validator);
      for (const oldest of room.ids) {
        if (room.ids.size < countMax && room.bytes + bytes.length <= bytesMax) break;
        drop(oldest);
      }
      kept.set(hash, { transaction, validator });
      room.ids.add(hash);
      room.bytes += bytes.length;
      keptCount++;
    },
    get: (id) => kept.get(id)?.transaction,
    remove(ids) {
      for (const id of ids) drop(id);
    },
    expire(height) {
      for (const [id, { transaction }] of kept) if (transaction.expiryHeight < height) drop(id);
    },
    get count() {
      return kept.size;
    },
    get keptCount() {
      return keptCount;
    },
  };
}
