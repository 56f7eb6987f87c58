/** The tail of a block: which of the waiting open transactions, and in which order.
 *
 *  K1 the tail keeps the pool's order, except that the transactions of one sender ascend by nonce within the places that they have. K2 under scarcity
 *  the best paid for their share of bytes and operations are taken, a sender's later transaction never without its earlier ones. Messages of the key
 *  generation pay nobody and come first: without them there is no sealing key. */

import type { ParsedTransaction } from "../types/application.ts";
import type { Height } from "../types/ids.ts";
import { nonceKeyOf } from "./bundle.ts";
import { compareDensity, type Dense, tailCostOf } from "./density.ts";

export interface TailLimits {
  readonly transactionsMax: number;
  readonly bytesMax: number;
  readonly operationsMax: number;
  /** Messages of the key generation. */
  readonly keygenMax: number;
  /** Transactions that are looked at. */
  readonly candidatesMax: number;
}

export interface PricedTransaction {
  readonly transaction: ParsedTransaction;
  /** What it brings, in the smallest unit of the fee asset; may be negative. */
  readonly gain: bigint;
}

/** K1: what may stand in the tail at all: open, not expired, each nonce once. */
export function candidatesOf(
  transactions: readonly ParsedTransaction[],
  { height, limits }: { readonly height: Height; readonly limits: TailLimits },
): readonly ParsedTransaction[] {
  const candidates: ParsedTransaction[] = [];
  const nonces = new Set<string>();
  let keygenCount = 0;
  for (const transaction of transactions) {
    if (candidates.length >= limits.candidatesMax) break;
    if (transaction.sealed !== undefined || transaction.expiryHeight < height) continue;
    if (transaction.keygen !== undefined && ++keygenCount > limits.keygenMax) continue;
    const key = transaction.keygen === undefined ? nonceKeyOf(transaction) : transaction.hash;
    if (nonces.has(key)) continue;
    nonces.add(key);
    candidates.push(transaction);
  }
  return inNonceOrder(candidates);
}

/** K2: what fits, in the order given. */
export function chooseTail(candidates: readonly PricedTransaction[], limits: TailLimits): readonly PricedTransaction[] {
  const room = createRoom(limits);
  if (candidates.every(({ transaction }) => room.take(transaction))) return candidates;
  const taken = new Set<PricedTransaction>();
  const left = createRoom(limits);
  const senders = new Set<string>();
  for (const candidate of byDensity(candidates, limits)) {
    const { transaction } = candidate;
    const isChained = hasChain(transaction);
    if (isChained && senders.has(transaction.sender)) continue;
    if (left.take(transaction)) taken.add(candidate);
    else if (isChained) senders.add(transaction.sender);
  }
  return candidates.filter((candidate) => taken.has(candidate));
}

/** Does the order of its sender's nonces bind it? */
const hasChain = ({ sender, keygen }: ParsedTransaction): boolean => sender !== "" && keygen === undefined;

function createRoom(limits: TailLimits) {
  let [count, bytes, operations] = [0, 0, 0];
  return {
    /** Takes it if it fits. */
    take({ bytes: encoded, operationCount }: ParsedTransaction): boolean {
      const isFitting =
        count < limits.transactionsMax && bytes + encoded.length <= limits.bytesMax && operations + operationCount <= limits.operationsMax;
      if (!isFitting) return false;
      count++;
      bytes += encoded.length;
      operations += operationCount;
      return true;
    },
  };
}

/** Key generation first, then by density, where a transaction counts as its sender's least dense one up to it: so none comes before an earlier one of
 *  its sender, and a cheap one holds back those behind it. Ties keep the order given. */
function byDensity(candidates: readonly PricedTransaction[], limits: TailLimits): readonly PricedTransaction[] {
  const least = new Map<string, Dense>();
  const ranked = candidates.map((candidate, place) => {
    const { transaction, gain } = candidate;
    let rank: Dense = { gain, cost: tailCostOf(transaction, limits) };
    if (hasChain(transaction)) {
      const before = least.get(transaction.sender);
      if (before !== undefined && compareDensity(before, rank) > 0) rank = before;
      least.set(transaction.sender, rank);
    }
    return { candidate, rank, place, isFirst: transaction.keygen !== undefined };
  });
  ranked.sort((left, right) => {
    if (left.isFirst !== right.isFirst) return left.isFirst ? -1 : 1;
    return compareDensity(left.rank, right.rank) || left.place - right.place;
  });
  return ranked.map(({ candidate }) => candidate);
}

/** The places of each sender's transactions stay; within them the nonces ascend. */
function inNonceOrder(transactions: readonly ParsedTransaction[]): readonly ParsedTransaction[] {
  const bySender = new Map<string, ParsedTransaction[]>();
  for (const transaction of transactions) {
    if (!hasChain(transaction)) continue;
    const own = bySender.get(transaction.sender);
    if (own === undefined) bySender.set(transaction.sender, [transaction]);
    else own.push(transaction);
  }
  for (const own of bySender.values()) own.sort((left, right) => right.nonce - left.nonce);
  return transactions.map((transaction) =>
    hasChain(transaction) ? (bySender.get(transaction.sender)?.pop() ?? transaction) : transaction,
  );
}
