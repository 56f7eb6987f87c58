/** Snapshots (L12): the tables' pages are the chunks, addressed by the roots of their subtrees; the manifest lists those roots, so
 *  its own Merkle root is the state root. A manifest is proved by `root` before any chunk is there, and each chunk by the manifest.
 *  Taking one copies nothing: pages are shared and copied by the ledger when it next writes to them. */

import { sha256 } from "../crypto/hashes.ts";
import type { StateSnapshot } from "../types/application.ts";
import { bytesEqual, concatBytes, toHex } from "../types/bytes.ts";
import { type Codec, defineCodec, ssz } from "../types/codec.ts";
import { Height, type StateRoot } from "../types/ids.ts";
import { LedgerState, type StateOptions } from "./ledger_state.ts";
import { TABLE_DEPTHS } from "./limits.ts";
import { ZERO_ROOTS } from "./pair_hasher.ts";
import { META, RECORD_BYTES } from "./record_layout.ts";
import { PAGE_DEPTH, PAGE_RECORDS, type RecordTable } from "./record_table.ts";
import { depthOf, listRoot, recordRoot, rootOfFields } from "./state_root.ts";

/** One table: its records, the reserved one included, and the roots of its pages of 512 records. */
interface TableListing {
  readonly count: number;
  readonly pageRoots: readonly Uint8Array[];
}

interface SnapshotManifest {
  readonly meta: Uint8Array;
  readonly tables: readonly TableListing[];
}

const DEPTHS = [TABLE_DEPTHS.accounts, TABLE_DEPTHS.senders, TABLE_DEPTHS.pendings, TABLE_DEPTHS.assets, TABLE_DEPTHS.builders] as const;
const PAGES_MAX = 2 ** (TABLE_DEPTHS.accounts - PAGE_DEPTH);

const manifestType = ssz.container(
  {
    meta: ssz.bytes(RECORD_BYTES),
    tables: ssz.list(ssz.container({ count: ssz.uint32, pageRoots: ssz.list(ssz.bytes(32), PAGES_MAX) }, "TableListing"), DEPTHS.length),
  },
  "SnapshotManifest",
);

const manifestCodec: Codec<SnapshotManifest> = defineCodec({
  name: "SnapshotManifest",
  version: 2,
  type: manifestType,
  bytesMax: DEPTHS.length * PAGES_MAX * 32 + 1024,
  toSsz: (manifest: SnapshotManifest) => ({
    meta: manifest.meta,
    tables: manifest.tables.map(({ count, pageRoots }) => ({ count, pageRoots: [...pageRoots] })),
  }),
  fromSsz: (value) => {
    if (value.tables.length !== DEPTHS.length) return undefined;
    for (const [index, { count, pageRoots }] of value.tables.entries()) {
      if (count === 0 || count > 2 ** (DEPTHS[index] as number) || pageRoots.length !== Math.ceil(count / PAGE_RECORDS)) return undefined;
    }
    return value;
  },
});

/** The state as it stands after `root()`. Chunks are live memory: read them, never write or transfer them. */
export function takeSnapshot(state: LedgerState, root: StateRoot): StateSnapshot {
  const manifest = manifestCodec.encode({ meta: state.meta.bytes, tables: state.tables.map(listTable) });
  return { height: Height.of(state.meta.height), root, manifest, chunks: state.tables.flatMap((table) => table.share()) };
}

/** A new state from a snapshot; undefined unless manifest and chunks are complete and reach the snapshot's root. */
export function restoreState(snapshot: StateSnapshot, options: StateOptions): LedgerState | undefined {
  const decoded = manifestCodec.decode(snapshot.manifest);
  if (!decoded.ok || toHex(rootOfManifest(decoded.value)) !== snapshot.root) return undefined;
  const state = new LedgerState(options);
  const ownChain = state.meta.bytes.subarray(META.chainId * 4, META.height * 4);
  state.meta.words.set(new Uint32Array(decoded.value.meta.slice().buffer));
  if (!bytesEqual(state.meta.bytes.subarray(META.chainId * 4, META.height * 4), ownChain)) return undefined;
  if (state.meta.height !== snapshot.height) return undefined;
  let taken = 0;
  for (const [index, table] of state.tables.entries()) {
    const listing = decoded.value.tables[index] as TableListing;
    const pages = snapshot.chunks.slice(taken, taken + listing.pageRoots.length);
    if (!pages.every((page, at) => page.length === pageBytes(listing.count, at))) return undefined;
    if (pages.length !== listing.pageRoots.length) return undefined;
    table.load(pages, listing.count);
    taken += pages.length;
  }
  if (taken !== snapshot.chunks.length || toHex(state.root()) !== snapshot.root) return undefined;
  const isSound =
    state.accounts.rebuild() && state.assets.rebuild() && state.pendings.rebuild(state.accounts.table.count) && state.builders.rebuild();
  return isSound ? state : undefined;
}

/** Is this the chunk that the manifest lists at `index`? For a peer that fetches chunks one by one from anybody. */
export function isSnapshotChunk(options: { readonly manifest: Uint8Array; readonly index: number; readonly chunk: Uint8Array }): boolean {
  const decoded = manifestCodec.decode(options.manifest);
  if (!decoded.ok) return false;
  let first = 0;
  for (const { count, pageRoots } of decoded.value.tables) {
    const page = options.index - first;
    first += pageRoots.length;
    if (page < 0 || page >= pageRoots.length) continue;
    return options.chunk.length === pageBytes(count, page) && bytesEqual(pageRootOf(options.chunk), pageRoots[page] as Uint8Array);
  }
  return false;
}

/** The state root that the chunks of a manifest reach. */
function rootOfManifest(manifest: SnapshotManifest): Uint8Array {
  const roots = manifest.tables.map(({ count, pageRoots }, index) => {
    const fromDepth = PAGE_DEPTH + depthOf(pageRoots.length);
    return listRoot(mergeLevel(pageRoots, PAGE_DEPTH), { fromDepth, depth: DEPTHS[index] as number, count }, hashPair);
  });
  const [accounts, senders, pendings, assets, builders] = roots as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  return rootOfFields({ accounts, senders, pendings, assets, builders, meta: recordRoot(manifest.meta, hashPair) }, hashPair);
}

function pageRootOf(chunk: Uint8Array): Uint8Array {
  const roots: Uint8Array[] = [];
  for (let at = 0; at < chunk.length; at += RECORD_BYTES) roots.push(recordRoot(chunk.subarray(at, at + RECORD_BYTES), hashPair));
  while (roots.length < PAGE_RECORDS) roots.push(ZERO_ROOTS[0] as Uint8Array);
  return mergeLevel(roots, 0);
}

/** Root over nodes of one depth, padded to a power of two with empty subtrees. */
function mergeLevel(nodes: readonly Uint8Array[], depth: number): Uint8Array {
  let level = nodes;
  for (let above = depth; level.length > 1; above++) {
    const parents: Uint8Array[] = [];
    for (let at = 0; at < level.length; at += 2) {
      parents.push(hashPair(level[at] as Uint8Array, level[at + 1] ?? (ZERO_ROOTS[above] as Uint8Array)));
    }
    level = parents;
  }
  return level[0] as Uint8Array;
}

function listTable(table: RecordTable): TableListing {
  return {
    count: table.count,
    pageRoots: Array.from({ length: Math.ceil(table.count / PAGE_RECORDS) }, (_, page) => table.pageRoot(page)),
  };
}

function pageBytes(count: number, page: number): number {
  return Math.min(PAGE_RECORDS, count - page * PAGE_RECORDS) * RECORD_BYTES;
}

function hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes([left, right]));
}
