/** A cluster of opening machines over a network that drops, repeats and reorders, with traitors: all from one seed. Messages pass through
 *  their codecs. After `calmMs` the network drops nothing more, as partial synchrony has it. Traitors run the same machine and change what it
 *  sends, and add what no machine sends. */

import { createOpenings } from "../../mempool/opening.ts";
import type { HeldBlock, OpeningConfig, OpeningEffect, Openings } from "../../mempool/opening_interface.ts";
import type { ValidatorIndex } from "../../types/ids.ts";
import { decodeSealingMessage, encodeSealingMessage, type OpeningMessage } from "../../types/opening_message.ts";
import type { Tested } from "../crypto/sealing/support.ts";
import { createPrng, type Prng } from "../support/prng.ts";
import { blockOf, index, itemOf, type Keys, type Sealed, type TestItem } from "./opening_fixture.ts";
import { type Betrayal, betray, type TraitorWorld } from "./opening_traitor.ts";

export interface ClusterOptions {
  readonly tested: Tested;
  readonly keys: Keys;
  readonly seed: number;
  readonly lanes: readonly (readonly Sealed[])[];
  readonly config: OpeningConfig;
  /** By validator. */
  readonly traitors: ReadonlyMap<number, Betrayal>;
  /** Honest ones that never say a word. */
  readonly dead?: readonly number[];
  readonly dropRate: number;
  readonly calmMs: number;
}

export interface ClusterResult {
  /** Broken promises, in words. */
  readonly faults: readonly string[];
  /** Traitors that at least one honest validator penalized. */
  readonly blamed: ReadonlySet<number>;
  readonly nodes: readonly Openings[];
  readonly blocks: readonly HeldBlock[];
  readonly endMs: number;
}

type Event = { readonly atMs: number; readonly order: number; readonly run: () => void };

const END_MS = 60_000;

export function runCluster(options: ClusterOptions): ClusterResult {
  const { tested, keys, lanes, config, traitors, dropRate, calmMs } = options;
  const validatorCount = keys.key.shareKeys.length;
  const prng = createPrng(options.seed);
  const blocks = lanes.map((kinds, at) => {
    const items = kinds.map((kind) => itemOf(tested, { key: keys.key, kind, prng }));
    return blockOf({ items, key: keys.key, number: at + 1, view: prng.below(100) });
  });
  const everybody = Array.from({ length: validatorCount }, (_, at) => index(at));
  const silent = new Set<number>(options.dead ?? []);
  const honest = everybody.filter((at) => !traitors.has(at) && !silent.has(at));
  const nodes = everybody.map((self) => createOpenings({ suite: tested.suite, self, validatorCount, config }));
  const faults: string[] = [];
  const blamed = new Set<number>();
  const stored = everybody.map(() => new Set<string>());
  const released = everybody.map(() => new Set<string>());
  const timers = everybody.map(() => Number.POSITIVE_INFINITY);
  const events: Event[] = [];
  let nowMs = 0;
  let order = 0;
  const at = (atMs: number, run: () => void): void => {
    events.push({ atMs, order: order++, run });
  };

  function transmit(from: number, to: number, message: OpeningMessage): void {
    if (silent.has(to)) return;
    const bytes = encodeSealingMessage(message);
    const copies = prng.real() < 0.1 ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (nowMs < calmMs && prng.real() < dropRate) continue;
      at(nowMs + 1 + prng.below(40), () => {
        const decoded = decodeSealingMessage(bytes);
        if (!decoded.ok || decoded.message.type === "list") return;
        perform(to, (nodes[to] as Openings).receive({ from: index(from), message: decoded.message, nowMs }));
      });
    }
  }

  function send(self: number, to: readonly number[], message: OpeningMessage): void {
    if (!traitors.has(self)) checkRelease(self, message);
    for (const receiver of to) {
      const betrayal = traitors.get(self);
      const messages = betrayal === undefined ? [message] : betray(betrayal, { world: worldOf(self, prng), to: receiver, message });
      for (const each of messages) transmit(self, receiver, each);
    }
  }

  /** O1 as seen from outside. */
  function checkRelease(self: number, message: OpeningMessage): void {
    if (message.type !== "shares" && message.type !== "proofs") return;
    if (!released[self]?.has(message.blockHash)) faults.push(`${self} sent ${message.type} before release`);
    if (!stored[self]?.has(message.blockHash)) faults.push(`${self} sent ${message.type} before storing`);
  }

  function perform(self: number, effects: readonly OpeningEffect[]): void {
    for (const effect of effects) {
      if (effect.type === "storeShares") stored[self]?.add(effect.blockHash);
      if (effect.type === "send") send(self, [effect.to], effect.message);
      if (effect.type === "broadcast")
        send(
          self,
          everybody.filter((each) => each !== self),
          effect.message,
        );
      if (effect.type === "proceed") at(nowMs, () => perform(self, (nodes[self] as Openings).proceed()));
      if (effect.type === "penalize" && !traitors.has(self)) {
        if (traitors.has(effect.validator)) blamed.add(effect.validator);
        else faults.push(`${self} blames honest ${effect.validator} for ${effect.offence}`);
      }
    }
    const due = (nodes[self] as Openings).dueMs;
    if (due === undefined || due === timers[self]) return;
    timers[self] = due;
    at(due, () => perform(self, (nodes[self] as Openings).timer(nowMs)));
  }

  const worldOf = (self: number, own: Prng): TraitorWorld => ({ tested, keys, self, blocks, prng: own });

  for (const self of everybody) {
    if (silent.has(self)) continue;
    for (const [place, block] of blocks.entries()) {
      const { blockHash } = block;
      const node = nodes[self] as Openings;
      const holdMs = place * 20 + prng.below(30);
      const releaseMs = holdMs + prng.below(20);
      at(holdMs, () => perform(self, node.hold(block).effects));
      at(releaseMs, () => {
        released[self]?.add(blockHash);
        perform(self, node.release({ blockHash, secretShare: keys.secretShares[self] }));
      });
      at(releaseMs + prng.below(20), () => perform(self, node.finalize({ blockHash, nowMs })));
    }
  }
  const isDone = (): boolean => honest.every((self) => blocks.every(({ blockHash }) => nodes[self]?.openingsOf(blockHash) !== undefined));
  while (events.length > 0 && nowMs < END_MS) {
    const next = takeFirst(events);
    nowMs = next.atMs;
    next.run();
    if (isDone()) break;
  }
  faults.push(...judge({ honest, nodes, blocks }));
  return { faults, blamed, nodes, blocks, endMs: nowMs };
}

function takeFirst(events: Event[]): Event {
  let first = 0;
  for (let each = 1; each < events.length; each++) {
    const [left, right] = [events[each] as Event, events[first] as Event];
    if (left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order)) first = each;
  }
  const event = events[first] as Event;
  events[first] = events.at(-1) as Event;
  events.pop();
  return event;
}

/** Everything open, alike everywhere, and what the sealer put in. */
function judge(given: {
  readonly honest: readonly ValidatorIndex[];
  readonly nodes: readonly Openings[];
  readonly blocks: readonly HeldBlock[];
}): string[] {
  const faults: string[] = [];
  for (const self of given.honest) {
    for (const { blockHash, items, height } of given.blocks) {
      const results = given.nodes[self]?.resultsOf(blockHash);
      if (results === undefined) {
        faults.push(`block ${height} is not open at ${self}`);
        continue;
      }
      for (const [position, result] of results.entries()) {
        const { expected, kind } = items[position] as TestItem;
        if (JSON.stringify(result) !== JSON.stringify(expected))
          faults.push(`block ${height} position ${position} (${kind}) opens wrong at ${self}`);
      }
    }
  }
  return faults;
}
