/** How positions become open: shares come in and are combined, claims are checked, whoever is shown to be wrong is blamed.
 *
 *  Blame is exact. A wrong seed, a failing proof, and a share other than the one its sender proved are the sender's own doing. One step is
 *  deduction: a combination that gave no seed although one exists (the suite's `isSeedOf` accepts only the seed that the right shares combine
 *  to) holds a wrong share, so when all but one validator of it have proven theirs, it was that one. */

import { bytesEqual } from "../types/bytes.ts";
import type { ValidatorIndex } from "../types/ids.ts";
import type { PositionedOpening, PositionedShare } from "../types/opening_message.ts";
import type { Opening, ProvenShare, Share } from "../types/sealing.ts";
import type { OpeningOffence } from "./opening_interface.ts";
import { isSeedRight, judgeFailure } from "./opening_judge.ts";
import { type BlockState, chooseShares, claimKeyOf, isComplete, isGathering, type PositionState, type Shop } from "./opening_state.ts";

export function penalize(shop: Shop, validator: ValidatorIndex, offence: OpeningOffence): void {
  shop.effects.push({ type: "penalize", validator, offence });
}

/** Asks for a combination when there is something to combine and it is ours to do. */
export function queueCombination(shop: Shop, state: BlockState, position: PositionState): void {
  if (position.opening !== undefined || position.isQueued || position.isUnsealable) return;
  if (!isGathering(shop, state, position) || chooseShares(shop, state, position) === undefined) return;
  position.isQueued = true;
  shop.jobs.push({ type: "combine", state, position });
}

export function takeShares(shop: Shop, state: BlockState, from: ValidatorIndex, shares: readonly PositionedShare[]): void {
  for (const { position: index, share } of shares) {
    const position = state.positions[index] as PositionState;
    const held = position.shares.get(from);
    if (held !== undefined && !bytesEqual(held.share, share)) {
      penalize(shop, from, "conflictingShare");
      return;
    }
    if (held !== undefined || position.opening !== undefined || state.caught.has(from)) continue;
    position.shares.set(from, { share, isProven: false, proof: undefined });
    queueCombination(shop, state, position);
  }
}

export function runCombine(shop: Shop, state: BlockState, position: PositionState): void {
  position.isQueued = false;
  if (position.opening !== undefined || position.isUnsealable) return;
  const shares = chooseShares(shop, state, position);
  if (shares === undefined) return;
  const { item } = position;
  const { key } = state.block;
  const seed = shop.suite.combine({ shares, label: item.label, sealed: item.sealed });
  if (seed !== undefined && isSeedRight({ suite: shop.suite, key, item, seed })) {
    for (const { validator } of shares) shop.distrusted.delete(validator);
    announce(shop, state, position, { type: "seed", seed });
  } else if (position.isDisputed) {
    // All of them are proven: `chooseShares` takes no others in a dispute.
    position.isUnsealable = true;
    state.unsealable.push(position.position);
    settleFailure(shop, state, position);
  } else {
    suspect(state, position, shares);
  }
}

function suspect(state: BlockState, position: PositionState, shares: readonly Share[]): void {
  position.isDisputed = true;
  for (const { validator } of shares) if (position.shares.get(validator)?.isProven === false) position.suspects.add(validator);
  state.wrong.push(position.position);
}

/** The opener tells everybody. Where everybody has the shares nobody needs it, unless there was a dispute. */
function announce(shop: Shop, state: BlockState, position: PositionState, opening: Opening): void {
  if (position.opener === shop.self && (!state.isFew || position.isDisputed)) state.found.push({ position: position.position, opening });
  settle(shop, state, position, opening);
}

export function settle(shop: Shop, state: BlockState, position: PositionState, opening: Opening): void {
  position.opening = opening;
  state.openedCount++;
  if (isComplete(state)) {
    state.dueMs = undefined;
    shop.effects.push({ type: "opened", blockHash: state.block.blockHash });
  }
  if (opening.type === "failed") position.suspects.clear();
  deduce(shop, state, position);
}

/** With threshold proofs of this position alone, its failure can be shown to anybody. */
export function settleFailure(shop: Shop, state: BlockState, position: PositionState): void {
  if (!position.isUnsealable || position.opening !== undefined) return;
  const proven: ProvenShare[] = [];
  for (const [validator, { share, proof }] of position.shares) if (proof !== undefined) proven.push({ validator, share, proof });
  const { threshold } = state.block.key;
  if (proven.length < threshold) return;
  proven.sort((left, right) => left.validator - right.validator);
  announce(shop, state, position, { type: "failed", shares: proven.slice(0, threshold) });
}

/** The last suspect of a combination that should have given the seed did it. */
export function deduce(shop: Shop, state: BlockState, position: PositionState): void {
  if (position.opening === undefined) return;
  const [last] = position.suspects;
  if (last !== undefined && position.suspects.size === 1 && !position.isExplained) catchSender(shop, state, last);
  if (position.suspects.size === 0) position.shares.clear();
}

/** `validator` sent a wrong share: none of its unproven ones is used any more in this block. */
export function catchSender(shop: Shop, state: BlockState, validator: ValidatorIndex): void {
  if (state.caught.has(validator)) return;
  state.caught.add(validator);
  if (validator !== shop.self) {
    shop.distrusted.add(validator);
    penalize(shop, validator, "invalidShare");
  }
  for (const position of state.positions) {
    if (position.shares.get(validator)?.isProven === false) position.shares.delete(validator);
    if (!position.suspects.delete(validator)) continue;
    position.isExplained = true;
    if (position.opening !== undefined && position.suspects.size === 0) position.shares.clear();
  }
}

/** Openings that a peer claims. What is known already is compared, the rest is checked when its turn comes. */
export function takeClaims(shop: Shop, state: BlockState, from: ValidatorIndex, claims: readonly PositionedOpening[]): void {
  for (const claim of claims) {
    if (state.liars.has(from)) return;
    const { opening } = state.positions[claim.position] as PositionState;
    const key = claimKeyOf(from, claim.position);
    if (opening !== undefined) {
      if (!isAlike(opening, claim.opening)) catchLiar(shop, state, from, claim.opening);
    } else if (!state.claims.has(key)) {
      state.claims.add(key);
      shop.jobs.push({ type: "check", state, from, claim });
    }
  }
}

/** Two right openings of one position are the same seed, or both failures (with shares of any validators). */
function isAlike(known: Opening, claimed: Opening): boolean {
  if (known.type === "failed" || claimed.type === "failed") return known.type === claimed.type;
  return bytesEqual(known.seed, claimed.seed);
}

export function runCheck(shop: Shop, state: BlockState, from: ValidatorIndex, { position: index, opening }: PositionedOpening): void {
  state.claims.delete(claimKeyOf(from, index));
  const position = state.positions[index] as PositionState;
  if (state.liars.has(from)) return;
  if (position.opening !== undefined) {
    if (!isAlike(position.opening, opening)) catchLiar(shop, state, from, opening);
    return;
  }
  const judged = { suite: shop.suite, key: state.block.key, item: position.item };
  if (opening.type === "seed") {
    if (isSeedRight({ ...judged, seed: opening.seed })) settle(shop, state, position, opening);
    else catchLiar(shop, state, from, opening);
    return;
  }
  const judgement = judgeFailure({ ...judged, shares: opening.shares });
  if (judgement.type === "failed") settle(shop, state, position, opening);
  else catchLiar(shop, state, from, opening);
  if (judgement.type === "seed") announce(shop, state, position, judgement);
}

function catchLiar(shop: Shop, state: BlockState, validator: ValidatorIndex, claim: Opening): void {
  state.liars.add(validator);
  penalize(shop, validator, claim.type === "seed" ? "invalidSeed" : "falseFailure");
}
