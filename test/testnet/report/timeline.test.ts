/** The timeline: what of a history is drawn where, and that it stays bounded by the rule that it states. */

import fc from "fast-check";
import t from "tap";
import { createSampler } from "../../../testnet/report/sampler.ts";
import { buildTimeline, TIMELINE_LIMITS, type Timeline } from "../../../testnet/report/timeline.ts";
import type { Fault } from "../../../testnet/scenario/manifest.ts";
import type { Fact } from "../../../testnet/simulator/facts.ts";
import { ValidatorIndex, View } from "../../../types/ids.ts";
import { clusterHistory, scenarioOf } from "./history.ts";
import { SAMPLE_FACTS } from "./sample_facts.ts";

const timelineOf = (facts: readonly Fact[], limits = TIMELINE_LIMITS, violationUs?: number): Timeline =>
  buildTimeline(scenarioOf(4), facts, { violationUs, limits });

const entered = (atUs: number, view: number, by: "start" | "QC" | "TC" | "CC"): Fact => ({
  type: "enteredView",
  atUs,
  validator: 1,
  view: View.of(view),
  by,
  leader: ValidatorIndex.of(view % 4),
});
const started = (atUs: number, life: number): Fact => ({ type: "started", atUs, validator: 1, life, finalHeight: 0, isSigning: true });
const CRASH: Fault = { when: { on: "time", atMs: 1 }, action: { type: "crash", validator: 1, unsynced: "lost" }, forMs: 1 };
const CUT: Fault = { when: { on: "time", atMs: 1 }, action: { type: "cut", from: [0], to: [1, 2] } };

t.test("buildTimeline: one lane, its views with their ends, its time down with the reason", async (t) => {
  const { segments, downTimes, totals } = timelineOf([
    started(10, 1),
    entered(10, 1, "start"),
    entered(20, 2, "QC"),
    entered(50, 3, "TC"),
    { type: "fault", atUs: 60, index: 0, fault: CRASH, edge: "begin" },
    { type: "stopped", atUs: 60, validator: 1, why: "crash" },
    started(90, 2),
    entered(91, 3, "start"),
    { type: "fault", atUs: 92, index: 0, fault: CRASH, edge: "end" },
    { type: "phase", atUs: 100, phase: "end", core: [] },
  ]);
  t.same(
    segments[1]?.map(({ fromUs, toUs, view, leader, endedBy }) => [fromUs, toUs, view, leader, endedBy]),
    [
      [10, 20, 1, 1, "QC"],
      [20, 50, 2, 2, "TC"],
      [50, 60, 3, 3, "stop"],
      [91, 100, 3, 3, "end"],
    ],
  );
  t.same(downTimes[1], [
    { fromUs: 0, toUs: 10, label: "not started" },
    { fromUs: 60, toUs: 90, label: "crash" },
  ]);
  t.match(totals[1], { highestView: 3, viewsEntered: 4, viewsLost: 1, restarts: 1, downUs: 40 });
  t.same(downTimes[0], [{ fromUs: 0, toUs: 100, label: "not started" }]);
});

t.test("buildTimeline: faults and phases, bands over the lanes that they touch, open ones until the end", async (t) => {
  const { faults, phases } = timelineOf([
    { type: "phase", atUs: 0, phase: "faults", core: [] },
    { type: "fault", atUs: 5, index: 0, fault: CUT, edge: "begin" },
    { type: "fault", atUs: 6, index: 1, fault: CUT, edge: "begin" },
    { type: "fault", atUs: 7, index: 2, fault: CRASH, edge: "begin" },
    { type: "fault", atUs: 40, index: 0, fault: CUT, edge: "end" },
    { type: "phase", atUs: 60, phase: "heal", core: [] },
    { type: "phase", atUs: 100, phase: "end", core: [] },
  ]);
  t.same(
    faults.map(({ fromUs, toUs, validators, group, label }) => [fromUs, toUs, validators, group, label]),
    [
      [5, 40, [1, 2], "network", "cut 0 → 1 2"],
      [6, 100, [1, 2], "network", "cut 0 → 1 2"],
    ],
  );
  t.same(
    phases.map(({ phase, fromUs, toUs }) => [phase, fromUs, toUs]),
    [
      ["faults", 0, 60],
      ["heal", 60, 100],
    ],
  );
});

t.test("buildTimeline: one of every fact, entries in order and no message among them", async (t) => {
  const { entries, arrows, facts } = timelineOf(Object.values(SAMPLE_FACTS).flat());
  t.equal(arrows.length, SAMPLE_FACTS.sent.length);
  t.equal(facts, Object.values(SAMPLE_FACTS).flat().length);
  t.same(new Set(entries.map(({ kind }) => kind)).size, 14, "every kind but timeout, of which there is no sample");
  t.same(
    entries.map(({ order }) => order),
    entries.map(({ order }) => order).toSorted((left, right) => left - right),
  );
});

t.test("buildTimeline: a long run, bounded; kept views are whole, and what is near the violation stays", async (t) => {
  const limits = { segmentsMax: 200, arrowsMax: 400, lostArrowsMax: 80, entriesMax: 300, rareEntriesMax: 40 };
  const facts = [...clusterHistory({ validators: 4, views: 400, seed: 3 })];
  const violationUs = facts.findLast((fact) => fact.type === "certificate")?.atUs ?? 0;
  const { arrows, entries, segments, samplingNotes } = timelineOf(facts, limits, violationUs);
  t.ok(arrows.length <= 2 * (limits.arrowsMax + limits.lostArrowsMax), `${arrows.length} arrows`);
  t.ok(entries.length <= 2 * (limits.entriesMax + limits.rareEntriesMax), `${entries.length} entries`);
  t.ok(segments.flat().length <= 2 * limits.segmentsMax, `${segments.flat().length} segments`);
  t.match(samplingNotes[0], /^Of \d+ views in the lanes, \d+ are shown: those of one view in \d+, and all near the first violation\.$/);
  t.equal(samplingNotes.length >= 3, true);
  const isNear = (atUs: number): boolean => atUs > violationUs - 100_000 && atUs <= violationUs;
  const sentNear = facts.filter((fact) => fact.type === "sent" && isNear(fact.atUs)).length;
  t.equal(arrows.filter(({ atUs }) => isNear(atUs)).length, sentNear, "near the violation all are kept");
  const early = facts.filter((fact) => fact.type === "sent" && fact.delaysUs.length > 0 && fact.atUs < violationUs - 1_000_000);
  const kept = arrows.filter(({ delaysUs, atUs }) => delaysUs.length > 0 && atUs < violationUs - 1_000_000);
  const views = new Set(kept.map(({ view }) => view));
  t.ok(views.size > 5 && views.size < 60, `${views.size} views`);
  t.equal(kept.length, early.filter((fact) => fact.type === "sent" && views.has(fact.view)).length, "kept views are whole");
  t.same(timelineOf(facts).samplingNotes, [], "the usual limits leave out nothing of a run of this length");
});

t.test("createSampler: any items, at most twice the bound, by the stated rule", async (t) => {
  const item = fc.record({ key: fc.nat(50), atUs: fc.nat(1_000) });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 300 }), fc.integer({ min: 4, max: 40 }), (items, itemsMax) => {
      const sampler = createSampler<{ key: number; atUs: number }>({ itemsMax, pinnedUs: [100, 200] });
      for (const each of items) sampler.add(each, each);
      const kept = sampler.items();
      const isPinned = ({ atUs }: { atUs: number }): boolean => atUs >= 100 && atUs <= 200;
      t.equal(sampler.offered, items.length);
      t.ok(kept.filter((each) => !isPinned(each)).length <= itemsMax && kept.filter(isPinned).length <= itemsMax);
      t.ok(kept.every((each) => isPinned(each) || each.key % sampler.stride === 0));
      t.ok(kept.every((each, index) => index === 0 || (kept[index - 1]?.atUs ?? 0) <= each.atUs));
      if (items.length <= itemsMax / 4) t.equal(kept.length, items.length);
    }),
    { numRuns: 60 },
  );
});
