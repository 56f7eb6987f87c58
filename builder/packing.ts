/** From what waits to a block: a tail and a bundle, with what they bring. It simulates on the last executed state and guesses nothing: what the
 *  result says is what the last simulation of exactly this content measured.
 *
 *  K6 a group that fails, or brings less than its tip, is out and says why. K7 a tail transaction that would be refused, paying nothing, is left out.
 *  K8 at most SIMULATIONS_MAX simulations for one block. Rounds over groups end when all that are chosen stand; the last round keeps what comes before
 *  the first group that pays too little, since what was measured there does not depend on what follows. */

import type { ParsedTransaction, SimulatedGroup, Simulation } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import type { Height } from "../types/ids.ts";
import { TAIL_BYTES_MAX, TAIL_OPERATIONS_MAX, TAIL_TRANSACTIONS_MAX } from "../types/limits.ts";
import { type Bundle, type BundleId, type CandidateBundle, failureOf, type NotIncludedReason } from "./bundle.ts";
import { chooseGroups, displacedBy, type GroupChoice } from "./groups.ts";
import { candidatesOf, chooseTail, type PricedTransaction, type TailLimits } from "./tail.ts";

export type SimulateGroups = (groups: Simulation["groups"]) => readonly SimulatedGroup[];

export interface PackRequest {
  readonly height: Height;
  /** In the pool's order; none that an ancestor carries. */
  readonly transactions: readonly ParsedTransaction[];
  readonly bundles: readonly CandidateBundle[];
  /** Can a bundle be sealed for this block? */
  readonly canSeal: boolean;
  readonly limits: TailLimits;
  readonly simulate: SimulateGroups;
}

export interface Packed {
  readonly tail: readonly ParsedTransaction[];
  /** Sum of the tail's encodings, and of its operations. */
  readonly tailBytes: number;
  readonly gas: number;
  /** In the order in which they run, each with what it brings. */
  readonly groups: readonly PackedGroup[];
  /** Of groups and tail together. */
  readonly gain: bigint;
  /** Why the other bundles are not in it. */
  readonly left: ReadonlyMap<BundleId, NotIncludedReason>;
}

export interface PackedGroup {
  readonly bundle: CandidateBundle;
  readonly gain: bigint;
}

/** Rounds over groups, one simulation each. */
export const GROUP_ROUNDS_MAX = 4;
/** The tail by itself, the rounds, groups and tail together, and once more where the tail was cut. */
export const SIMULATIONS_MAX = 1 + GROUP_ROUNDS_MAX + 2;

export const TAIL_LIMITS: TailLimits = {
  transactionsMax: TAIL_TRANSACTIONS_MAX,
  bytesMax: TAIL_BYTES_MAX,
  operationsMax: TAIL_OPERATIONS_MAX,
  keygenMax: 512,
  candidatesMax: 2 * TAIL_TRANSACTIONS_MAX,
};

export function pack(request: PackRequest): Packed {
  const { height, transactions, bundles, canSeal, limits, simulate } = request;
  const alone = simulateAll(simulate, [], candidatesOf(transactions, { height, limits })).tail;
  const choice = canSeal ? settleGroups(bundles, alone, simulate) : noGroups(bundles);
  const candidates = alone.filter(({ transaction }) => !choice.displaced.has(transaction.hash));
  let outcome: Outcome = { groups: choice.groups, tail: candidates };
  if (choice.groups.length > 0) outcome = simulateAll(simulate, outcome.groups, transactionsOf(candidates));
  const chosen = chooseTail(outcome.tail, limits);
  if (chosen.length < outcome.tail.length) outcome = simulateAll(simulate, outcome.groups, transactionsOf(chosen));
  const { groups, tail } = outcome;
  let [tailBytes, gas, gain] = [0, 0, 0n];
  for (const { transaction, gain: each } of tail) {
    tailBytes += transaction.bytes.length;
    gas += transaction.operationCount;
    gain += each;
  }
  for (const { gain: each } of groups) gain += each;
  return { tail: transactionsOf(tail), tailBytes, gas, groups, gain, left: choice.left };
}

interface Outcome {
  readonly groups: readonly PackedGroup[];
  readonly tail: readonly PricedTransaction[];
}

const transactionsOf = (tail: readonly PricedTransaction[]): readonly ParsedTransaction[] => tail.map(({ transaction }) => transaction);

interface Settled extends Pick<GroupChoice, "left" | "displaced"> {
  readonly groups: readonly PackedGroup[];
}

function noGroups(bundles: readonly CandidateBundle[]): Settled {
  return { groups: [], left: new Map(bundles.map(({ id }) => [id, { type: "cannotSeal" }])), displaced: new Set() };
}

/** K6 in rounds: choose, simulate, throw out what does not stand. */
function settleGroups(bundles: readonly CandidateBundle[], tail: readonly PricedTransaction[], simulate: SimulateGroups): Settled {
  const out = new Map<BundleId, NotIncludedReason>();
  for (let round = 1; ; round++) {
    const { chosen, left, displaced } = chooseGroups(
      bundles.filter(({ id }) => !out.has(id)),
      tail,
    );
    const results = chosen.length === 0 ? [] : simulateGroups(simulate, chosen);
    const groups: PackedGroup[] = [];
    let isSettled = true;
    let cutAt = chosen.length;
    for (const [index, bundle] of chosen.entries()) {
      const result = results[index] as SimulatedGroup;
      const reason = reasonAgainst(bundle, result);
      if (reason === undefined) {
        groups.push({ bundle, gain: result.gain });
        continue;
      }
      out.set(bundle.id, reason);
      isSettled = false;
      if (reason.type === "tipNotPaid" && cutAt === chosen.length) cutAt = index;
    }
    if (isSettled) return { groups, left: new Map([...left, ...out]), displaced };
    if (round < GROUP_ROUNDS_MAX) continue;
    const before = new Set(chosen.slice(0, cutAt).map(({ id }) => id));
    const exact = groups.filter(({ bundle }) => before.has(bundle.id));
    for (const { bundle } of groups) if (!before.has(bundle.id)) out.set(bundle.id, { type: "noRoom" });
    const displacedByExact = displacedBy(
      exact.map(({ bundle }) => bundle),
      tail,
    );
    return { groups: exact, left: new Map([...left, ...out]), displaced: displacedByExact };
  }
}

/** What a bundle brings when it runs alone on the last executed state, or why it would not stand. */
export function measure(bundle: Bundle, simulate: SimulateGroups): { readonly gain: bigint } | { readonly reason: NotIncludedReason } {
  const [result] = simulateGroups(simulate, [bundle]);
  assert(result !== undefined, "a simulation answers for each of its groups");
  const reason = reasonAgainst(bundle, result);
  return reason === undefined ? { gain: result.gain } : { reason };
}

function reasonAgainst({ tip }: Bundle, { result, gain }: SimulatedGroup): NotIncludedReason | undefined {
  if (!result.isIncluded) return { type: "simulationFailed", ...failureOf(result) };
  return gain < tip ? { type: "tipNotPaid", declared: tip, measured: gain } : undefined;
}

function simulateGroups(simulate: SimulateGroups, bundles: readonly Bundle[]): readonly SimulatedGroup[] {
  const results = simulate(bundles.map(({ transactions }) => ({ transactions, isAllOrNone: true })));
  assert(results.length === bundles.length, "a simulation answers for each of its groups");
  return results;
}

/** Groups, then each transaction by itself. K7: what comes back is without the refused ones, which leave the others as they are. */
function simulateAll(simulate: SimulateGroups, groups: readonly PackedGroup[], tail: readonly ParsedTransaction[]): Outcome {
  if (groups.length + tail.length === 0) return { groups, tail: [] };
  const results = simulate([
    ...groups.map(({ bundle }) => ({ transactions: bundle.transactions, isAllOrNone: true })),
    ...tail.map((transaction) => ({ transactions: [transaction], isAllOrNone: false })),
  ]);
  assert(results.length === groups.length + tail.length, "a simulation answers for each of its groups");
  const kept: PricedTransaction[] = [];
  for (const [index, transaction] of tail.entries()) {
    const { result, gain } = results[groups.length + index] as SimulatedGroup;
    if (!isRefused(result)) kept.push({ transaction, gain });
  }
  return { groups: groups.map(({ bundle }, index) => ({ bundle, gain: (results[index] as SimulatedGroup).gain })), tail: kept };
}

/** As a whole, before any of its operations. */
function isRefused(result: SimulatedGroup["result"]): boolean {
  if (!result.isIncluded) return true;
  return result.receipts.some(({ code, operationCodes }) => code !== 0 && operationCodes.length === 0);
}
