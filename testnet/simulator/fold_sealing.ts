/** What the sealed mempool says and stores, folded into a trace: lists, shares, openings, disputes. */

import type { InclusionList } from "../../types/inclusion_list.ts";
import type { PositionedShare, SealingMessage } from "../../types/opening_message.ts";
import type { Opening } from "../../types/sealing.ts";
import type { Fold } from "./fold.ts";

export function foldLists(fold: Fold, lists: readonly InclusionList[]): void {
  fold.integer(lists.length);
  for (const list of lists) foldList(fold, list);
}

function foldList(fold: Fold, { epoch, view, sequence, validator, entries, signature }: InclusionList): void {
  fold.integer(epoch);
  fold.integer(view);
  fold.integer(sequence);
  fold.integer(validator);
  fold.integer(entries.length);
  for (const { id, expiryHeight, feeClass, sizeClass } of entries) {
    fold.hash(id);
    fold.integer(expiryHeight);
    fold.integer(feeClass);
    fold.integer(sizeClass);
  }
  fold.tail(signature);
}

export function foldOpenings(fold: Fold, openings: readonly Opening[]): void {
  fold.integer(openings.length);
  for (const opening of openings) foldOpening(fold, opening);
}

function foldOpening(fold: Fold, opening: Opening): void {
  fold.tag(opening.type);
  if (opening.type === "seed") return fold.bytes(opening.seed);
  fold.integer(opening.shares.length);
  for (const { validator, share, proof } of opening.shares) {
    fold.integer(validator);
    fold.bytes(share);
    fold.bytes(proof);
  }
}

export function foldSealingMessage(fold: Fold, message: SealingMessage): void {
  if (message.type === "list") return foldList(fold, message.list);
  fold.hash(message.blockHash);
  switch (message.type) {
    case "shares":
      return foldShares(fold, message.shares);
    case "seeds":
      fold.integer(message.openings.length);
      for (const { position, opening } of message.openings) {
        fold.integer(position);
        foldOpening(fold, opening);
      }
      return;
    case "proofRequest":
      fold.flag(message.isSeparate);
      return foldPositions(fold, message.positions);
    case "openingRequest":
      return foldPositions(fold, message.positions);
    case "proofs":
      fold.integer(message.batches.length);
      for (const { shares, proof } of message.batches) {
        foldShares(fold, shares);
        fold.bytes(proof);
      }
      return;
  }
}

function foldShares(fold: Fold, shares: readonly PositionedShare[]): void {
  fold.integer(shares.length);
  for (const { position, share } of shares) {
    fold.integer(position);
    fold.bytes(share);
  }
}

function foldPositions(fold: Fold, positions: readonly number[]): void {
  fold.integer(positions.length);
  for (const position of positions) fold.integer(position);
}
