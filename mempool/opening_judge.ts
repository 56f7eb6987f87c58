/** Is an opening right? Asked of openings that come from peers and of those that sync brings with final blocks. It believes nobody: a seed
 *  proves itself, a failure needs as many proven shares of different validators as the threshold. */

import type { Opening, OpenResult, ProvenShare, SealingKey, SealingSuite } from "../types/sealing.ts";
import type { SealedItem } from "./opening_interface.ts";

interface Judged {
  readonly suite: SealingSuite;
  readonly key: SealingKey;
  readonly item: SealedItem;
}

/** `seed`: the shares of a claimed failure do combine to one. */
export type FailureJudgement =
  | { readonly type: "failed" }
  | { readonly type: "unproven" }
  | { readonly type: "seed"; readonly seed: Uint8Array };

export function isSeedRight({ suite, key, item, seed }: Judged & { readonly seed: Uint8Array }): boolean {
  return suite.isSeedOf({ publicKey: key.publicKey, label: item.label, sealed: item.sealed, seed });
}

export function judgeFailure({ suite, key, item, shares }: Judged & { readonly shares: readonly ProvenShare[] }): FailureJudgement {
  if (shares.length !== key.threshold) return { type: "unproven" };
  // Ascending, so that nobody counts twice.
  let previous = -1;
  for (const { validator } of shares) {
    if (validator <= previous || validator >= key.shareKeys.length) return { type: "unproven" };
    previous = validator;
  }
  const isProven = shares.every(({ validator, share, proof }) =>
    suite.verifyShares({ shareKey: key.shareKeys[validator] as Uint8Array, sealed: [item.sealed], shares: [share], proof }),
  );
  if (!isProven) return { type: "unproven" };
  const seed = suite.combine({ shares, label: item.label, sealed: item.sealed });
  return seed !== undefined && isSeedRight({ suite, key, item, seed }) ? { type: "seed", seed } : { type: "failed" };
}

export function isOpeningRight({ suite, key, item, opening }: Judged & { readonly opening: Opening }): boolean {
  if (opening.type === "seed") return isSeedRight({ suite, key, item, seed: opening.seed });
  return judgeFailure({ suite, key, item, shares: opening.shares }).type === "failed";
}

/** All openings of a block, in lane order, against the items that the block executes. */
export function judgeOpenings(given: {
  readonly suite: SealingSuite;
  readonly key: SealingKey;
  readonly items: readonly SealedItem[];
  readonly openings: readonly Opening[];
}): boolean {
  const { suite, key, items, openings } = given;
  if (openings.length !== items.length) return false;
  return items.every((item, position) => isOpeningRight({ suite, key, item, opening: openings[position] as Opening }));
}

/** What a sealed transaction is under an opening that was judged right. */
export function resultOf({ suite, key, item, opening }: Judged & { readonly opening: Opening }): OpenResult {
  if (opening.type === "failed") return { ok: false, reason: "badSeed" };
  return suite.open({ publicKey: key.publicKey, label: item.label, sealed: item.sealed, seed: opening.seed });
}
