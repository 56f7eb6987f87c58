/** Bounds: nothing that a peer can make grow goes beyond its limit. R9: records only of views that were entered, one per view above the
 *  last final one. R10: blocks and inputs within their limits. R12: one proof per offender until finality has passed its fault. */

import type { Scenario } from "../scenario/manifest.ts";
import type { FactOf } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { accuserOf } from "./violations.ts";
import { wipedBy } from "./wiped.ts";

/** The limits as the README of consensus/ and the simulator's configuration state them; views come on top where it says so. */
const LIMITS = {
  /** Of peers 4,096; what a validator asks itself or is answered is bounded by what is under way. */
  inputQueue: 8_192,
  pendingBlocks: 4_096,
  poolBytes: 4 * 1024 * 1024,
  /** Views ahead of the current one whose votes are kept. */
  futureViews: 16,
  voteKinds: 3,
  /** The current view and those ahead. */
  listViews: 5,
  heldBlocks: 64,
} as const;

interface Held {
  view: number;
  /** View of the last final block on disk. */
  finalView: number;
  /** The highest view whose entry is on record. */
  admittedView: number;
  /** View up to which the machine may know finality: on disk, or by a CC that it forwarded, whose block it may still lack. */
  passedView: number;
  /** View of the fault last proven, by offender, in this life. */
  readonly provenView: Map<number, number>;
  /** A second proof that is one too many unless finality turns out to have passed `view`: the CC that it heard of in the same turn is
   *  forwarded only after the write. */
  suspicion: { readonly view: number; readonly violation: Violation } | undefined;
}

const accuse = accuserOf("bounds", "safety");

export function createBoundsChecker(
  { honest, weights }: Pick<CheckedCluster, "honest" | "weights">,
  { protocol: { poolTransactionsMax }, sealing }: Pick<Scenario, "protocol" | "sealing">,
): Checker {
  const held = weights.map(
    (): Held => ({ view: 0, finalView: 0, admittedView: 0, passedView: 0, provenView: new Map(), suspicion: undefined }),
  );

  /** The highest view that an honest validator has entered. */
  let highestView = 0;

  function onSaved({ atUs, validator, durable }: FactOf<"saved">): Violation | undefined {
    const own = held[validator] as Held;
    for (const { view, admittedBy } of durable.records) if (admittedBy !== undefined && view > own.admittedView) own.admittedView = view;
    own.finalView = durable.finality.at(-1)?.view ?? own.finalView;
    own.passedView = Math.max(own.passedView, own.finalView);
    const entered = Math.max(own.admittedView, own.finalView + 1);
    for (const { view } of durable.records) {
      if (view > entered)
        return accuse(
          atUs,
          [validator],
          `Validator ${validator} keeps a record of view ${view}, but the last view that it entered is ${entered}.`,
        );
    }
    const violation = settle(own);
    noteEvidence(own, { atUs, validator, durable });
    return violation;
  }

  function settle(own: Held): Violation | undefined {
    const { suspicion } = own;
    own.suspicion = undefined;
    return suspicion !== undefined && suspicion.view >= own.passedView ? suspicion.violation : undefined;
  }

  function noteEvidence(own: Held, { atUs, validator, durable }: Pick<FactOf<"saved">, "atUs" | "validator" | "durable">): void {
    for (const evidence of durable.evidence) {
      const [offender, view] =
        evidence.type === "doubleVote"
          ? [evidence.first.validator, evidence.first.ballot.view]
          : [evidence.first.header.proposer, evidence.first.header.view];
      const before = own.provenView.get(offender);
      own.provenView.set(offender, view);
      if (before === undefined || before < own.passedView) continue;
      const detail = `Validator ${validator} keeps a second proof against validator ${offender} (view ${view}), although finality has not passed the first (view ${before}).`;
      own.suspicion ??= { view: before, violation: accuse(atUs, [validator], detail) };
    }
  }

  /** One vote per (validator, view, kind) from the last final view on. Ahead of its own view a validator keeps those of the views that others
   *  have entered, and what traitors sign for views to come; in all for 16 views. */
  function votesMax({ view, finalView }: Held): number {
    const traitors = weights.length - honest.size;
    // The machine may have entered one more view, whose record is being written.
    const open = Math.max(0, view - finalView) + 2;
    const ahead = Math.min(LIMITS.futureViews, Math.max(0, highestView - view));
    return LIMITS.voteKinds * (weights.length * (open + ahead) + traitors * LIMITS.futureViews);
  }

  function onSizes(sizes: FactOf<"sizes">): Violation | undefined {
    const { atUs, validator } = sizes;
    const own = held[validator] as Held;
    const open = Math.max(0, own.view - own.finalView);
    const rows: readonly (readonly [string, number, number])[] = [
      ["waiting inputs", sizes.inputQueue, LIMITS.inputQueue],
      // The record of a view may be on disk before the view is entered.
      ["records", sizes.records, open + 2],
      ["pending blocks", sizes.pendingBlocks, LIMITS.pendingBlocks + open],
      ["pooled transactions", sizes.poolTransactions, poolTransactionsMax],
      ["bytes of pooled transactions", sizes.poolBytes, LIMITS.poolBytes],
      ["votes", sizes.votesHeld, votesMax(own)],
      ["sealed transactions", sizes.sealed?.transactions ?? 0, sealing?.poolTransactionsMax ?? 0],
      ["bytes of sealed transactions", sizes.sealed?.bytes ?? 0, LIMITS.poolBytes],
      ["inclusion lists", sizes.sealed?.lists ?? 0, LIMITS.listViews * weights.length],
      ["blocks to open", sizes.sealed?.blocks ?? 0, LIMITS.heldBlocks],
    ];
    for (const [what, size, limit] of rows) {
      if (size > limit) return accuse(atUs, [validator], `Validator ${validator} holds ${size} ${what}; at most ${limit} are allowed.`);
    }
    return undefined;
  }

  return {
    invariant: "bounds",
    interests: ["saved", "sizes", "enteredView", "certificate", "stopped", "fault"],
    observe(fact) {
      const wiped = held[wipedBy(fact) ?? -1];
      if (wiped !== undefined) wiped.finalView = wiped.passedView = wiped.admittedView = wiped.view = 0;
      if (!("validator" in fact) || !honest.has(fact.validator)) return undefined;
      const own = held[fact.validator] as Held;
      switch (fact.type) {
        case "saved":
          return onSaved(fact);
        case "sizes":
          return onSizes(fact);
        case "enteredView":
          own.view = fact.view;
          highestView = Math.max(highestView, fact.view);
          return undefined;
        case "certificate":
          if (fact.certificate.ballot.kind === "commit") own.passedView = Math.max(own.passedView, fact.certificate.ballot.view);
          return undefined;
        case "stopped":
          own.provenView.clear();
          own.suspicion = undefined;
          return undefined;
        default:
          return undefined;
      }
    },
    finish() {
      for (const own of held) {
        const violation = settle(own);
        if (violation !== undefined) return violation;
      }
      return undefined;
    },
  };
}
