/** Writes down as data what a run did by chance, so that single pieces of it can be left out: the fate of each message that fared otherwise
 *  than on a healthy link, the views in which a traitor acted, the time at which a triggered fault struck. */

import type { Fault, Scenario, Traitor } from "../scenario/manifest.ts";
import type { TraitorAct } from "./cluster.ts";
import type { Fact } from "./facts.ts";
import { runScenario } from "./run.ts";
import type { SignatureTier } from "./world.ts";

/** Realised messages of one run; a run with more keeps its chances as they are. */
const MESSAGES_MAX = 20_000;

/** The scenario with its chances replaced by what they came to. */
export function realise(scenario: Scenario, signatures: SignatureTier): Scenario {
  const record = createRecord();
  runScenario(scenario, { signatures, observers: [record.observe], onActs: record.onActs });
  const isShaped = scenario.faults.some(({ action }) => action.type === "link" || action.type === "bandwidth");
  const isRealised = isShaped && record.messages.length <= MESSAGES_MAX;
  const faults = scenario.faults.flatMap((fault, index): Fault[] => {
    const { type } = fault.action;
    if ((type === "link" || type === "bandwidth") && isRealised) return [];
    const atUs = record.struckAtUs.get(index);
    // A crash between two moments of a write stays tied to that write: no time names it.
    return [
      fault.when.on === "time" || fault.when.on === "save" || atUs === undefined
        ? fault
        : { ...fault, when: { on: "time", atMs: atUs / 1_000 } },
    ];
  });
  const byzantine = scenario.byzantine.map((traitor): Traitor => {
    const views = record.deeds.get(`${traitor.validator} ${traitor.strategy}`);
    return { ...traitor, views: traitor.views ?? [...(views ?? [])].sort((left, right) => left - right) };
  });
  return { ...scenario, faults: isRealised ? [...faults, ...record.messages] : faults, byzantine };
}

interface Recording {
  readonly observe: (fact: Fact) => void;
  readonly onActs: (act: TraitorAct) => void;
  readonly messages: readonly Fault[];
  readonly struckAtUs: ReadonlyMap<number, number>;
  /** Views by validator and strategy. */
  readonly deeds: ReadonlyMap<string, ReadonlySet<number>>;
}

function createRecord(): Recording {
  const messages: Fault[] = [];
  const struckAtUs = new Map<number, number>();
  const deeds = new Map<string, Set<number>>();

  function onSent(fact: Extract<Fact, { type: "sent" }>): void {
    if (fact.isShaped !== true || messages.length > MESSAGES_MAX) return;
    const { from, to, kind, view, nth, delaysUs } = fact;
    const delaysMs = delaysUs.map((delay) => delay / 1_000);
    messages.push({ when: { on: "time", atMs: 0 }, action: { type: "message", message: { from, to, kind, view, nth }, delaysMs } });
  }

  return {
    messages,
    struckAtUs,
    deeds,
    observe(fact) {
      if (fact.type === "sent") return onSent(fact);
      if (fact.type === "fault") {
        if (fact.edge === "begin") struckAtUs.set(fact.index, fact.atUs);
      }
    },
    onActs({ validator, strategy, view }) {
      const key = `${validator} ${strategy}`;
      const views = deeds.get(key) ?? new Set();
      deeds.set(key, views.add(view));
    },
  };
}
