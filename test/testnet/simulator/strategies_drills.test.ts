/** The corpus scenarios named after strategies: each lets its traitor do every deed that the drill is for, and without a planted bug nothing
 *  is violated. What a planted bug makes of them is the hunt's business (testnet/mutants). */

import t from "tap";
import { listCorpus, readCorpusScenario } from "../../../testnet/scenario/corpus.ts";
import type { Fact } from "../../../testnet/simulator/facts.ts";
import { runScenario } from "../../../testnet/simulator/run.ts";

/** Beginnings of the notes that must be among the deeds, or parts of them. */
const DEEDS: Readonly<Record<string, readonly RegExp[]>> = {
  early_timeout: [/^times out in the view of leader/, /^proposes nothing/],
  equivocating_leader: [/^proposes [23] blocks/],
  invalid_certificates: [/^makes up/, /many outside of the set/, /its own signature alone/],
  mutated_messages: [/^changes its/, /^passes on/],
  nearly_true_blocks: [/with another block/, /with another body/],
  nearly_true_ranges: [/a made-up block under a real CC/, /headers that are no chain/, /other bodies in a range/, /a QC in place of a CC/],
  out_of_turn: [/^proposes in the view of leader/],
  relayed_forgeries: [/^passes on a timeout of leader/, /^passes on votes/],
  skipped_certificate: [/^skips the certified view/],
  skipped_certificate_far: [/^skips the certified view \d+ with 16 TCs/],
  uncertified_parent: [/^builds on the uncertified block/],
  wrong_header: [/with its true root/, /a wrong body root/, /a root of another height/, /a time before its parent's/],
};

t.test("strategy_*: every drill of the corpus is in the table", async (t) => {
  const drills = listCorpus().filter((name) => name.startsWith("strategy_"));
  t.same(
    drills,
    Object.keys(DEEDS).map((name) => `strategy_${name}`),
  );
});

for (const [name, deeds] of Object.entries(DEEDS)) {
  t.test(`strategy_${name}: the traitor does its deeds, and the rules withstand them`, async (t) => {
    const notes: string[] = [];
    const note = (fact: Fact): void => {
      if (fact.type === "betrayal") notes.push(fact.what);
    };
    const { violation } = runScenario(readCorpusScenario(`strategy_${name}`).scenario, { observers: [note] });
    t.equal(violation, undefined);
    for (const deed of deeds)
      t.ok(
        notes.some((what) => deed.test(what)),
        String(deed),
      );
  });
}
