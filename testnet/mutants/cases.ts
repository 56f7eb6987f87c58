/** What is run against a planted bug, in order: the scenario corpus, then seeds 1, 2, 3 and so on. Loads the product, so it is imported
 *  only once the bug is planted. */

import { listCorpus, readCorpusScenario } from "../scenario/corpus.ts";
import { expandSeed } from "../scenario/expand.ts";
import type { Scenario } from "../scenario/manifest.ts";
import type { CaseName } from "./protocol.ts";

export interface HuntCase {
  readonly name: CaseName;
  readonly scenario: Scenario;
}

const corpus = listCorpus();

/** Index of the first scenario that seals, by its name. */
export function firstSealedCase(): number {
  return Math.max(
    0,
    corpus.findIndex((name) => name.startsWith("sealed_")),
  );
}

export function caseAt(index: number): HuntCase {
  const name = corpus[index];
  if (name !== undefined) {
    const replay = ["--scenario", `testnet/scenario/corpus/${name}.yaml`];
    return { name: { index, name, replay }, scenario: readCorpusScenario(name).scenario };
  }
  const seed = index - corpus.length + 1;
  return { name: { index, name: `seed ${seed}`, replay: ["--seed", String(seed)] }, scenario: expandSeed(seed) };
}
