/** What peers and people are told: openings in messages that fit a frame, within an allowance per peer, and the state of each block. */

import { type BlockHash, ValidatorIndex } from "../types/ids.ts";
import { openingBytesOf, type PositionedOpening, SEEDS_BYTES_MAX, type SeedsMessage } from "../types/opening_message.ts";
import type { OpeningStatus } from "./opening_interface.ts";
import { type Allowance, type BlockState, isComplete, isGathering, missingOf, type Shop } from "./opening_state.ts";

/** Each peer may ask about every position this often within openMs; below ALLOWANCE_MIN positions the lane counts as that long. */
const ALLOWANCE_ROUNDS = 4;
const ALLOWANCE_MIN = 4;

/** Counts the request when it is allowed. */
export function isAllowed(
  allowances: Map<ValidatorIndex, Allowance>,
  given: {
    readonly from: ValidatorIndex;
    readonly asked: number;
    readonly nowMs: number;
    readonly positionCount: number;
    readonly windowMs: number;
  },
): boolean {
  const { from, asked, nowMs, positionCount, windowMs } = given;
  const known = allowances.get(from);
  const allowance = known !== undefined && nowMs - known.windowStartMs < windowMs ? known : { windowStartMs: nowMs, positions: 0 };
  if (allowance.positions + asked > ALLOWANCE_ROUNDS * Math.max(ALLOWANCE_MIN, positionCount)) return false;
  allowance.positions += asked;
  allowances.set(from, allowance);
  return true;
}

/** As few messages as hold the openings, each within a frame. */
export function seedsMessages(blockHash: BlockHash, openings: readonly PositionedOpening[]): readonly SeedsMessage[] {
  const messages: SeedsMessage[] = [];
  let part: PositionedOpening[] = [];
  let bytes = 0;
  for (const each of openings) {
    const size = openingBytesOf(each.opening);
    if (bytes + size > SEEDS_BYTES_MAX) {
      messages.push({ type: "seeds", blockHash, openings: part });
      part = [];
      bytes = 0;
    }
    part.push(each);
    bytes += size;
  }
  if (part.length > 0) messages.push({ type: "seeds", blockHash, openings: part });
  return messages;
}

export function statusOf(shop: Shop, state: BlockState): OpeningStatus {
  const { block, isReleased, isFinal, positions, openedCount } = state;
  return {
    blockHash: block.blockHash,
    height: block.height,
    isReleased,
    isFinal,
    positionCount: positions.length,
    openedCount,
    waitingFor: isComplete(state) ? [] : waitingFor(shop, state),
  };
}

/** Where we combine: whose share is lacking. Elsewhere: the opener. */
function waitingFor(shop: Shop, state: BlockState): readonly ValidatorIndex[] {
  const awaited = new Set<ValidatorIndex>();
  for (const position of missingOf(state)) {
    if (!isGathering(shop, state, position)) {
      awaited.add(position.opener);
      continue;
    }
    for (let index = 0; index < shop.validatorCount; index++) {
      const validator = ValidatorIndex.of(index);
      if (!position.shares.has(validator)) awaited.add(validator);
    }
  }
  return [...awaited].sort((left, right) => left - right);
}
