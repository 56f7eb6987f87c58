/** A table of 128-byte records in pages of 64 KiB, with its SSZ Merkle tree (L9): the root equals hash_tree_root of
 *  List[ByteVector[128], 2^depth]. Only what changed since the last root is hashed again, in batches. A page that a snapshot
 *  shares is copied before it is written, so that taking a snapshot copies nothing (L12). */

import { assert } from "../types/assert.ts";
import { copyWords } from "./amounts.ts";
import { type HashBatch, NODE_WORDS, type NodeHeap, NodeList } from "./hash_batch.ts";
import { ZERO_ROOTS } from "./pair_hasher.ts";
import { RECORD_BYTES, RECORD_WORDS } from "./record_layout.ts";
import { depthOf, listRoot } from "./state_root.ts";

export const PAGE_DEPTH = 9;
export const PAGE_RECORDS = 2 ** PAGE_DEPTH;
/** Items of node lists: page number · 2^PAGE_SHIFT + node of the page's heap. */
const PAGE_SHIFT = PAGE_DEPTH + 1;
/** The heap above the pages is heap 0 of its own; its nodes take the whole item. */
const TOP_SHIFT = 31;
const SLOT_MASK = PAGE_RECORDS - 1;
const BALANCE_WORDS = 16;

interface Page extends NodeHeap {
  words: Uint32Array;
  isShared: boolean;
}

/** Where a record's words begin inside `RecordTable.words(slot)`. */
export function recordOffset(slot: number): number {
  return (slot & SLOT_MASK) * RECORD_WORDS;
}

export class RecordTable {
  readonly depth: number;
  /** Records in use, the reserved slot 0 included. */
  count = 0;
  /** Slots written since the last root, each once. */
  readonly dirty = new NodeList();
  /** Balances (words 16 to 31) of each dirty slot before its first change, in the order of `dirty`; only if asked for (L1). */
  before: Uint32Array | undefined;
  #pages: Page[] = [];
  #top: NodeHeap = emptyHeap(0, PAGE_DEPTH);
  #topDepth = 0;
  /** As of the last `root()`. */
  #root: Uint8Array | undefined;
  readonly #batch: HashBatch;

  constructor(options: { readonly depth: number; readonly batch: HashBatch; readonly keepsBefore: boolean }) {
    this.depth = options.depth;
    this.#batch = options.batch;
    this.before = options.keepsBefore ? new Uint32Array(64 * BALANCE_WORDS) : undefined;
    this.append();
  }

  /** The page that holds `slot`, for reading; invalid after the next write to the table. */
  words(slot: number): Uint32Array {
    return (this.#pages[slot >>> PAGE_DEPTH] as Page).words;
  }

  /** Call before each change of a record; returns the page to write to. */
  prepare(slot: number): Uint32Array {
    const page = this.#pages[slot >>> PAGE_DEPTH] as Page;
    if (page.isShared) unshare(page);
    const leaf = PAGE_RECORDS + (slot & SLOT_MASK);
    if (page.flags[leaf] === 0) this.#markDirty(page, leaf, slot);
    return page.words;
  }

  /** A new zero record at the end; returns its slot. */
  append(): number {
    const slot = this.count++;
    assert(slot < 2 ** this.depth, "a table stays within its tree");
    if (slot >>> PAGE_DEPTH === this.#pages.length) this.#addPage();
    this.prepare(slot);
    return slot;
  }

  /** Takes back the newest `append`. */
  removeNewest(): void {
    const slot = this.count - 1;
    assert(slot > 0, "the reserved slot stays");
    const words = this.prepare(slot);
    words.fill(0, recordOffset(slot), recordOffset(slot) + RECORD_WORDS);
    this.count--;
  }

  /** Brings the tree up to date and returns the table's root; clears `dirty`. */
  root(): Uint8Array {
    // Most blocks leave most tables alone, and an idle chain all of them. Every change of a record or of their number makes one dirty.
    if (this.#root !== undefined && this.dirty.count === 0) return this.#root;
    let level = this.#hashDirtyRecords();
    for (let depth = PAGE_DEPTH; depth > 0; depth--) {
      this.#batch.hashNodes(this.#pages, level, PAGE_SHIFT);
      level = depth > 1 ? parentsOf(this.#pages, level, PAGE_SHIFT) : this.#liftPageRoots(level);
    }
    for (let depth = this.#topDepth; depth > 0; depth--) {
      this.#batch.hashNodes([this.#top], level, TOP_SHIFT);
      level = parentsOf([this.#top], level, TOP_SHIFT);
    }
    const fromDepth = PAGE_DEPTH + this.#topDepth;
    const { depth, count } = this;
    this.#root = listRoot(nodeBytes(this.#top.nodes, 1), { fromDepth, depth, count }, (left, right) => this.#batch.hashPair(left, right));
    return this.#root;
  }

  /** Root of the subtree over one page, as of the last `root()`. */
  pageRoot(page: number): Uint8Array {
    return nodeBytes((this.#pages[page] as Page).nodes, 1);
  }

  /** Sibling nodes from the record up to the smallest full tree over `count` records; above that, siblings are ZERO_ROOTS. */
  siblings(slot: number): Uint8Array[] {
    const page = this.#pages[slot >>> PAGE_DEPTH] as Page;
    const siblings: Uint8Array[] = [];
    const levels = depthOf(this.count);
    let node = PAGE_RECORDS + (slot & SLOT_MASK);
    for (; siblings.length < levels && node > 1; node >>>= 1) siblings.push(nodeBytes(page.nodes, node ^ 1));
    node = 2 ** this.#topDepth + (slot >>> PAGE_DEPTH);
    for (; siblings.length < levels; node >>>= 1) siblings.push(nodeBytes(this.#top.nodes, node ^ 1));
    return siblings;
  }

  record(slot: number): Uint8Array {
    const at = recordOffset(slot) * 4;
    return new Uint8Array(this.words(slot).buffer, at, RECORD_BYTES).slice();
  }

  /** The pages as bytes, the last one cut behind its last record. They are shared, not copied: never write or transfer them. */
  share(): Uint8Array[] {
    return this.#pages.slice(0, Math.ceil(this.count / PAGE_RECORDS)).map((page, index) => {
      page.isShared = true;
      const records = Math.min(PAGE_RECORDS, this.count - index * PAGE_RECORDS);
      return new Uint8Array(page.words.buffer, 0, records * RECORD_BYTES);
    });
  }

  /** Replaces a fresh table's content; every record is dirty afterwards. */
  load(pages: readonly Uint8Array[], count: number): void {
    assert(this.count === 1, "only a fresh table is loaded");
    this.prepare(0);
    while (this.count < count) this.append();
    for (const [index, bytes] of pages.entries()) new Uint8Array((this.#pages[index] as Page).words.buffer).set(bytes);
  }

  #markDirty(page: Page, leaf: number, slot: number): void {
    page.flags[leaf] = 1;
    if (this.before !== undefined) {
      const at = this.dirty.count * BALANCE_WORDS;
      if (at === this.before.length) {
        const larger = new Uint32Array(2 * at);
        larger.set(this.before);
        this.before = larger;
      }
      copyWords(this.before, at, page.words, recordOffset(slot) + BALANCE_WORDS, BALANCE_WORDS);
    }
    this.dirty.push(slot);
  }

  #addPage(): void {
    const heap = emptyHeap(PAGE_DEPTH, 0);
    this.#pages.push({ ...heap, words: new Uint32Array(PAGE_RECORDS * RECORD_WORDS), isShared: false });
    if (this.#pages.length <= 2 ** this.#topDepth) return;
    const larger = emptyHeap(this.#topDepth + 1, PAGE_DEPTH);
    for (let level = 0; level <= this.#topDepth; level++) {
      const width = 2 ** level;
      larger.nodes.set(this.#top.nodes.subarray(width * NODE_WORDS, 2 * width * NODE_WORDS), 2 * width * NODE_WORDS);
    }
    this.#top = larger;
    this.#topDepth++;
  }

  /** Leaves of the page heaps; a slot that was taken back becomes an empty leaf again. Returns the dirty parents. */
  #hashDirtyRecords(): NodeList {
    const { dirty } = this;
    this.#batch.hashRecords(
      dirty.count,
      (index, target, at) => {
        const slot = dirty.items[index] as number;
        copyWords(target, at, this.words(slot), recordOffset(slot), RECORD_WORDS);
      },
      (index, source, at) => {
        const slot = dirty.items[index] as number;
        const page = this.#pages[slot >>> PAGE_DEPTH] as Page;
        const leaf = PAGE_RECORDS + (slot & SLOT_MASK);
        if (slot < this.count) copyWords(page.nodes, leaf * NODE_WORDS, source, at, NODE_WORDS);
        else page.nodes.fill(0, leaf * NODE_WORDS, (leaf + 1) * NODE_WORDS);
        page.flags[leaf] = 0;
      },
    );
    const parents = new NodeList();
    for (let index = 0; index < dirty.count; index++) {
      const slot = dirty.items[index] as number;
      const parent = (PAGE_RECORDS + (slot & SLOT_MASK)) >>> 1;
      flagOnce((this.#pages[slot >>> PAGE_DEPTH] as Page).flags, parent, (slot >>> PAGE_DEPTH) * 2 ** PAGE_SHIFT + parent, parents);
    }
    dirty.count = 0;
    return parents;
  }

  /** Copies changed page roots to the bottom of the top heap; returns their dirty parents there. */
  #liftPageRoots(changed: NodeList): NodeList {
    const parents = new NodeList();
    for (let index = 0; index < changed.count; index++) {
      const page = (changed.items[index] as number) >>> PAGE_SHIFT;
      const node = 2 ** this.#topDepth + page;
      copyWords(this.#top.nodes, node * NODE_WORDS, (this.#pages[page] as Page).nodes, NODE_WORDS, NODE_WORDS);
      if (node > 1) flagOnce(this.#top.flags, node >>> 1, node >>> 1, parents);
    }
    return parents;
  }
}

function unshare(page: Page): void {
  page.words = page.words.slice();
  page.isShared = false;
}

function nodeBytes(nodes: Uint32Array, node: number): Uint8Array {
  return new Uint8Array(nodes.buffer, node * NODE_WORDS * 4, NODE_WORDS * 4).slice();
}

function flagOnce(flags: Uint8Array, node: number, item: number, list: NodeList): void {
  if (flags[node] !== 0) return;
  flags[node] = 1;
  list.push(item);
}

function parentsOf(heaps: readonly NodeHeap[], list: NodeList, shift: number): NodeList {
  const parents = new NodeList();
  const mask = 2 ** shift - 1;
  for (let index = 0; index < list.count; index++) {
    const item = list.items[index] as number;
    const parent = (item & mask) >>> 1;
    if (parent === 0) continue;
    const heap = item >>> shift;
    flagOnce((heaps[heap] as NodeHeap).flags, parent, heap * 2 ** shift + parent, parents);
  }
  return parents;
}

/** A heap over 2^depth empty subtrees of the given depth. */
function emptyHeap(depth: number, subtreeDepth: number): NodeHeap {
  const nodes = new Uint32Array(2 ** (depth + 1) * NODE_WORDS);
  for (let level = 0; level <= depth; level++) {
    const zero = new Uint32Array((ZERO_ROOTS[subtreeDepth + depth - level] as Uint8Array).slice().buffer);
    for (let node = 2 ** level; node < 2 ** (level + 1); node++) nodes.set(zero, node * NODE_WORDS);
  }
  return { nodes, flags: new Uint8Array(2 ** (depth + 1)) };
}
