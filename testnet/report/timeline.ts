/** One pass over the facts of a run, into what the page draws: lanes, phases, faults, messages, entries with their words, totals.
 *  Bounded whatever the run's length; `samplingNotes` says what was left out and by which rule. */

import { unreachable } from "../../types/assert.ts";
import { nodeCountOf } from "../scenario/check.ts";
import type { MessageKind, Scenario } from "../scenario/manifest.ts";
import type { Fact, FactOf, Phase } from "../simulator/facts.ts";
import { describeFact } from "./describe_fact.ts";
import { describeFault, labelOfAction, validatorsTouched } from "./describe_fault.ts";
import { createLane, type DownTime, isDownAction, type LaneBuilder, type LaneTotals, type ViewSegment } from "./lanes.ts";
import { createSampler, type Sampler } from "./sampler.ts";

/** What an entry is about. The first row is drawn on the lane. */
export const ENTRY_KINDS = [
  "proposal",
  "vote",
  "commit",
  "timeout",
  "final",
  "betrayal",
  "evidence",
  "alarm",
  "life",
  "view",
  "certificate",
  "blame",
  "fault",
  "storage",
  "client",
] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

export interface Entry {
  readonly atUs: number;
  /** Place among all facts. */
  readonly order: number;
  /** Undefined: the whole cluster. */
  readonly validator: number | undefined;
  readonly kind: EntryKind;
  /** Height of a `final`, view of the rest; 0 where neither is. */
  readonly number: number;
  readonly text: string;
}

export interface Arrow {
  readonly from: number;
  readonly to: number;
  readonly kind: MessageKind;
  readonly view: number;
  readonly atUs: number;
  /** None: lost. */
  readonly delaysUs: readonly number[];
}

export interface FaultBand {
  readonly fromUs: number;
  readonly toUs: number;
  readonly validators: readonly number[];
  readonly group: "network" | "process" | "disk" | "clock";
  readonly label: string;
  readonly text: string;
}

export interface PhaseBand {
  readonly phase: Phase;
  readonly fromUs: number;
  readonly toUs: number;
  readonly core: readonly number[];
}

export interface Timeline {
  readonly endUs: number;
  readonly facts: number;
  readonly segments: readonly (readonly ViewSegment[])[];
  readonly downTimes: readonly (readonly DownTime[])[];
  readonly totals: readonly LaneTotals[];
  readonly phases: readonly PhaseBand[];
  readonly faults: readonly FaultBand[];
  readonly arrows: readonly Arrow[];
  readonly entries: readonly Entry[];
  readonly samplingNotes: readonly string[];
}

export interface TimelineLimits {
  readonly segmentsMax: number;
  readonly arrowsMax: number;
  readonly lostArrowsMax: number;
  readonly entriesMax: number;
  readonly rareEntriesMax: number;
}

/** About 4 MB of page at the most. */
export const TIMELINE_LIMITS: TimelineLimits = {
  segmentsMax: 20_000,
  arrowsMax: 24_000,
  lostArrowsMax: 6_000,
  entriesMax: 12_000,
  rareEntriesMax: 3_000,
};

/** Around the first violation everything is kept. */
const PINNED_BEFORE_US = 1_000_000;
const PINNED_AFTER_US = 100_000;

export function buildTimeline(
  scenario: Scenario,
  facts: Iterable<Fact>,
  { violationUs, limits }: { readonly violationUs: number | undefined; readonly limits: TimelineLimits },
): Timeline {
  const builder = createBuilder(scenario, violationUs, limits);
  for (const fact of facts) builder.observe(fact);
  return builder.finish();
}

interface Builder {
  observe(fact: Fact): void;
  finish(): Timeline;
}

function createBuilder(scenario: Scenario, violationUs: number | undefined, limits: TimelineLimits): Builder {
  const pinnedUs = violationUs === undefined ? undefined : ([violationUs - PINNED_BEFORE_US, violationUs + PINNED_AFTER_US] as const);
  const sampler = <Item>(itemsMax: number): Sampler<Item> => createSampler<Item>({ itemsMax, pinnedUs });
  const segments = sampler<{ readonly lane: number; readonly segment: ViewSegment }>(limits.segmentsMax);
  const arrows = sampler<Arrow>(limits.arrowsMax);
  const lost = sampler<Arrow>(limits.lostArrowsMax);
  const entries = sampler<Entry>(limits.entriesMax);
  const rare = sampler<Entry>(limits.rareEntriesMax);
  const nodeCount = nodeCountOf(scenario);
  const bands = createBands(nodeCount);
  const lanes: readonly LaneBuilder[] = Array.from({ length: nodeCount }, (_, lane) =>
    createLane(lane, (segment) => segments.add({ lane, segment }, { key: segment.view, atUs: segment.fromUs })),
  );
  let count = 0;
  let endUs = 0;

  function addArrow({ from, to, kind, view, atUs, delaysUs }: FactOf<"sent">): void {
    const into = delaysUs.length === 0 ? lost : arrows;
    // A message without a view is on its own.
    into.add({ from, to, kind, view, atUs, delaysUs }, { key: view > 0 ? view : into.offered, atUs });
  }

  return {
    observe(fact) {
      count++;
      endUs = Math.max(endUs, fact.atUs);
      if (fact.type === "sent") {
        lanes[fact.from]?.observe(fact);
        return addArrow(fact);
      }
      if (fact.type === "delivered") return lanes[fact.to]?.observe(fact);
      if (fact.type === "phase" || fact.type === "fault") {
        bands.observe(fact);
        for (const lane of lanes) lane.observe(fact);
      } else lanes[fact.validator]?.observe(fact);
      const entry = entryOf(fact, count);
      if (entry === undefined) return;
      const into = isRare(entry.kind) ? rare : entries;
      into.add(entry, { key: entry.number > 0 && !isRare(entry.kind) ? entry.number : into.offered, atUs: fact.atUs });
    },
    finish() {
      for (const lane of lanes) lane.finish(endUs);
      const kept = segments.items();
      const shownEntries = [...entries.items(), ...rare.items()].sort((left, right) => left.order - right.order);
      return {
        endUs,
        facts: count,
        segments: lanes.map((_, lane) => kept.filter((each) => each.lane === lane).map(({ segment }) => segment)),
        downTimes: lanes.map(({ downTimes }) => downTimes),
        totals: lanes.map(({ totals }) => totals),
        ...bands.finish(endUs),
        arrows: [...arrows.items(), ...lost.items()].sort((left, right) => left.atUs - right.atUs),
        entries: shownEntries,
        samplingNotes: [
          noteOf("views in the lanes", "view", segments),
          noteOf("messages", "view", arrows),
          noteOf("lost messages", "view", lost),
          noteOf("votes, proposals, certificates, view changes and final heights", "view or height", entries),
          noteOf("other facts", "fact", rare),
        ].filter((note) => note !== undefined),
      };
    },
  };
}

function noteOf(what: string, unit: string, { stride, offered, items }: Sampler<unknown>): string | undefined {
  const kept = items().length;
  if (kept === offered) return undefined;
  const rule = stride === 1 ? `of each ${unit} with too many the first` : `those of one ${unit} in ${stride}`;
  return `Of ${offered} ${what}, ${kept} are shown: ${rule}, and all near the first violation.`;
}

const RARE: ReadonlySet<EntryKind> = new Set(["betrayal", "evidence", "alarm", "life", "blame", "fault", "storage", "client"]);
const isRare = (kind: EntryKind): boolean => RARE.has(kind);

/** `saved` and `sizes` say nothing that a reader looks for, and messages are drawn as arrows. */
function entryOf(fact: Exclude<Fact, FactOf<"sent" | "delivered">>, order: number): Entry | undefined {
  const entry = (kind: EntryKind, number: number): Entry => ({
    atUs: fact.atUs,
    order,
    validator: "validator" in fact ? fact.validator : undefined,
    kind,
    number,
    text: describeFact(fact),
  });
  switch (fact.type) {
    case "signedVote":
      return entry(fact.vote.ballot.kind, fact.vote.ballot.view);
    case "signedProposal":
      return entry("proposal", fact.proposal.header.view);
    case "enteredView":
      return entry("view", fact.view);
    case "certificate":
      return entry("certificate", fact.certificate.ballot.view);
    case "finalized":
      return entry("final", fact.blocks.at(-1)?.header.height ?? 0);
    case "betrayal":
      return entry("betrayal", fact.view);
    case "evidence":
      return entry("evidence", 0);
    case "halted":
    case "diverged":
    case "refusedStart":
      return entry("alarm", 0);
    case "started":
    case "stopped":
      return entry("life", 0);
    case "penalized":
      return entry("blame", 0);
    case "fault":
    case "phase":
      return entry("fault", 0);
    case "snapshot":
      return entry("storage", 0);
    case "submitted":
    case "answered":
    case "dropped":
      return fact.type === "answered" && fact.refusal === undefined ? undefined : entry("client", 0);
    case "opened":
    case "keyLive":
      return entry("storage", 0);
    case "bidMade":
    case "bundleSubmitted":
      return entry("client", 0);
    case "ordered":
    case "certified":
    case "saved":
    case "sizes":
      return undefined;
    default:
      return unreachable(fact);
  }
}

interface Bands {
  observe(fact: FactOf<"phase" | "fault">): void;
  finish(endUs: number): { readonly phases: readonly PhaseBand[]; readonly faults: readonly FaultBand[] };
}

/** Scenarios may hold thousands of single-message faults; they are entries and lost arrows, not bands. */
const FAULT_BANDS_MAX = 500;

function createBands(count: number): Bands {
  const phases: { readonly phase: Phase; readonly fromUs: number; readonly core: readonly number[] }[] = [];
  const open = new Map<number, FactOf<"fault">>();
  const faults: FaultBand[] = [];

  function close({ fault, atUs: fromUs }: FactOf<"fault">, toUs: number): void {
    if (faults.length >= FAULT_BANDS_MAX) return;
    const { action } = fault;
    const validators = validatorsTouched(action, count);
    faults.push({ fromUs, toUs, validators, group: groupOf(action.type), label: labelOfAction(action), text: describeFault(fault) });
  }

  return {
    observe(fact) {
      if (fact.type === "phase") phases.push({ phase: fact.phase, fromUs: fact.atUs, core: fact.core });
      else if (isDownAction(fact.fault.action) || fact.fault.action.type === "message") return;
      else if (fact.edge === "begin") open.set(fact.index, fact);
      else {
        const begun = open.get(fact.index);
        open.delete(fact.index);
        if (begun !== undefined) close(begun, fact.atUs);
      }
    },
    finish(endUs) {
      for (const begun of open.values()) close(begun, endUs);
      faults.sort((left, right) => left.fromUs - right.fromUs);
      const bands = phases.map((phase, index) => ({ ...phase, toUs: phases[index + 1]?.fromUs ?? endUs }));
      return { phases: bands.filter(({ phase }) => phase !== "end"), faults };
    },
  };
}

function groupOf(type: FactOf<"fault">["fault"]["action"]["type"]): FaultBand["group"] {
  if (type === "clockSkew" || type === "clockDrift") return "clock";
  if (type === "diskFull" || type === "slowDisk") return "disk";
  return type === "pause" ? "process" : "network";
}
