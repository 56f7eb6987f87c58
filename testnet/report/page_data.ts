/** A timeline as the page's script reads it: rows of numbers instead of named fields where there are thousands (see page/controls.js). */

import type { Violation } from "../checks/checker.ts";
import { MESSAGE_KINDS, type MessageKind, type Scenario } from "../scenario/manifest.ts";
import type { ViewEnd } from "./lanes.ts";
import { ENTRY_KINDS, type PhaseBand, type Timeline } from "./timeline.ts";
import { nameOf, namesOf } from "./words.ts";

const VIEW_ENDS: readonly ViewEnd[] = ["QC", "CC", "TC", "stop", "end"];

/** Kinds of messages that are not drawn until their box is ticked. */
export function hiddenKindsOf(scenario: Scenario): readonly MessageKind[] {
  const quiet: readonly MessageKind[] = ["transactions", "status"];
  return scenario.weights.length > 7 ? [...quiet, "vote", "commit", "timeout", "certificate"] : quiet;
}

/** Plain data for JSON. */
export function pageData(scenario: Scenario, timeline: Timeline, violations: readonly Violation[]): unknown {
  return {
    endUs: timeline.endUs,
    lanes: [...scenario.weights, ...(scenario.builders ?? []).map(() => 0)].map((weight, lane) => ({
      name: nameOf(lane),
      weight,
      roles: rolesOf(scenario, lane),
    })),
    phases: timeline.phases.map((band) => ({ phase: band.phase, fromUs: band.fromUs, toUs: band.toUs, text: phaseText(band) })),
    faults: timeline.faults.map(({ fromUs, toUs, validators, group, label, text }) => ({
      fromUs,
      toUs,
      lanes: validators,
      group,
      label,
      text,
    })),
    downTimes: timeline.downTimes,
    ends: VIEW_ENDS,
    segments: timeline.segments.map((lane) =>
      lane.map(({ fromUs, toUs, view, leader, endedBy }) => [fromUs, toUs, view, leader, VIEW_ENDS.indexOf(endedBy)]),
    ),
    arrowKinds: MESSAGE_KINDS,
    hiddenKinds: hiddenKindsOf(scenario),
    arrows: timeline.arrows.map(({ from, to, kind, view, atUs, delaysUs }) => [
      from,
      to,
      MESSAGE_KINDS.indexOf(kind),
      view,
      atUs,
      ...delaysUs,
    ]),
    entryKinds: ENTRY_KINDS,
    entries: timeline.entries.map(({ atUs, validator, kind, number, text }) => [
      atUs,
      validator ?? -1,
      ENTRY_KINDS.indexOf(kind),
      number,
      text,
    ]),
    violations: violations.map(({ atUs, invariant, detail }) => ({ atUs, invariant, detail })),
  };
}

export function rolesOf({ byzantine, weights, builders = [] }: Scenario, validator: number): string {
  const builder = builders[validator - weights.length];
  if (builder !== undefined) return `builder, ${builder.strategy}`;
  return [...new Set(byzantine.filter((traitor) => traitor.validator === validator).map(({ strategy }) => strategy))].join(", ");
}

function phaseText({ phase, core }: PhaseBand): string {
  if (phase === "faults") return "faults may strike";
  return phase === "core" ? `core ${namesOf(core)} must make progress` : "all heal and come level";
}
