/** Sealed transactions that inclusion lists name and that our pool does not hold. Pools of honest validators differ: one took another envelope
 *  of the same nonce, is full, or has let one go since its sender cannot pay any more. Their lists must count all the same, else a client could
 *  keep leaders from ever having enough of them. It checks no signature and no seal: whoever hands a transaction in has had both checked.
 *
 *  Q1 each validator whose list made us fetch something has a room of its own, as large as one list. Q2 a room is a sealed pool: it holds what
 *  an honest validator's pool could hold, one envelope for a nonce, all of a sender's payable together. So a liar's list gets no more ordered
 *  for nothing than its sender could have paid for once. Q3 what our own pool let go waits in a row that drops the oldest. Q4 nothing stays
 *  for more than LISTED_BLOCKS_MAX executed blocks: what is still named is fetched again. */

import type { ParsedTransaction } from "../types/application.ts";
import type { Height, TransactionHash, ValidatorIndex } from "../types/ids.ts";
import { listBytesMax, listEntriesMax } from "../types/inclusion_list.ts";
import { LISTED_BLOCKS_MAX } from "../types/limits.ts";
import type { OpenPoolLimits } from "./open_pool.ts";
import { POOL_REFUSALS } from "./refusals.ts";
import type { CheckPayable, SealedAdmission, SealedPool } from "./sealed_pool.ts";

export interface ListedStore {
  /** Fetched because of a list of this validator, and refused by our pool. */
  keep(validator: ValidatorIndex, transaction: ParsedTransaction, admission: SealedAdmission): void;
  /** Our pool let it go. */
  keepDropped(transaction: ParsedTransaction, height: Height): void;
  get(id: TransactionHash): ParsedTransaction | undefined;
  /** A block was executed; `height` is the lowest height still to be ordered. */
  advance(block: {
    readonly height: Height;
    readonly transactions: readonly ParsedTransaction[];
    readonly checkPayable: CheckPayable;
  }): void;
  readonly count: number;
  /** Transactions taken so far. */
  readonly keptCount: number;
  /** Of these, those that our own pool let go. */
  readonly droppedCount: number;
}

interface Dropped {
  readonly transaction: ParsedTransaction;
  readonly height: Height;
}

export function createListedStore(options: {
  readonly validatorCount: number;
  readonly createRoom: (limits: OpenPoolLimits) => SealedPool;
}): ListedStore {
  const countMax = listEntriesMax(options.validatorCount);
  const bytesMax = listBytesMax(options.validatorCount);
  const rooms = new Map<ValidatorIndex, SealedPool>();
  /** When each transaction of the rooms was taken, the oldest first. */
  const takenAt = new Map<TransactionHash, { readonly height: Height; readonly room: SealedPool }>();
  /** The oldest first. */
  const dropped = new Map<TransactionHash, Dropped>();
  let droppedBytes = 0;
  let keptCount = 0;
  let droppedCount = 0;

  function forgetDropped(id: TransactionHash): void {
    droppedBytes -= dropped.get(id)?.transaction.bytes.length ?? 0;
    dropped.delete(id);
  }

  function roomOf(validator: ValidatorIndex): SealedPool {
    const known = rooms.get(validator);
    if (known !== undefined) return known;
    const room = options.createRoom({ countMax, bytesMax, senderCountMax: countMax + 1 });
    rooms.set(validator, room);
    return room;
  }

  /** One list always fits. What is still named is fetched again. */
  function empty(room: SealedPool): void {
    const ids = [...takenAt].filter(([, taken]) => taken.room === room).map(([id]) => id);
    room.remove(ids);
    for (const id of ids) takenAt.delete(id);
  }

  function keepDropped(transaction: ParsedTransaction, height: Height): void {
    const { hash, bytes } = transaction;
    if (dropped.has(hash) || bytes.length > bytesMax) return;
    for (const oldest of dropped.keys()) {
      if (dropped.size < countMax && droppedBytes + bytes.length <= bytesMax) break;
      forgetDropped(oldest);
    }
    dropped.set(hash, { transaction, height });
    droppedBytes += bytes.length;
    keptCount++;
    droppedCount++;
  }

  return {
    keep(validator, transaction, admission) {
      const { hash } = transaction;
      if (takenAt.has(hash)) return;
      const room = roomOf(validator);
      let added = room.add(transaction, admission);
      if (!added.ok && added.refusal.code === POOL_REFUSALS.poolFull.code) {
        empty(room);
        added = room.add(transaction, admission);
      }
      if (!added.ok) return;
      for (const evicted of added.evicted) takenAt.delete(evicted.hash);
      takenAt.set(hash, { height: admission.height, room });
      keptCount++;
    },
    keepDropped,
    get: (id) => takenAt.get(id)?.room.get(id) ?? dropped.get(id)?.transaction,
    advance({ height, transactions, checkPayable }) {
      const isPast = (entry: { readonly height: Height }): boolean => entry.height + LISTED_BLOCKS_MAX < height;
      for (const { hash } of transactions) forgetDropped(hash);
      for (const [id, entry] of dropped) if (isPast(entry) || entry.transaction.expiryHeight < height) forgetDropped(id);
      for (const [id, entry] of takenAt) {
        if (!isPast(entry)) break;
        entry.room.remove([id]);
      }
      const senders = new Set(transactions.map(({ sender }) => sender));
      for (const room of rooms.values()) {
        if (room.count === 0) continue;
        room.remove(transactions.map(({ hash }) => hash));
        room.expire(height);
        for (const { transaction } of room.recheck(senders, checkPayable)) keepDropped(transaction, height);
      }
      for (const [id, { room }] of takenAt) if (!room.has(id)) takenAt.delete(id);
    },
    get count() {
      return takenAt.size + dropped.size;
    },
    get keptCount() {
      return keptCount;
    },
    get droppedCount() {
      return droppedCount;
    },
  };
}
