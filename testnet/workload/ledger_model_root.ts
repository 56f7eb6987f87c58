/** The state root of the ledger's model: records laid out from the documented layouts, hashed by @chainsafe/ssz. The root of a
 *  record is remembered with it until it changes, and a list of records hashes like the list of their roots, so that a root costs
 *  little more than what changed. Shares no code with `ledger/`. */

import { ByteVectorType, ContainerType, ListCompositeType } from "@chainsafe/ssz";
import { fromHex, toHex } from "../../types/bytes.ts";
import type { ModelAccount, ModelAsset, ModelBuilder, ModelPending, ModelSender } from "./ledger_model_records.ts";

/** What the root is of. Lists are in order of slots; slot 0 of each table is reserved. */
export interface RootedState {
  readonly chainId: string;
  readonly height: number;
  readonly timeMs: number;
  readonly accounts: readonly ModelAccount[];
  readonly senders: readonly ModelSender[];
  readonly pendings: readonly ModelPending[];
  readonly assets: readonly ModelAsset[];
  readonly resolved: readonly number[];
  readonly builders: readonly (ModelBuilder | undefined)[];
  slotOf(id: string, asset: number): number;
}

const record = new ByteVectorType(128);
const leaf = new ByteVectorType(32);
const stateType = new ContainerType({
  accounts: new ListCompositeType(leaf, 2 ** 28),
  senders: new ListCompositeType(leaf, 2 ** 28),
  pendings: new ListCompositeType(leaf, 2 ** 28),
  assets: new ListCompositeType(leaf, 2 ** 16),
  meta: record,
  builders: new ListCompositeType(leaf, 2 ** 16),
});
const EMPTY_LEAF = record.hashTreeRoot(new Uint8Array(128));

export function rootOfModel(state: RootedState): string {
  const { accounts, senders, pendings, assets, resolved, builders } = state;
  const { first, next } = keyOrder(accounts);
  return toHex(
    stateType.hashTreeRoot({
      accounts: [record.hashTreeRoot(layOut([[40, 4, first]])), ...accounts.map((each, at) => accountLeaf(each, next[at] ?? 0))],
      senders: [EMPTY_LEAF, ...senders.map(senderLeaf)],
      pendings: [EMPTY_LEAF, ...pendings.map((each) => pendingLeaf(each, state))],
      assets: [EMPTY_LEAF, ...assets.map((each) => assetLeaf(each, state))],
      meta: layOut([
        [0, 32, state.chainId],
        [32, 8, state.height],
        [40, 8, state.timeMs],
        [48, 4, resolved[0] ?? 0],
        [52, 4, resolved.at(-1) ?? 0],
        [56, 4, resolved.length],
      ]),
      builders: [EMPTY_LEAF, ...builders.map((each) => (each === undefined ? EMPTY_LEAF : builderLeaf(each)))],
    }),
  );
}

/** Slot of the lowest key, and of the next higher key for each account; 0 after the last. */
function keyOrder(accounts: readonly ModelAccount[]): { readonly first: number; readonly next: readonly number[] } {
  const order = [...accounts.keys()].sort((left, right) => compareKeys(accounts[left] as ModelAccount, accounts[right] as ModelAccount));
  const next = new Array<number>(accounts.length).fill(0);
  for (const [rank, at] of order.entries()) next[at] = (order[rank + 1] ?? -1) + 1;
  return { first: (order[0] ?? -1) + 1, next };
}

function compareKeys(left: ModelAccount, right: ModelAccount): number {
  if (left.id !== right.id) return left.id < right.id ? -1 : 1;
  return left.asset - right.asset;
}

type Field = readonly [at: number, length: number, value: string | number | bigint];

function layOut(fields: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(128);
  const view = new DataView(bytes.buffer);
  for (const [at, length, value] of fields) {
    if (typeof value === "string") bytes.set(fromHex(value), at);
    else if (length === 4) view.setUint32(at, Number(value), true);
    else {
      const wide = BigInt(value);
      view.setBigUint64(at, BigInt.asUintN(64, wide), true);
      if (length === 16) view.setBigUint64(at + 8, wide >> 64n, true);
    }
  }
  return bytes;
}

function accountLeaf(account: ModelAccount, next: number): Uint8Array {
  if (account.leaf?.context === next) return account.leaf.root;
  const root = record.hashTreeRoot(
    layOut([
      [0, 32, account.id],
      [32, 4, account.asset],
      [36, 4, account.isIssuer ? 1 : 0],
      [40, 4, next],
      [44, 4, account.sender],
      [64, 16, account.debitsPending],
      [80, 16, account.debitsPosted],
      [96, 16, account.creditsPending],
      [112, 16, account.creditsPosted],
    ]),
  );
  account.leaf = { context: next, root };
  return root;
}

function senderLeaf(sender: ModelSender): Uint8Array {
  if (sender.leaf !== undefined) return sender.leaf.root;
  const base = Math.max(0, sender.highest - 255);
  const bitmap = new Uint8Array(32);
  for (let nonce = base; nonce <= sender.highest; nonce++) {
    if (sender.used.has(nonce)) bitmap[(nonce % 256) >> 3] = (bitmap[(nonce % 256) >> 3] as number) | (1 << (nonce % 8));
  }
  const root = record.hashTreeRoot(
    layOut([
      [0, 32, sender.id],
      [32, 8, base],
      [64, 32, toHex(bitmap)],
    ]),
  );
  sender.leaf = { context: 0, root };
  return root;
}

function pendingLeaf(pending: ModelPending, state: RootedState): Uint8Array {
  if (pending.leaf !== undefined) return pending.leaf.root;
  const root = record.hashTreeRoot(
    layOut([
      [0, 32, pending.payer],
      [32, 8, pending.nonce],
      [40, 4, pending.index],
      [44, 4, pending.state],
      [48, 4, state.slotOf(pending.payer, pending.asset)],
      [52, 4, state.slotOf(pending.payee, pending.asset)],
      [56, 4, pending.queued],
      [64, 16, pending.amount],
      [80, 16, pending.posted],
      [96, 8, pending.expiresAt],
    ]),
  );
  pending.leaf = { context: 0, root };
  return root;
}

function assetLeaf(asset: ModelAsset, state: RootedState): Uint8Array {
  if (asset.leaf !== undefined) return asset.leaf.root;
  const root = record.hashTreeRoot(
    layOut([
      [0, 32, asset.issuer],
      [32, 4, asset.asset],
      [36, 4, asset.decimals],
      [40, 4, state.slotOf(asset.issuer, asset.asset)],
    ]),
  );
  asset.leaf = { context: 0, root };
  return root;
}

function builderLeaf({ id, recipient, bond, ipv4, port, unbondingAt, failures, boxedUntil }: ModelBuilder): Uint8Array {
  const [newest, older] = failures.toReversed();
  return record.hashTreeRoot(
    layOut([
      [0, 32, id],
      [32, 32, recipient],
      [64, 16, bond],
      [80, 4, ipv4],
      [84, 4, port],
      [88, 8, unbondingAt],
      [96, 8, older ?? 0],
      [104, 8, newest ?? 0],
      [112, 8, boxedUntil],
    ]),
  );
}
