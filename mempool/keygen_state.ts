/** The state of a key generation that all who follow the chain share, and its canonical encoding for snapshots. It holds the deals
 *  themselves, so that a validator that was away, or begins from a snapshot, still finds its share. It never holds a secret, nor the key,
 *  which follows from the deals. Bounded: at most one deal per dealer of one round. */

import { compareBytes } from "../types/bytes.ts";
import { type Codec, defineCodec, ssz } from "../types/codec.ts";
import { Height, TimestampMs, ValidatorIndex } from "../types/ids.ts";
import { dealToSsz, KEY_DEAL_BYTES_MAX, keyDealType } from "../types/keygen.ts";
import { VALIDATORS_MAX } from "../types/limits.ts";
import type { KeyDeal } from "../types/sealing.ts";
import type { KeygenPhase } from "./keygen_interface.ts";
import type { KeygenSession } from "./keygen_session.ts";

export interface DealEntry {
  readonly dealer: ValidatorIndex;
  readonly deal: KeyDeal;
}

export interface KeygenState {
  readonly phase: KeygenPhase;
  readonly round: number;
  /** Block time from which the phase's window runs: dealing, of the first deal; answering, of the block that closed the deals. Else 0. */
  readonly windowFromMs: TimestampMs;
  /** In chain order: of this round, those of dealers that were caught since included; once live, exactly the deals that make the key. */
  readonly deals: readonly DealEntry[];
  /** Dealers that cheated in any round; ascending. Their deals do not count any more. */
  readonly barred: readonly ValidatorIndex[];
  /** Validators whose ack or complaint of this round came; ascending. */
  readonly answered: readonly ValidatorIndex[];
  /** 0 before the key is live. */
  readonly activationHeight: Height;
}

export const INITIAL_STATE: KeygenState = {
  phase: "dealing",
  round: 0,
  windowFromMs: TimestampMs.of(0),
  deals: [],
  barred: [],
  answered: [],
  activationHeight: Height.ZERO,
};

/** Deals of this round that may still count, in chain order. */
export function uncaughtDeals({ deals, barred }: KeygenState): readonly DealEntry[] {
  return deals.filter(({ dealer }) => !barred.includes(dealer));
}

/** With one more member, ascending. */
export function withIndex(indices: readonly ValidatorIndex[], index: ValidatorIndex): readonly ValidatorIndex[] {
  return indices.includes(index) ? indices : [...indices, index].sort((left, right) => left - right);
}

export function encodeState(session: KeygenSession, state: KeygenState): Uint8Array {
  return stateCodec.encode({ session: session.id, state });
}

/** undefined when the bytes are no state of this session. */
export function decodeState(session: KeygenSession, bytes: Uint8Array): KeygenState | undefined {
  const decoded = stateCodec.decode(bytes);
  if (!decoded.ok || compareBytes(decoded.value.session, session.id) !== 0) return undefined;
  const { state } = decoded.value;
  return areIndicesWithin(session, state) && isPhaseConsistent(session, state) && areDealsGood(session, state) ? state : undefined;
}

const PHASES: readonly KeygenPhase[] = ["dealing", "answering", "live"];

interface SessionState {
  readonly session: Uint8Array;
  readonly state: KeygenState;
}

const indicesType = ssz.numbers(ssz.uint16, VALIDATORS_MAX);

const stateCodec: Codec<SessionState> = defineCodec({
  name: "KeygenState",
  version: 1,
  type: ssz.container(
    {
      session: ssz.bytes(32),
      phase: ssz.uint8,
      round: ssz.uint16,
      windowFromMs: ssz.uint64,
      activationHeight: ssz.uint64,
      barred: indicesType,
      answered: indicesType,
      deals: ssz.list(ssz.container({ dealer: ssz.uint16, deal: keyDealType }, "DealEntry"), VALIDATORS_MAX),
    },
    "KeygenState",
  ),
  bytesMax: 128 + VALIDATORS_MAX * (2 * 2 + 4 + 2 + 4 + KEY_DEAL_BYTES_MAX),
  toSsz: ({ session, state }: SessionState) => ({
    ...state,
    session,
    phase: PHASES.indexOf(state.phase),
    barred: [...state.barred],
    answered: [...state.answered],
    deals: state.deals.map(({ dealer, deal }) => ({ dealer, deal: dealToSsz(deal) })),
  }),
  fromSsz: ({ session, ...value }) => {
    const phase = PHASES[value.phase];
    if (phase === undefined || !isAscending(value.barred) || !isAscending(value.answered)) return undefined;
    const state: KeygenState = {
      phase,
      round: value.round,
      windowFromMs: TimestampMs.of(value.windowFromMs),
      activationHeight: Height.of(value.activationHeight),
      barred: value.barred.map(ValidatorIndex.of),
      answered: value.answered.map(ValidatorIndex.of),
      deals: value.deals.map(({ dealer, deal }) => ({ dealer: ValidatorIndex.of(dealer), deal })),
    };
    return { session, state };
  },
});

function isAscending(values: readonly number[]): boolean {
  return values.every((value, at) => value > (values[at - 1] ?? -1));
}

function areIndicesWithin({ dealerKeys, validatorKeys }: KeygenSession, { deals, barred, answered }: KeygenState): boolean {
  const dealers = deals.map(({ dealer }) => dealer);
  if (new Set(dealers).size !== dealers.length) return false;
  return [...dealers, ...barred].every((index) => index < dealerKeys.length) && answered.every((index) => index < validatorKeys.length);
}

/** Only what the machine itself could have come to: each lost round bars a dealer, a window runs when something waits for it. */
function isPhaseConsistent(session: KeygenSession, state: KeygenState): boolean {
  const { phase, round, windowFromMs, deals, barred, answered, activationHeight } = state;
  if (round > barred.length) return false;
  const isIdle = answered.length === 0 && uncaughtDeals(state).length === deals.length;
  switch (phase) {
    case "dealing":
      return isIdle && activationHeight === 0 && (deals.length > 0 || windowFromMs === 0);
    case "answering":
      return activationHeight === 0 && deals.length >= session.dealsNeeded;
    case "live":
      return isIdle && activationHeight > 0 && windowFromMs === 0 && deals.length === session.dealsNeeded;
  }
}

function areDealsGood(session: KeygenSession, { round, deals }: KeygenState): boolean {
  return deals.every(({ dealer, deal }) => session.isDealGood({ round, validator: dealer }, deal));
}
