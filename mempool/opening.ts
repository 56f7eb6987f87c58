/** Opens the sealed lanes of ordered blocks: hands out our shares, combines those of others, checks and tells seeds, settles disputes.
 *  Pure: no clock, network, key or storage; the suite is injected. It never decides what is final and never skips a position.
 *
 *  O1 a share leaves only after `release`, and is handed out for storing before the effect that sends it. O2 what is open is a function of the
 *  sealed transaction: seeds prove themselves, failures need threshold proven shares. O3 no honest validator is ever penalized.
 *  O4 no peer can make it hold or compute more than the limits in `opening_interface.ts` allow. O5 nothing is computed twice, or without need. */

import { assert } from "../types/assert.ts";
import type { BlockHash, ValidatorIndex } from "../types/ids.ts";
import { type OpeningMessage, type PositionedShare, storedSharesCodec } from "../types/opening_message.ts";
import type { Opening, OpenResult } from "../types/sealing.ts";
import { isAllowed, seedsMessages, statusOf } from "./opening_answer.ts";
import { flushDisputes, openRequests, runProve, runVerify, takeProofRequest, takeProofs } from "./opening_dispute.ts";
import { createEarlyMessages } from "./opening_early.ts";
import {
  BACK_OFF_MAX,
  HELD_BLOCKS_MAX,
  type HeldBlock,
  type OpeningEffect,
  type OpeningStatus,
  type Openings,
  type OpeningsOptions,
  RECENT_BLOCKS_MAX,
  STEP_WORK_MAX,
} from "./opening_interface.ts";
import { isOpeningRight, resultOf } from "./opening_judge.ts";
import {
  type Allowance,
  type BlockState,
  createBlockState,
  isComplete,
  type Job,
  missingOf,
  ownSharesOf,
  type PositionState,
  type Shop,
} from "./opening_state.ts";
import { penalize, queueCombination, runCheck, runCombine, settle, takeClaims, takeShares } from "./opening_work.ts";

export function createOpenings(options: OpeningsOptions): Openings {
  const { config, validatorCount, self } = options;
  assert(config.openMs > 0, "seeds are waited for");
  assert(config.fewSealed >= 0, "a number of sealed transactions");
  assert(self === undefined || self < validatorCount, "we are one of the validators");
  return new BoundedOpenings(options);
}

interface RecentBlock {
  readonly openings: readonly Opening[];
  readonly allowances: Map<ValidatorIndex, Allowance>;
}

/** What a job costs in group multiplications, roughly. */
function costOf(job: Job): number {
  const { threshold } = job.state.block.key;
  switch (job.type) {
    case "combine":
      return threshold + 4;
    case "check":
      return job.claim.opening.type === "seed" ? 3 : 5 * threshold + 4;
    case "verify":
      return 2 * job.batch.shares.length + 4;
    case "prove":
      return 3 * job.request.positions.length + 3;
  }
}

class BoundedOpenings implements Openings {
  readonly #shop: Shop;
  readonly #held = new Map<BlockHash, BlockState>();
  readonly #recent = new Map<BlockHash, RecentBlock>();
  readonly #early: ReturnType<typeof createEarlyMessages>;

  constructor({ suite, self, validatorCount, config }: OpeningsOptions) {
    this.#shop = { suite, self, validatorCount, config, distrusted: new Set(), jobs: [], effects: [] };
    this.#early = createEarlyMessages(validatorCount);
  }

  hold(block: HeldBlock): { readonly isHeld: boolean; readonly effects: readonly OpeningEffect[] } {
    const { blockHash } = block;
    if (this.#held.has(blockHash)) return { isHeld: true, effects: [] };
    assert(block.key.shareKeys.length === this.#shop.validatorCount, "the key has a share for each validator");
    if (!this.#makeRoom()) return { isHeld: false, effects: [] };
    const state = createBlockState(this.#shop, block);
    this.#held.set(blockHash, state);
    if (isComplete(state)) this.#shop.effects.push({ type: "opened", blockHash });
    for (const { from, message } of this.#early.take(blockHash)) this.#take(state, { from, message, nowMs: 0 });
    return { isHeld: true, effects: this.#run() };
  }

  isHeld(blockHash: BlockHash): boolean {
    return this.#held.has(blockHash);
  }

  release({ blockHash, secretShare }: Parameters<Openings["release"]>[0]): readonly OpeningEffect[] {
    const state = this.#held.get(blockHash);
    if (state === undefined || state.isReleased) return [];
    state.isReleased = true;
    state.secretShare = secretShare;
    // What is open already needs no share of ours.
    if (secretShare === undefined || isComplete(state)) return [];
    const ownShares = state.positions.map(({ item }) => item.share ?? this.#shop.suite.shareOf(secretShare, item.sealed));
    this.#shop.effects.push({ type: "storeShares", blockHash, bytes: storedSharesCodec.encode(ownShares) });
    return this.#handOut(state, ownShares);
  }

  restoreShares({ blockHash, bytes, secretShare }: Parameters<Openings["restoreShares"]>[0]): readonly OpeningEffect[] {
    const state = this.#held.get(blockHash);
    const stored = storedSharesCodec.decode(bytes);
    if (state === undefined || state.isReleased || !stored.ok || stored.value.length !== state.positions.length) return [];
    state.isReleased = true;
    state.secretShare = secretShare;
    return this.#handOut(state, stored.value);
  }

  /** O1: called with shares that are stored, or whose storing is an earlier effect of this step. */
  #handOut(state: BlockState, ownShares: readonly Uint8Array[]): readonly OpeningEffect[] {
    const { self } = this.#shop;
    assert(self !== undefined, "only a validator has shares");
    state.ownShares = ownShares;
    const { blockHash } = state.block;
    const shares = ownSharesOf(state, state.positions);
    if (state.isFew || state.isFallBack) {
      this.#broadcast({ type: "shares", blockHash, shares });
    } else {
      const byOpener = new Map<ValidatorIndex, PositionedShare[]>();
      for (const share of shares) {
        const { opener } = state.positions[share.position] as PositionState;
        const same = byOpener.get(opener);
        if (same === undefined) byOpener.set(opener, [share]);
        else same.push(share);
      }
      byOpener.delete(self);
      for (const [to, each] of byOpener)
        this.#shop.effects.push({ type: "send", to, message: { type: "shares", blockHash, shares: each } });
    }
    takeShares(this.#shop, state, self, shares);
    return this.#run();
  }

  finalize({ blockHash, nowMs }: Parameters<Openings["finalize"]>[0]): readonly OpeningEffect[] {
    const state = this.#held.get(blockHash);
    if (state === undefined || state.isFinal) return [];
    state.isFinal = true;
    if (!isComplete(state)) state.dueMs = nowMs + this.#shop.config.openMs;
    return [];
  }

  receive(given: Parameters<Openings["receive"]>[0]): readonly OpeningEffect[] {
    const { from, message } = given;
    assert(from < this.#shop.validatorCount, "the link names a validator");
    assert(from !== this.#shop.self, "nobody has a link to itself");
    const state = this.#held.get(message.blockHash);
    if (state !== undefined) this.#take(state, given);
    else if (this.#recent.has(message.blockHash)) this.#answerRecent(given);
    else if (message.type === "shares" || message.type === "seeds") this.#early.add(from, message);
    return this.#run();
  }

  #take(state: BlockState, { from, message, nowMs }: Parameters<Openings["receive"]>[0]): void {
    // Positions are ascending, so the last one tells of all; proofs are matched with what was asked for.
    const last = lastPositionOf(message);
    if (last !== undefined && last >= state.positions.length) {
      penalize(this.#shop, from, "wrongPosition");
      return;
    }
    const shop = this.#shop;
    switch (message.type) {
      case "shares":
        return takeShares(shop, state, from, message.shares);
      case "seeds":
        return takeClaims(shop, state, from, message.openings);
      case "proofs":
        return takeProofs(shop, state, from, message);
      case "proofRequest":
        if (this.#isAllowed(state.allowances, { from, message, nowMs, positionCount: state.positions.length })) {
          takeProofRequest(shop, state, from, message);
        }
        return;
      case "openingRequest":
        if (this.#isAllowed(state.allowances, { from, message, nowMs, positionCount: state.positions.length })) {
          this.#answer(state, { from, positions: message.positions });
        }
        return;
    }
  }

  #isAllowed(
    allowances: Map<ValidatorIndex, Allowance>,
    given: Parameters<Openings["receive"]>[0] & { readonly positionCount: number },
  ): boolean {
    const { from, message, nowMs, positionCount } = given;
    if (message.type !== "openingRequest" && message.type !== "proofRequest") return false;
    const asked = message.positions.length;
    return isAllowed(allowances, { from, asked, nowMs, positionCount, windowMs: this.#shop.config.openMs });
  }

  #answer(state: BlockState, { from, positions }: { readonly from: ValidatorIndex; readonly positions: readonly number[] }): void {
    const { blockHash } = state.block;
    const asked = positions.map((position) => state.positions[position] as PositionState);
    const known = asked.flatMap(({ position, opening }) => (opening === undefined ? [] : [{ position, opening }]));
    for (const message of seedsMessages(blockHash, known)) this.#shop.effects.push({ type: "send", to: from, message });
    const shares = ownSharesOf(state, asked);
    if (shares.length > 0) this.#shop.effects.push({ type: "send", to: from, message: { type: "shares", blockHash, shares } });
  }

  /** Whoever still asks about a block that we have opened gets its openings, also instead of proofs. */
  #answerRecent(given: Parameters<Openings["receive"]>[0]): void {
    const { from, message } = given;
    const recent = this.#recent.get(message.blockHash);
    if (recent === undefined || (message.type !== "openingRequest" && message.type !== "proofRequest")) return;
    const positionCount = recent.openings.length;
    const last = lastPositionOf(message);
    if (last !== undefined && last >= positionCount) {
      penalize(this.#shop, from, "wrongPosition");
      return;
    }
    if (!this.#isAllowed(recent.allowances, { ...given, positionCount })) return;
    const known = message.positions.map((position) => ({ position, opening: recent.openings[position] as Opening }));
    for (const answer of seedsMessages(message.blockHash, known)) this.#shop.effects.push({ type: "send", to: from, message: answer });
  }

  timer(nowMs: number): readonly OpeningEffect[] {
    for (const state of this.#held.values()) if (state.dueMs !== undefined && state.dueMs <= nowMs) this.#fallBack(state, nowMs);
    return this.#run();
  }

  get dueMs(): number | undefined {
    let least: number | undefined;
    for (const { dueMs } of this.#held.values()) if (dueMs !== undefined && (least === undefined || dueMs < least)) least = dueMs;
    return least;
  }

  /** Seeds did not come in time: everybody sends shares to everybody, asks for openings, and combines. */
  #fallBack(state: BlockState, nowMs: number): void {
    state.isFallBack = true;
    state.dueMs = nowMs + this.#shop.config.openMs * state.backOff;
    state.backOff = Math.min(state.backOff * 2, BACK_OFF_MAX);
    const { blockHash } = state.block;
    const missing = missingOf(state);
    const shares = ownSharesOf(state, missing);
    if (shares.length > 0) this.#broadcast({ type: "shares", blockHash, shares });
    this.#broadcast({ type: "openingRequest", blockHash, positions: missing.map(({ position }) => position) });
    for (const request of openRequests(state)) this.#broadcast(request);
    for (const position of missing) queueCombination(this.#shop, state, position);
  }

  #broadcast(message: OpeningMessage): void {
    this.#shop.effects.push({ type: "broadcast", message });
  }

  proceed(): readonly OpeningEffect[] {
    return this.#run();
  }

  /** Does jobs until none is left or the step's work is done, then sends what came of them. */
  #run(): readonly OpeningEffect[] {
    const { jobs } = this.#shop;
    let work = 0;
    let next = 0;
    do {
      for (; next < jobs.length && work < STEP_WORK_MAX; next++) {
        const job = jobs[next] as Job;
        if (job.state.isDropped) continue;
        work += costOf(job);
        this.#do(job);
      }
      for (const state of this.#held.values()) this.#flush(state);
    } while (next < jobs.length && work < STEP_WORK_MAX);
    jobs.splice(0, next);
    if (jobs.length > 0) this.#shop.effects.push({ type: "proceed" });
    const { effects } = this.#shop;
    this.#shop.effects = [];
    return effects;
  }

  #do(job: Job): void {
    switch (job.type) {
      case "combine":
        return runCombine(this.#shop, job.state, job.position);
      case "check":
        return runCheck(this.#shop, job.state, job.from, job.claim);
      case "verify":
        return runVerify(this.#shop, job.state, job.from, job.batch);
      case "prove":
        return runProve(this.#shop, job.state, job.from, job.request);
    }
  }

  #flush(state: BlockState): void {
    flushDisputes(this.#shop, state);
    const { found } = state;
    state.found = [];
    found.sort((left, right) => left.position - right.position);
    for (const message of seedsMessages(state.block.blockHash, found)) this.#broadcast(message);
  }

  adopt({ blockHash, openings }: Parameters<Openings["adopt"]>[0]): { readonly ok: boolean; readonly effects: readonly OpeningEffect[] } {
    const state = this.#held.get(blockHash);
    if (state === undefined || openings.length !== state.positions.length) return { ok: false, effects: [] };
    const { key } = state.block;
    const missing = missingOf(state);
    const openingAt = (position: PositionState): Opening => openings[position.position] as Opening;
    const isRight = missing.every((each) => isOpeningRight({ suite: this.#shop.suite, key, item: each.item, opening: openingAt(each) }));
    if (!isRight) return { ok: false, effects: [] };
    for (const position of missing) settle(this.#shop, state, position, openingAt(position));
    return { ok: true, effects: this.#run() };
  }

  restoreOpenings({ blockHash, openings }: Parameters<Openings["restoreOpenings"]>[0]): void {
    this.#remember(blockHash, openings);
  }

  #remember(blockHash: BlockHash, openings: readonly Opening[]): void {
    this.#recent.delete(blockHash);
    this.#recent.set(blockHash, { openings, allowances: new Map() });
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= RECENT_BLOCKS_MAX) break;
      this.#recent.delete(oldest);
    }
  }

  openingsOf(blockHash: BlockHash): readonly Opening[] | undefined {
    const state = this.#held.get(blockHash);
    if (state === undefined) return this.#recent.get(blockHash)?.openings;
    return isComplete(state) ? state.positions.map(({ opening }) => opening as Opening) : undefined;
  }

  resultsOf(blockHash: BlockHash): readonly OpenResult[] | undefined {
    const state = this.#held.get(blockHash);
    if (state === undefined || !isComplete(state)) return undefined;
    const { suite } = this.#shop;
    return state.positions.map((position) => {
      const { item, opening } = position;
      position.result ??= resultOf({ suite, key: state.block.key, item, opening: opening as Opening });
      return position.result;
    });
  }

  forget(blockHash: BlockHash): void {
    const openings = this.openingsOf(blockHash);
    const state = this.#held.get(blockHash);
    if (state === undefined) return;
    if (openings !== undefined) this.#remember(blockHash, openings);
    this.#drop(state);
  }

  #drop(state: BlockState): void {
    state.isDropped = true;
    this.#held.delete(state.block.blockHash);
    // A suspicion that nobody cleared up: no offence, but their shares are used last.
    for (const { suspects } of state.positions) for (const validator of suspects) this.#shop.distrusted.add(validator);
  }

  /** The newest block is taken in; of those that are not final the lowest view gives way. */
  #makeRoom(): boolean {
    if (this.#held.size < HELD_BLOCKS_MAX) return true;
    let victim: BlockState | undefined;
    for (const state of this.#held.values()) {
      if (!state.isFinal && (victim === undefined || state.block.view < victim.block.view)) victim = state;
    }
    if (victim === undefined) return false;
    this.#drop(victim);
    return true;
  }

  status(): readonly OpeningStatus[] {
    const states = [...this.#held.values()].sort(
      ({ block: left }, { block: right }) => left.height - right.height || (left.blockHash < right.blockHash ? -1 : 1),
    );
    return states.map((state) => statusOf(this.#shop, state));
  }
}

function lastPositionOf(message: OpeningMessage): number | undefined {
  switch (message.type) {
    case "shares":
      return message.shares.at(-1)?.position;
    case "seeds":
      return message.openings.at(-1)?.position;
    case "openingRequest":
    case "proofRequest":
      return message.positions.at(-1);
    case "proofs":
      return undefined;
  }
}
