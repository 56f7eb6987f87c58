/** The simulated network answers one question: after which delays are copies of this message delivered? None is a drop, many a
 *  duplicate, and reordering falls out. It decides by the topology and the faults in force; each link and each fault draws from a
 *  stream of its own, so that removing one fault changes nothing elsewhere. */

import { assert } from "../../types/assert.ts";
import type { FaultAction, MessageKind, Topology } from "../scenario/manifest.ts";
import { createStream, type Stream } from "./streams.ts";

export type NetworkAction = Extract<FaultAction, { type: "partition" | "cut" | "link" | "bandwidth" | "stall" | "message" }>;

export interface Dispatch {
  readonly from: number;
  readonly to: number;
  readonly kind: MessageKind;
  readonly view: number;
  readonly nth: number;
  readonly bytes: number;
}

export interface SimulatedNetwork {
  /** Delays in microseconds, one for each copy. */
  delays(dispatch: Dispatch, nowUs: number): readonly number[];
  /** Did a link fault decide about the message that was asked for last? */
  readonly wasShaped: boolean;
  /** Does `to` hear `from`, as far as partitions, cuts and stalls go? */
  isOpen(from: number, to: number): boolean;
  begin(index: number, action: NetworkAction): void;
  end(index: number): void;
  /** From now on faults spare the links among these validators. */
  spare(validators: readonly number[]): void;
  /** What a stall holds back may leave: `release` is called with each message's act when the stall ends. */
  hold(from: number, to: number, act: () => void): boolean;
  readonly onRelease: (listener: (act: () => void) => void) => void;
}

/** Messages that one stalled link holds; more are lost, as a full socket buffer loses them. */
const HELD_MAX = 1_000;

interface Active {
  readonly index: number;
  readonly action: Extract<NetworkAction, { type: "link" | "bandwidth" }>;
  readonly streams: Map<number, Stream>;
  /** Bandwidth: when the link is free again, by link. */
  readonly freeAtUs: Map<number, number>;
}

export function createSimulatedNetwork(options: {
  readonly seed: number;
  readonly count: number;
  readonly topology: Topology;
}): SimulatedNetwork {
  const { seed, count, topology } = options;
  const actions = new Map<number, NetworkAction>();
  /** Faults that every message has to be held against. */
  const shaping: Active[] = [];
  const streams: (Stream | undefined)[] = [];
  const baseUs = baseDelays(topology, count);
  const blocked = new Uint16Array(count * count);
  const stalled = new Uint16Array(count * count);
  const spared = new Uint8Array(count * count);
  const named = new Map<string, readonly number[]>();
  const held = new Map<number, (() => void)[]>();
  const listeners: ((act: () => void) => void)[] = [];

  function drawBase(link: number, from: number, to: number): number {
    streams[link] ??= createStream(seed, `net/${from}/${to}`);
    const stream = streams[link] as Stream;
    const base = baseUs[link] as readonly [number, number];
    return base[0] + stream.below(base[1] - base[0] + 1);
  }

  let wasShaped = false;

  function delays(dispatch: Dispatch, nowUs: number): readonly number[] {
    wasShaped = false;
    const { from, to } = dispatch;
    const link = from * count + to;
    const base = drawBase(link, from, to);
    if (named.size > 0) {
      const fixed = named.get(nameOf(dispatch));
      if (fixed !== undefined) return fixed.map((ms) => Math.round(ms * 1_000));
    }
    if (spared[link] === 1) return [base];
    if ((blocked[link] as number) > 0) return [];
    let copies: number[] = [base];
    for (const fault of shaping) {
      const before = copies;
      copies = applyFault(fault, { dispatch, link, copies, nowUs, seed });
      wasShaped ||= copies !== before;
    }
    return copies;
  }

  function change(action: NetworkAction, by: 1 | -1): void {
    if (action.type === "partition") {
      const hears = hearing(action.groups, count);
      for (let link = 0; link < count * count; link++) if (hears[link] === 0) blocked[link] = (blocked[link] as number) + by;
    }
    if (action.type === "cut" || action.type === "stall") {
      const counts = action.type === "cut" ? blocked : stalled;
      for (const from of action.from)
        for (const to of action.to) if (from !== to) counts[from * count + to] = (counts[from * count + to] as number) + by;
    }
    if (action.type === "message") {
      const key = nameOf(action.message);
      if (by === 1) named.set(key, action.delaysMs);
      else named.delete(key);
    }
  }

  function releaseOpen(): void {
    for (const [link, acts] of [...held]) {
      if ((stalled[link] as number) > 0 && spared[link] === 0) continue;
      held.delete(link);
      for (const act of acts) for (const listener of listeners) listener(act);
    }
  }

  return {
    delays,
    get wasShaped() {
      return wasShaped;
    },
    isOpen: (from, to) =>
      spared[from * count + to] === 1 || ((blocked[from * count + to] as number) === 0 && (stalled[from * count + to] as number) === 0),
    begin(index, action) {
      actions.set(index, action);
      if (action.type === "link" || action.type === "bandwidth") shaping.push({ index, action, streams: new Map(), freeAtUs: new Map() });
      change(action, 1);
    },
    end(index) {
      const action = actions.get(index);
      if (action === undefined) return;
      actions.delete(index);
      const position = shaping.findIndex((fault) => fault.index === index);
      if (position >= 0) shaping.splice(position, 1);
      change(action, -1);
      releaseOpen();
    },
    spare(validators) {
      for (const from of validators) for (const to of validators) spared[from * count + to] = 1;
      releaseOpen();
    },
    hold(from, to, act) {
      const link = from * count + to;
      if ((stalled[link] as number) === 0 || spared[link] === 1) return false;
      const acts = held.get(link) ?? [];
      held.set(link, acts);
      if (acts.length < HELD_MAX) acts.push(act);
      return true;
    },
    onRelease: (listener) => {
      listeners.push(listener);
    },
  };
}

interface Step {
  readonly dispatch: Dispatch;
  readonly link: number;
  readonly copies: number[];
  readonly nowUs: number;
  readonly seed: number;
}

function applyFault(fault: Active, step: Step): number[] {
  const { action } = fault;
  const { dispatch, link, copies } = step;
  if (!action.from.includes(dispatch.from) || !action.to.includes(dispatch.to)) return copies;
  if (action.type === "bandwidth") {
    const freeAtUs = Math.max(step.nowUs, fault.freeAtUs.get(link) ?? 0) + Math.ceil((dispatch.bytes * 1_000_000) / action.bytesPerSecond);
    fault.freeAtUs.set(link, freeAtUs);
    return copies.map((delay) => delay + freeAtUs - step.nowUs);
  }
  if (action.kinds.length > 0 && !action.kinds.includes(dispatch.kind)) return copies;
  let stream = fault.streams.get(link);
  if (stream === undefined) {
    stream = createStream(step.seed, `fault/${fault.index}/${dispatch.from}/${dispatch.to}`);
    fault.streams.set(link, stream);
  }
  const isLost = stream.chance(action.loss);
  const isDoubled = stream.chance(action.duplicate);
  const isReordered = stream.chance(action.reorder);
  const extraUs = Math.round((action.extraDelayMs[0] + stream.real() * (action.extraDelayMs[1] - action.extraDelayMs[0])) * 1_000);
  const laterUs = Math.round(stream.real() * action.reorderMs * 1_000);
  if (isLost) return [];
  const delayed = copies.map((delay) => delay + extraUs + (isReordered ? laterUs : 0));
  return isDoubled ? [...delayed, ...copies.map((delay) => delay + extraUs + laterUs)] : delayed;
}

/** One-way delay bounds in microseconds by link (from · count + to). */
function baseDelays(topology: Topology, count: number): readonly (readonly [number, number])[] {
  const bounds: (readonly [number, number])[] = [];
  for (let from = 0; from < count; from++) {
    for (let to = 0; to < count; to++) bounds.push(topology.type === "uniform" ? inUs(topology.delayMs) : between(topology, from, to));
  }
  return bounds;
}

/** Builders live where validators do, in turn. */
function between(topology: Extract<Topology, { type: "regions" }>, from: number, to: number): readonly [number, number] {
  const { regions, matrix, jitter } = topology;
  const row = matrix.regions.indexOf(regions[from % regions.length] ?? "");
  const column = matrix.regions.indexOf(regions[to % regions.length] ?? "");
  const roundTripMs = matrix.roundTripMs[row]?.[column];
  assert(roundTripMs !== undefined, "the scenario's regions stand in its matrix");
  return inUs([roundTripMs / 2, (roundTripMs / 2) * (1 + jitter)]);
}

const inUs = ([min, max]: readonly [number, number]): readonly [number, number] => [Math.round(min * 1_000), Math.round(max * 1_000)];

/** 1 where the receiver hears the sender under a partition into these groups, by link. */
function hearing(groups: readonly (readonly number[])[], count: number): Uint8Array {
  const hears = new Uint8Array(count * count);
  for (const group of groups) for (const from of group) for (const to of group) hears[from * count + to] = 1;
  for (let node = 0; node < count; node++) hears[node * count + node] = 1;
  return hears;
}

const nameOf = ({
  from,
  to,
  kind,
  view,
  nth,
}: {
  readonly from: number;
  readonly to: number;
  readonly kind: string;
  readonly view: number;
  readonly nth: number;
}): string => `${from}>${to} ${kind} ${view} ${nth}`;
