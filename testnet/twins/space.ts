/** All scenarios of a shape, without their mirror images, each with a number from 0 to total - 1. A number becomes its scenario and
 *  a scenario its number without any list of scenarios.
 *
 *  A scenario is a word: leader, groups (and commit groups) of round 1, then of round 2, and so on. Renamings act on all letters at
 *  once, so by Burnside's lemma the words that are left under a subgroup H are (1/|H|) · Σ fixedLeaders(h)^a · fixedPartitions(h)^b, with
 *  a and b letters of each sort. The first letter may be taken as the least of its orbit; the other letters are then
 *  a shorter word under that letter's stabilizer. Summing over first letters gives the numbering. */

import { assert } from "../../types/assert.ts";
import { groupsOfPartition, type Partition, partitionOfGroups } from "./partitions.ts";
import type { TwinsRound, TwinsScenario } from "./scenario.ts";
import { type Component, createSymmetry, type OrbitClass, type Renaming, type Subgroup } from "./symmetry.ts";

export interface SpaceShape {
  readonly validators: number;
  /** The first so many validators run twice. */
  readonly twins: number;
  readonly rounds: number;
  /** 1: one partition a round. 2: another for commit votes and timeouts. */
  readonly phases: 1 | 2;
}

/** Bell(9) = 21,147 partitions are listed in a moment; above that the list itself becomes the cost. */
export const INSTANCES_MAX = 9;

export interface ScenarioSpace {
  readonly shape: SpaceShape;
  readonly total: bigint;
  scenarioAt(index: bigint): TwinsScenario;
  /** The number of the scenario that this one is a renaming of. */
  indexOf(scenario: TwinsScenario): bigint;
}

export function createScenarioSpace(shape: SpaceShape): ScenarioSpace {
  assert(shape.validators + shape.twins <= INSTANCES_MAX, "the partitions of so many instances can be listed");
  assert(shape.twins <= shape.validators, "each validator has at most one second copy");
  const symmetry = createSymmetry(shape);
  const letters: readonly Component[] = Array.from({ length: shape.rounds }, () => roundLetters(shape)).flat();
  const counts = letters.map(() => new Map<Subgroup, bigint>());

  /** Words of the letters from `position` on that differ under `subgroup`. */
  function countFrom(position: number, subgroup: Subgroup): bigint {
    const memory = counts[position];
    if (memory === undefined) return 1n;
    const known = memory.get(subgroup);
    if (known !== undefined) return known;
    const count = countOrbits(subgroup.renamings, letters.slice(position));
    memory.set(subgroup, count);
    return count;
  }

  const total = countFrom(0, symmetry.whole);

  function scenarioAt(index: bigint): TwinsScenario {
    assert(index >= 0n && index < total, "a scenario's number is below their total");
    const word: number[] = [];
    let rest = index;
    let subgroup = symmetry.whole;
    for (const [position, component] of letters.entries()) {
      for (const orbits of subgroup.classes(component)) {
        const width = countFrom(position + 1, orbits.stabilizer);
        const span = width * BigInt(orbits.representatives.length);
        if (rest >= span) {
          rest -= span;
          continue;
        }
        word.push(orbits.representatives[Number(rest / width)] as number);
        rest %= width;
        subgroup = orbits.stabilizer;
        break;
      }
    }
    assert(word.length === letters.length && rest === 0n, "a number below the total names a whole word");
    return scenarioOf(word);
  }

  function indexOf(scenario: TwinsScenario): bigint {
    let word = wordOf(scenario);
    let index = 0n;
    let subgroup = symmetry.whole;
    for (const [position, component] of letters.entries()) {
      const least = subgroup.reduce(component, word[position] as number);
      word = word.map((value, at) => (at < position ? value : symmetry.move(least.renaming, letters[at] as Component, value)));
      const found = subgroup.classes(component).find((orbits: OrbitClass): boolean => {
        const width = countFrom(position + 1, orbits.stabilizer);
        const place = orbits.representatives.indexOf(least.value);
        index += width * BigInt(place < 0 ? orbits.representatives.length : place);
        return place >= 0;
      });
      assert(found !== undefined, "the least value of an orbit is its representative");
      subgroup = found.stabilizer;
    }
    return index;
  }

  function scenarioOf(word: readonly number[]): TwinsScenario {
    const rounds: TwinsRound[] = [];
    const width = roundLetters(shape).length;
    const groupsAt = (position: number) => groupsOfPartition(symmetry.partitions[word[position] as number] as Partition);
    for (let start = 0; start < word.length; start += width) {
      const round = { leader: word[start] as number, groups: groupsAt(start + 1) };
      rounds.push(shape.phases === 1 ? round : { ...round, commitGroups: groupsAt(start + 2) });
    }
    return { type: "twins", validators: shape.validators, twins: firstNumbers(shape.twins), rounds };
  }

  function wordOf(scenario: TwinsScenario): number[] {
    const isOfShape = scenario.validators === shape.validators && scenario.rounds.length === shape.rounds;
    assert(isOfShape && scenario.twins.join() === firstNumbers(shape.twins).join(), "the scenario has the shape of the space");
    return scenario.rounds.flatMap(({ leader, groups, commitGroups }) => {
      const letter = (members: readonly (readonly number[])[]): number => symmetry.positionOf(partitionOfGroups(members));
      assert(shape.phases === 2 || commitGroups === undefined, "a space of one phase has no commit groups");
      return shape.phases === 1 ? [leader, letter(groups)] : [leader, letter(groups), letter(commitGroups ?? groups)];
    });
  }

  return { shape, total, scenarioAt, indexOf };
}

/** Burnside's lemma over words. */
function countOrbits(renamings: readonly Renaming[], letters: readonly Component[]): bigint {
  const leaders = BigInt(letters.filter((letter) => letter === "leader").length);
  const groups = BigInt(letters.length) - leaders;
  let fixed = 0n;
  for (const { fixedLeaders, fixedPartitions } of renamings) fixed += fixedLeaders ** leaders * fixedPartitions ** groups;
  assert(fixed % BigInt(renamings.length) === 0n, "Burnside's sum is a multiple of the group's order");
  return fixed / BigInt(renamings.length);
}

const roundLetters = (shape: SpaceShape): readonly Component[] =>
  shape.phases === 1 ? ["leader", "groups"] : ["leader", "groups", "groups"];

const firstNumbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
