/** Registered assets: number → issuer and decimals. Few and rarely changed; a Map of numbers finds their slots. */

import { copyWords } from "./amounts.ts";
import type { HashBatch } from "./hash_batch.ts";
import { TABLE_DEPTHS } from "./limits.ts";
import { ASSET, ID_WORDS } from "./record_layout.ts";
import { RecordTable, recordOffset } from "./record_table.ts";
import type { Undoable, UndoLog } from "./undo_log.ts";

const ACTION_ADDED = 1;

export class AssetStore implements Undoable {
  readonly table: RecordTable;
  readonly #slots = new Map<number, number>();
  readonly #undo: UndoLog;

  constructor(options: { readonly batch: HashBatch; readonly undo: UndoLog }) {
    this.table = new RecordTable({ depth: TABLE_DEPTHS.assets, batch: options.batch, keepsBefore: false });
    this.#undo = options.undo;
  }

  has(asset: number): boolean {
    return this.#slots.has(asset);
  }

  /** Number of registered assets. */
  get count(): number {
    return this.#slots.size;
  }

  slotOf(asset: number): number {
    return this.#slots.get(asset) ?? 0;
  }

  add(options: { readonly asset: number; readonly decimals: number; readonly issuer: Uint32Array; readonly issuerSlot: number }): void {
    const slot = this.table.append();
    const words = this.table.prepare(slot);
    const at = recordOffset(slot);
    copyWords(words, at + ASSET.issuer, options.issuer, 0, ID_WORDS);
    words[at + ASSET.asset] = options.asset;
    words[at + ASSET.decimals] = options.decimals;
    words[at + ASSET.issuerSlot] = options.issuerSlot;
    this.#slots.set(options.asset, slot);
    this.#undo.saveAction(this, ACTION_ADDED, options.asset);
  }

  undo(_action: number, asset: number): void {
    this.#slots.delete(asset);
    this.table.removeNewest();
  }

  /** Finds the assets of a loaded table; false when a number appears twice. */
  rebuild(): boolean {
    for (let slot = 1; slot < this.table.count; slot++) {
      this.#slots.set(this.table.words(slot)[recordOffset(slot) + ASSET.asset] as number, slot);
    }
    return this.#slots.size === this.table.count - 1;
  }
}
