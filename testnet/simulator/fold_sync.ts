/** What peers tell and answer each other, folded into a trace: status, requests, answers, and the blocks in them. */

import { unreachable } from "../../types/assert.ts";
import type { Block } from "../../types/block.ts";
import type { PeerStatus, SyncRequest, SyncResponse } from "../../types/sync.ts";
import type { Fold } from "./fold.ts";
import { foldOptionalBid } from "./fold_bid.ts";
import { foldCertificate, foldHashes, foldHeader, foldJustification, foldOptionalCertificate } from "./fold_consensus.ts";
import { foldLists, foldOpenings } from "./fold_sealing.ts";

export function foldStatus(fold: Fold, { epoch, view, finalHeight, finalHash, oldestHeight }: PeerStatus): void {
  fold.integer(epoch);
  fold.integer(view);
  fold.integer(finalHeight);
  fold.hash(finalHash);
  fold.integer(oldestHeight);
}

export function foldRequest(fold: Fold, request: SyncRequest): void {
  fold.tag(request.type);
  switch (request.type) {
    case "status":
      return;
    case "finalBlocks":
      fold.integer(request.fromHeight);
      return fold.integer(request.count);
    case "block":
      return fold.hash(request.hash);
    case "timeoutCertificates":
      fold.integer(request.fromView);
      return fold.integer(request.toView);
    case "transactions":
      return foldHashes(fold, request.hashes);
    default:
      return unreachable(request);
  }
}

export function foldResponse(fold: Fold, response: SyncResponse): void {
  fold.tag(response.type);
  switch (response.type) {
    case "status":
      return foldStatus(fold, response.status);
    case "finalBlocks":
      fold.integer(response.blocks.length);
      for (const block of response.blocks) foldBlock(fold, block);
      fold.integer(response.openings.length);
      for (const openings of response.openings) foldOpenings(fold, openings);
      fold.integer(response.trailingHeaders.length);
      for (const header of response.trailingHeaders) foldHeader(fold, header);
      return foldOptionalCertificate(fold, response.commitCertificate);
    case "block":
      fold.flag(response.block !== undefined);
      if (response.block !== undefined) foldBlock(fold, response.block);
      return;
    case "timeoutCertificates":
      fold.integer(response.certificates.length);
      for (const certificate of response.certificates) foldCertificate(fold, certificate);
      return;
    case "transactions":
      return foldTransactions(fold, response.transactions);
    default:
      return unreachable(response);
  }
}

export function foldBlock(fold: Fold, block: Block): void {
  foldHeader(fold, block.header);
  foldJustification(fold, block);
  foldTransactions(fold, block.transactions);
  foldLists(fold, block.lists);
  foldOptionalBid(fold, block.bid);
  fold.tail(block.signature);
}

export function foldTransactions(fold: Fold, transactions: readonly Uint8Array[]): void {
  fold.integer(transactions.length);
  for (const transaction of transactions) {
    fold.integer(transaction.length);
    fold.tail(transaction);
  }
}
