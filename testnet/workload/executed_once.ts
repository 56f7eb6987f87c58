/** No transaction takes effect twice: by hash and by (sender, nonce), from the receipts that validators report. A block of an honest
 *  leader holds no transaction twice and none whose nonce an earlier final block used; a traitor's may, and then it has no effect.
 *  The null application keeps no record of what was ordered (a known gap), so there only repetition within one block counts. */

import type { TransactionReceipt } from "../../types/application.ts";
import type { AuditedBlock } from "./predictors.ts";

/** Codes of a transaction as a whole below this left its nonce unused; 0 aside. */
const NONCE_USED_FROM = 108;

export interface ExecutedOnce {
  /** The next block, with the receipts that a validator reported. What must not be is returned. */
  take(ordered: {
    readonly block: AuditedBlock;
    readonly receipts: readonly TransactionReceipt[];
    /** Of the bundle's transactions that took effect. */
    readonly bundleReceipts?: readonly TransactionReceipt[];
    readonly isHonestProposer: boolean;
  }): string | undefined;
}

export function createExecutedOnce(): ExecutedOnce {
  /** Height at which each took effect. */
  const byHash = new Map<string, number>();
  const byNonce = new Map<string, number>();

  return {
    take({ block: { header, transactions, bundle = [] }, receipts, bundleReceipts = [], isHonestProposer }) {
      const here = new Set<string>();
      const where = `at height ${header.height}`;
      for (const [index, { hash, payload, sealed }] of transactions.entries()) {
        const named = payload ?? sealed?.envelope;
        if (here.has(hash) && isHonestProposer)
          return `The block ${where} by honest validator ${header.proposer} holds transaction ${hash} twice.`;
        here.add(hash);
        if (named === undefined) continue;
        const before = byHash.get(hash);
        if (before !== undefined && isHonestProposer) {
          return `Honest validator ${header.proposer} ordered transaction ${hash} ${where} again; it took effect at height ${before}.`;
        }
        const code = receipts[index]?.code ?? 0;
        if (code !== 0 && code < NONCE_USED_FROM) continue;
        const name = `${named.sender}/${named.nonce}`;
        const used = byHash.get(hash) ?? byNonce.get(name);
        if (used !== undefined) {
          return `Transaction ${hash} ${where} took effect with code ${code}, but nonce ${named.nonce} of ${named.sender} was used at height ${used}.`;
        }
        byHash.set(hash, header.height);
        byNonce.set(name, header.height);
      }
      const grouped = new Map(bundle.flatMap(({ hashes, payloads = [] }) => payloads.map((payload, index) => [hashes[index], payload])));
      for (const { hash, code } of bundleReceipts) {
        const payload = grouped.get(hash);
        const name = `${payload?.sender}/${payload?.nonce}`;
        const used = byHash.get(hash) ?? byNonce.get(name);
        if (used !== undefined)
          return `Transaction ${hash} of the bundle ${where} took effect with code ${code}, and at height ${used} as well.`;
        // Whoever orders it again could not know: it was not open yet.
        byNonce.set(name, header.height);
      }
      return undefined;
    },
  };
}
