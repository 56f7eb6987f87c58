/** O1, O2 and O3 of the opening under an adversarial network with f traitors: whatever they do, all honest validators open everything,
 *  alike and rightly, and nobody honest is blamed. The same with the real group, in fewer runs. */

import t from "tap";
import { fast, LIES, type Lie, noble, type Tested } from "../crypto/sealing/support.ts";
import { createPrng } from "../support/prng.ts";
import { runCluster } from "./opening_cluster.ts";
import { type Keys, keysOf, type Sealed } from "./opening_fixture.ts";
import { BETRAYALS, type Betrayal } from "./opening_traitor.ts";

const CLUSTER_SIZES = [4, 7] as const;
const keys = new Map<number, Keys>(CLUSTER_SIZES.map((size) => [size, keysOf(fast, size)]));

/** Everything about a run follows from its seed. */
function runSeed(tested: Tested, given: { readonly size: number; readonly seed: number; readonly keys: Keys; readonly laneMax: number }) {
  const prng = createPrng(given.seed * 31 + given.size);
  const faultCount = Math.floor((given.size - 1) / 3);
  const traitors = new Map<number, Betrayal>();
  while (traitors.size < faultCount) traitors.set(prng.below(given.size), BETRAYALS[prng.below(BETRAYALS.length)] as Betrayal);
  const kindOf = (): Sealed => (prng.below(3) > 0 ? "honest" : (LIES[prng.below(LIES.length)] as Lie));
  const lanes = Array.from({ length: 1 + prng.below(3) }, () => Array.from({ length: prng.below(given.laneMax) }, kindOf));
  const fewSealed = prng.below(3) === 0 ? given.laneMax : 0;
  const result = runCluster({
    tested,
    keys: given.keys,
    seed: given.seed,
    lanes,
    config: { fewSealed, openMs: 100 },
    traitors,
    dropRate: [0, 0.1, 0.4][prng.below(3)] as number,
    calmMs: 400,
  });
  return { ...result, traitors, isFew: fewSealed > 0 };
}

for (const size of CLUSTER_SIZES) {
  t.test(
    `O2, O3: ${size} validators, random traitors, network and ciphertexts, all honest open alike and blame nobody honest`,
    async (t) => {
      const broken: string[] = [];
      for (let seed = 0; seed < 120; seed++) {
        const result = runSeed(fast, { size, seed, keys: keys.get(size) as Keys, laneMax: 12 });
        for (const fault of result.faults) broken.push(`seed ${seed} (${[...result.traitors].join(" ")}): ${fault}`);
      }
      t.same(broken.slice(0, 10), []);
    },
  );
}

t.test("O2, O3: the noble suite, random runs, all honest open alike and blame nobody honest", async (t) => {
  const real = keysOf(noble, 4);
  for (const seed of [3, 4, 5]) {
    const { faults, traitors } = runSeed(noble, { size: 4, seed, keys: real, laneMax: 4 });
    t.same(faults, [], `seed ${seed} (${[...traitors].join(" ")})`);
  }
});

/** Betrayals that every run shows, and who blames: an opener or, where few are sealed, everybody. */
const EVIDENT: readonly Betrayal[] = [
  "corruptShares",
  "corruptAndDeny",
  "corruptAndProveOther",
  "rubbishProofs",
  "wrongSeeds",
  "falseFailures",
];
for (const betrayal of EVIDENT) {
  t.test(`O3: ${betrayal} by one of four, everything opens and the traitor is blamed`, async (t) => {
    const lanes = [Array.from({ length: 12 }, (): Sealed => "honest")];
    // The lowest index is chosen to combine wherever it sent a share.
    const traitors = new Map([[0, betrayal]]);
    const config = { fewSealed: 0, openMs: 100 };
    const result = runCluster({ tested: fast, keys: keys.get(4) as Keys, seed: 9, lanes, config, traitors, dropRate: 0, calmMs: 0 });
    t.same(result.faults, []);
    t.same([...result.blamed], [0]);
  });
}

t.test("fall-back: one validator dead and one that withholds its shares, of seven, everything opens", async (t) => {
  const lanes = [Array.from({ length: 14 }, (): Sealed => "honest"), ["honest", "wrongHidden", "honest"] satisfies Sealed[]];
  const config = { fewSealed: 0, openMs: 100 };
  const given = { tested: fast, keys: keys.get(7) as Keys, seed: 2, lanes, config, dropRate: 0, calmMs: 0 };
  const result = runCluster({ ...given, traitors: new Map<number, Betrayal>([[3, "withholdShares"]]), dead: [5] });
  t.same(result.faults, []);
  t.ok(result.endMs < 500, `open after ${result.endMs} ms`);
});
