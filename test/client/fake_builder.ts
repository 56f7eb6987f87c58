/** A builder beside the fake node: the node's own handlers and the builder's own pool in front of the node's ledger. Every question about a
 *  waiting bundle after the first makes a block: what the ledger's simulation takes is offered in one and included in the next, and
 *  what fails twice is over. */

import { failureOf } from "../../builder/bundle.ts";
import { type BundlePool, createBundlePool } from "../../builder/bundle_pool.ts";
import type { Account } from "../../client/keys.ts";
import { signOpen } from "../../client/open.ts";
import { builderRegister } from "../../client/operations.ts";
import { verifyEd25519 } from "../../crypto/ed25519_noble.ts";
import { sha256 } from "../../crypto/hashes.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { BundleRequest, SubmitBundleResult } from "../../node/bundle_ingress.ts";
import type { BuilderCore, LanePlace } from "../../node/rpc/core.ts";
import type { ParsedTransaction, TransactionReceipt } from "../../types/application.ts";
import { fromHex, toHex } from "../../types/bytes.ts";
import type { AccountId, BlockHash, BundleId, ChainId } from "../../types/ids.ts";
import { Height, TimestampMs } from "../../types/ids.ts";
import { appOf } from "../node/fake_core.ts";

export const BOND = 5_000n;
/** What it pays for a block. */
export const VALUE = 3n;

export interface FakeBuilder {
  /** To what only a builder answers. */
  answer(path: string, init: { readonly method: string; readonly body?: Uint8Array<ArrayBuffer> }): Promise<Response>;
  /** Loses all bundles, as a restart does. */
  forget(): void;
}

interface Executed {
  readonly transaction: ParsedTransaction;
  readonly height: Height;
  readonly receipt: TransactionReceipt;
  readonly place: LanePlace;
}

export function createFakeBuilder(given: {
  readonly ledger: Ledger;
  readonly chainId: ChainId;
  readonly account: Account;
  /** Its blocks go to this validator. */
  readonly proposer: AccountId;
  readonly onExecuted: (executed: Executed) => void;
}): FakeBuilder {
  const { ledger, account, proposer, onExecuted } = given;
  register(given);
  let pool: BundlePool = createBundlePool();
  let won = 0;
  const asked = new Map<BundleId, number>();
  const next = () => ({ height: Height.next(ledger.height), timeMs: TimestampMs.of(1_000 + ledger.height) });

  async function submitBundle({ from, to, tip, transactions }: BundleRequest): Promise<SubmitBundleResult> {
    const parsed: ParsedTransaction[] = [];
    for (const [position, bytes] of transactions.entries()) {
      const result = ledger.parse(bytes);
      if (!result.ok) return { ok: false, refusal: result.refusal, position };
      const { signature: check } = result;
      if (check === undefined || !verifyEd25519(check.publicKey, check.message, check.signature)) throw new Error("badly signed");
      parsed.push(result.transaction);
    }
    const added = pool.add({ from, to, tip, transactions: parsed });
    return added.ok ? added : { ok: false, refusal: added.refusal, position: undefined };
  }

  /** One block, with the bundle when it was offered for this height; after it has failed once, as many as end it. */
  function makeBlocks(id: BundleId): void {
    const bundle = pool.get(id);
    const status = pool.statusOf(id);
    if (bundle === undefined || status === undefined) return;
    const { height, timeMs } = next();
    if (status.type === "offered") {
      const built = { builder: account.id, value: VALUE, proposer, failed: false };
      const done = ledger.execute({ height, timeMs, transactions: [], opened: [], built, bundle: [bundle.transactions] }).bundle?.[0];
      if (done?.isIncluded !== true) throw new Error("what was simulated runs");
      const blockHash = toHex<BlockHash>(sha256(fromHex(id)));
      pool.finishIncluded(id, { height, blockHash, group: 0 });
      won += 1;
      for (const [position, receipt] of done.receipts.entries()) {
        const place = { lane: "bundle", position, builder: account.id, paid: VALUE } as const;
        onExecuted({ transaction: bundle.transactions[position] as ParsedTransaction, height, receipt, place });
      }
    } else {
      const groups = [{ transactions: bundle.transactions, isAllOrNone: true }];
      const [found] = ledger.simulate?.({ height, timeMs, payee: account.id, groups }) ?? [];
      if (found === undefined) throw new Error("the chain takes builders");
      const { result, gain } = found;
      const hasFailed = status.type === "pending" && status.last !== undefined;
      do ledger.execute({ ...next(), transactions: [], opened: [] });
      while (hasFailed && ledger.height < bundle.lastHeight);
      if (!result.isIncluded) {
        pool.noteMeasured(id, { reason: { type: "simulationFailed", ...failureOf(result) } });
      } else if (gain < bundle.tip) {
        pool.noteMeasured(id, { reason: { type: "tipNotPaid", declared: bundle.tip, measured: gain } });
      } else {
        pool.noteMeasured(id, { gain });
        pool.noteOffered(id, { height: Height.next(height), sequence: 1, value: VALUE });
      }
    }
    pool.advance({ height: ledger.height });
  }

  const core = {
    account: account.id,
    get registered() {
      const found = ledger.builderOf?.(account.id);
      return found === undefined ? undefined : { ...found, isActive: found.isActiveAt(next().height) };
    },
    get status() {
      const counts = { bids: won + 1, resent: 2, won, lost: 4, recentLosses: 4, failed: 0, open: 1 };
      const bundles = { count: pool.count, bytes: pool.bytes };
      return { account: account.id, strategy: "plain", finalHeight: ledger.height, ...counts, paid: VALUE * BigInt(won), bundles };
    },
    standing: { type: "active" },
    lastBid: undefined,
    links: 4,
    submitBundle,
    bundle(id: BundleId) {
      asked.set(id, (asked.get(id) ?? 0) + 1);
      if (asked.get(id) !== 1) makeBlocks(id);
      return pool.statusOf(id);
    },
  } satisfies BuilderCore;

  const app = appOf({ builder: core, describeCode: (code) => ledger.describeCode(code) });
  return {
    answer: async (path, { method, body }) => app.request(path, { method, ...(body === undefined ? {} : { body }) }),
    forget() {
      pool = createBundlePool();
    },
  };
}

/** Block 1: nobody builds before it has a bond. */
function register({ ledger, chainId, account }: { readonly ledger: Ledger; readonly chainId: ChainId; readonly account: Account }): void {
  const operations = [builderRegister({ feeRecipient: account.id, bond: BOND, endpoint: { ipv4: [192, 0, 2, 7], port: 8_080 } })];
  const signed = signOpen({ account, chainId, nonce: 0, expiryHeight: Height.of(9), feeMax: 100n, operations });
  const parsed = signed.ok ? ledger.parse(signed.transaction.bytes) : undefined;
  if (parsed?.ok !== true) throw new Error("a registration is taken");
  const block = { height: Height.of(1), timeMs: TimestampMs.of(1_000), transactions: [parsed.transaction], opened: [] };
  if (ledger.execute(block).receipts[0]?.code !== 0) throw new Error("the builder can pay its bond");
}
