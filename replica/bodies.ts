/** Bodies of proposed blocks between their proposal and their finality: gathers the transactions that a proposal names
 *  and judges the body. Never asks anybody for anything and never votes.
 *  R2 and R4 rest on its verdict: a block is voted for only while its body is held and valid. */

import { bodyRootOf } from "../crypto/hashes.ts";
import { KEYGEN_BLOCK_MESSAGES_MAX } from "../mempool/keygen_interface.ts";
import type { ParsedTransaction } from "../types/application.ts";
import type { Block, Proposal } from "../types/block.ts";
import type { BlockHash, TransactionHash } from "../types/ids.ts";
import type { Sender } from "../types/sender.ts";

export interface Body {
  readonly blockHash: BlockHash;
  readonly proposal: Proposal;
  readonly from: Sender;
  /** In block order; undefined where not yet held. */
  readonly transactions: (ParsedTransaction | undefined)[];
  /** Positions of the transactions that we lack, by hash. */
  readonly missing: Map<TransactionHash, number>;
  /** The named hashes with their positions. */
  readonly hashes: ReadonlyMap<TransactionHash, number>;
  /** invalid is final; valid says that the body as such is right (the state root is judged elsewhere). */
  state: "incomplete" | "valid" | "invalid";
  /** Whether the block was handed to storage. */
  isStored: boolean;
  /** How often missing transactions were asked for. */
  fetches: number;
}

export interface Bodies {
  get(blockHash: BlockHash): Body | undefined;
  /** Starts gathering; `find` supplies transactions that are already held. */
  open(body: {
    blockHash: BlockHash;
    proposal: Proposal;
    from: Sender;
    find: (hash: TransactionHash) => ParsedTransaction | undefined;
  }): Body;
  /** Gives a verified transaction to every body that lacks it; returns the bodies that became complete by it. */
  offer(transaction: ParsedTransaction): readonly Body[];
  /** A transaction of any held body, for peers that ask. */
  find(hash: TransactionHash): ParsedTransaction | undefined;
  delete(blockHash: BlockHash): void;
  incomplete(): readonly Body[];
  readonly count: number;
}

export function createBodies(): Bodies {
  const bodies = new Map<BlockHash, Body>();
  const wanted = new Map<TransactionHash, Set<Body>>();
  /** Transactions of all bodies, with the number of bodies that hold each: a lookup must not depend on the number of bodies. */
  const held = new Map<TransactionHash, { readonly transaction: ParsedTransaction; count: number }>();

  function hold(transaction: ParsedTransaction): void {
    const known = held.get(transaction.hash);
    if (known === undefined) held.set(transaction.hash, { transaction, count: 1 });
    else known.count++;
  }

  function release({ hash }: ParsedTransaction): void {
    const known = held.get(hash);
    if (known === undefined) return;
    known.count--;
    if (known.count === 0) held.delete(hash);
  }

  function want(hash: TransactionHash, body: Body): void {
    const waiting = wanted.get(hash);
    if (waiting === undefined) wanted.set(hash, new Set([body]));
    else waiting.add(body);
  }

  function remove(blockHash: BlockHash): void {
    const body = bodies.get(blockHash);
    if (body === undefined) return;
    bodies.delete(blockHash);
    for (const transaction of heldTransactions(body)) release(transaction);
    for (const hash of body.missing.keys()) {
      const waiting = wanted.get(hash);
      waiting?.delete(body);
      if (waiting?.size === 0) wanted.delete(hash);
    }
  }

  return {
    get: (blockHash) => bodies.get(blockHash),
    open({ blockHash, proposal, from, find }) {
      const known = bodies.get(blockHash);
      if (known !== undefined) return known;
      const body = gather({ blockHash, proposal, from, find });
      bodies.set(blockHash, body);
      for (const transaction of heldTransactions(body)) hold(transaction);
      if (body.state === "incomplete") for (const hash of body.missing.keys()) want(hash, body);
      return body;
    },
    offer(transaction) {
      const waiting = wanted.get(transaction.hash);
      if (waiting === undefined) return [];
      wanted.delete(transaction.hash);
      const completed: Body[] = [];
      for (const body of waiting) {
        if (fill(body, transaction)) hold(transaction);
        if (body.missing.size === 0) completed.push(body);
      }
      return completed;
    },
    find: (hash) => held.get(hash)?.transaction,
    delete: remove,
    incomplete: () => [...bodies.values()].filter((body) => body.state === "incomplete"),
    get count() {
      return bodies.size;
    },
  };
}

/** The block as storage keeps it and peers are served it; the body must be complete. */
export function blockOf(body: Body): Block {
  const { header, parentCertificate, timeoutCertificates, lists, bid, signature } = body.proposal;
  const transactions = heldTransactions(body).map(({ bytes }) => bytes);
  return { header, parentCertificate, timeoutCertificates, transactions, lists, bid, signature };
}

/** The body's transactions in order; as many as the header names once it is complete. */
export function heldTransactions(body: Body): readonly ParsedTransaction[] {
  return body.transactions.filter((transaction) => transaction !== undefined);
}

function gather(source: {
  blockHash: BlockHash;
  proposal: Proposal;
  from: Sender;
  find: (hash: TransactionHash) => ParsedTransaction | undefined;
}): Body {
  const { blockHash, proposal, from, find } = source;
  const named = proposal.transactionHashes;
  const body: Body = {
    blockHash,
    proposal,
    from,
    transactions: new Array(named.length),
    missing: new Map(),
    hashes: new Map(named.map((hash, index) => [hash, index])),
    state: "incomplete",
    isStored: false,
    fetches: 0,
  };
  // A hash named twice, or names that are not under the root, can never become a valid body: nothing is gathered for it.
  if (body.hashes.size !== named.length || bodyRootOf(named) !== proposal.header.bodyRoot) {
    body.state = "invalid";
    return body;
  }
  for (const [index, hash] of named.entries()) {
    const held = find(hash);
    body.transactions[index] = held;
    if (held === undefined) body.missing.set(hash, index);
  }
  if (body.missing.size === 0) body.state = judge(body);
  return body;
}

function fill(body: Body, transaction: ParsedTransaction): boolean {
  const index = body.missing.get(transaction.hash);
  if (index === undefined) return false;
  body.transactions[index] = transaction;
  body.missing.delete(transaction.hash);
  if (body.missing.size === 0) body.state = judge(body);
  return true;
}

/** The verdict rests on nothing but the block itself: honest validators must never differ about a body. */
function judge(body: Body): "valid" | "invalid" {
  const { header } = body.proposal;
  let bytes = 0;
  let keygenCount = 0;
  for (const [index, transaction] of heldTransactions(body).entries()) {
    const isSealed = transaction.sealed !== undefined;
    if (transaction.expiryHeight < header.height || isSealed !== index < header.sealedCount) return "invalid";
    bytes += transaction.bytes.length;
    if (transaction.keygen !== undefined) keygenCount++;
  }
  return bytes === header.bodyBytes && keygenCount <= KEYGEN_BLOCK_MESSAGES_MAX ? "valid" : "invalid";
}
