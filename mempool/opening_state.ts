/** The state of one block whose sealed lane is being opened, and the questions that are asked of it. Changes of more than one field
 *  belong to `opening_work.ts` and `opening_dispute.ts`. */

import type { ValidatorIndex } from "../types/ids.ts";
import type { PositionedOpening, PositionedShare, ProofBatch, ProofRequest } from "../types/opening_message.ts";
import type { Opening, OpenResult, SealingSuite, Share } from "../types/sealing.ts";
import type { HeldBlock, OpeningConfig, OpeningEffect, SealedItem } from "./opening_interface.ts";

export interface HeldShare {
  readonly share: Uint8Array;
  /** Its sender proved it, alone or in a batch. */
  isProven: boolean;
  /** A proof of this share alone, fit for a failed opening. */
  proof: Uint8Array | undefined;
}

export interface PositionState {
  readonly position: number;
  readonly item: SealedItem;
  /** Combines the shares and tells everybody. */
  readonly opener: ValidatorIndex;
  opening: Opening | undefined;
  result: OpenResult | undefined;
  /** One share per validator; emptied when the position is open and nobody is under suspicion. */
  readonly shares: Map<ValidatorIndex, HeldShare>;
  /** A combination waits among the jobs. */
  isQueued: boolean;
  /** A combination gave no seed: from now on only proven shares are combined. */
  isDisputed: boolean;
  /** Proven shares give no seed either: threshold proofs of this position alone are being gathered. */
  isUnsealable: boolean;
  /** Validators of the wrong combination that have not proven their share. */
  readonly suspects: Set<ValidatorIndex>;
  /** Somebody was caught whose share was, or may have been, what made the combination wrong. */
  isExplained: boolean;
}

/** Proofs that were asked for over one list of positions. */
export interface AskedProof {
  readonly positions: readonly number[];
  readonly answered: Set<ValidatorIndex>;
}

/** What was answered to one peer in the running window. */
export interface Allowance {
  windowStartMs: number;
  positions: number;
}

export interface BlockState {
  readonly block: HeldBlock;
  readonly positions: readonly PositionState[];
  /** Shares go to everybody at once; everybody combines. */
  readonly isFew: boolean;
  openedCount: number;
  isReleased: boolean;
  secretShare: Uint8Array | undefined;
  ownShares: readonly Uint8Array[] | undefined;
  isFinal: boolean;
  isFallBack: boolean;
  /** When the fall-back begins or repeats; undefined while the block is not final or when it is open. */
  dueMs: number | undefined;
  backOff: number;
  isDropped: boolean;
  /** Validators whose share was shown to be wrong: only proven ones are taken of them. */
  readonly caught: Set<ValidatorIndex>;
  /** Validators that sent a wrong seed or a false failure: no more openings are taken of them. */
  readonly liars: Set<ValidatorIndex>;
  /** Claims among the jobs, by `claimKeyOf`. */
  readonly claims: Set<number>;
  /** By `keyOfPositions`. */
  readonly asked: Map<string, AskedProof>;
  readonly requests: ProofRequest[];
  /** Gathered during a step, sent at its end. */
  wrong: number[];
  unsealable: number[];
  found: PositionedOpening[];
  /** Our own proofs by `keyOfPositions`, and how many positions each peer made us prove. */
  readonly proofs: Map<string, ProofBatch>;
  readonly provenFor: Map<ValidatorIndex, number>;
  readonly allowances: Map<ValidatorIndex, Allowance>;
  /** Proof requests of each peer among the jobs. */
  readonly answering: Map<ValidatorIndex, number>;
}

export type Job =
  | { readonly type: "combine"; readonly state: BlockState; readonly position: PositionState }
  | { readonly type: "check"; readonly state: BlockState; readonly from: ValidatorIndex; readonly claim: PositionedOpening }
  | { readonly type: "verify"; readonly state: BlockState; readonly from: ValidatorIndex; readonly batch: ProofBatch }
  | { readonly type: "prove"; readonly state: BlockState; readonly from: ValidatorIndex; readonly request: ProofRequest };

/** What the parts of the machine share. */
export interface Shop {
  readonly suite: SealingSuite;
  readonly self: ValidatorIndex | undefined;
  readonly validatorCount: number;
  readonly config: OpeningConfig;
  /** Caught in some block, or left a suspicion standing: used last, and only in the fall-back, until a share of theirs is right. */
  readonly distrusted: Set<ValidatorIndex>;
  readonly jobs: Job[];
  effects: OpeningEffect[];
}

export function createBlockState(shop: Shop, block: HeldBlock): BlockState {
  const positions = block.items.map((item, position): PositionState => {
    const opener = ((block.view + position) % shop.validatorCount) as ValidatorIndex;
    const flags = { isQueued: false, isDisputed: false, isUnsealable: false, isExplained: false };
    return { position, item, opener, opening: undefined, result: undefined, shares: new Map(), suspects: new Set(), ...flags };
  });
  return {
    block,
    positions,
    isFew: positions.length < shop.config.fewSealed,
    openedCount: 0,
    isReleased: false,
    secretShare: undefined,
    ownShares: undefined,
    isFinal: false,
    isFallBack: false,
    dueMs: undefined,
    backOff: 1,
    isDropped: false,
    caught: new Set(),
    liars: new Set(),
    claims: new Set(),
    asked: new Map(),
    requests: [],
    wrong: [],
    unsealable: [],
    found: [],
    proofs: new Map(),
    provenFor: new Map(),
    allowances: new Map(),
    answering: new Map(),
  };
}

export const isComplete = (state: BlockState): boolean => state.openedCount === state.positions.length;
export const keyOfPositions = (positions: readonly number[]): string => positions.join();
export const claimKeyOf = (from: ValidatorIndex, position: number): number => position * 256 + from;

export const missingOf = (state: BlockState): readonly PositionState[] => state.positions.filter(({ opening }) => opening === undefined);

/** Do we combine this position's shares ourselves? */
export const isGathering = (shop: Shop, state: BlockState, position: PositionState): boolean =>
  position.opener === shop.self || state.isFew || state.isFallBack;

/** Our own shares of these positions that are still of use. */
export function ownSharesOf(state: BlockState, positions: readonly PositionState[]): readonly PositionedShare[] {
  const { ownShares } = state;
  if (ownShares === undefined) return [];
  return positions
    .filter(({ opening }) => opening === undefined)
    .map(({ position }) => ({ position, share: ownShares[position] as Uint8Array }));
}

/** The shares to combine, as many as the threshold: proven ones first, then those nobody doubts, then (in the fall-back) those of
 *  distrusted validators; within each by validator. Undefined while there are not enough. */
export function chooseShares(shop: Shop, state: BlockState, position: PositionState): readonly Share[] | undefined {
  const { threshold } = state.block.key;
  if (position.shares.size < threshold) return undefined;
  const usable: { readonly validator: ValidatorIndex; readonly share: Uint8Array; readonly rank: number }[] = [];
  for (const [validator, { share, isProven }] of position.shares) {
    const rank = isProven ? 0 : shop.distrusted.has(validator) ? 2 : 1;
    const isAllowed = isProven || (!position.isDisputed && !state.caught.has(validator) && (rank === 1 || state.isFallBack));
    if (isAllowed) usable.push({ validator, share, rank });
  }
  if (usable.length < threshold) return undefined;
  usable.sort((left, right) => left.rank - right.rank || left.validator - right.validator);
  return usable.slice(0, threshold).map(({ validator, share }) => ({ validator, share }));
}
