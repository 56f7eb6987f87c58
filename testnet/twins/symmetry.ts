/** Which renamings make two scenarios the same test: honest validators are interchangeable, twinned validators are, and so are the
 *  two copies of each. A subgroup of these is what is left once some rounds are fixed. Pure arithmetic. */

import { allPartitions, fixedPartitionCount, movePartition, type Partition, partitionKey } from "./partitions.ts";

/** One renaming: where each instance and each validator goes. */
export interface Renaming {
  readonly instances: readonly number[];
  readonly validators: readonly number[];
  /** How many leaders, and how many partitions, it leaves as they are. */
  readonly fixedLeaders: bigint;
  readonly fixedPartitions: bigint;
}

/** What one component of a round ranges over: leaders (validators) or partitions of the instances, each by its position. */
export type Component = "leader" | "groups";

/** Values whose symmetry that remains is the same subgroup. */
export interface OrbitClass {
  readonly stabilizer: Subgroup;
  /** The least value of each orbit, ascending. */
  readonly representatives: readonly number[];
}

/** Renamings that are still free, and what they make of each component; tables are made when first asked for. */
export interface Subgroup {
  readonly renamings: readonly Renaming[];
  classes(component: Component): readonly OrbitClass[];
  /** The least value that `value` can be renamed to, and a renaming that does it. */
  reduce(component: Component, value: number): { readonly value: number; readonly renaming: Renaming };
}

export interface Symmetry {
  readonly whole: Subgroup;
  readonly partitions: readonly Partition[];
  readonly sizes: Readonly<Record<Component, number>>;
  positionOf(partition: Partition): number;
  move(renaming: Renaming, component: Component, value: number): number;
}

/** The symmetry of `validators` of which the first `twins` run twice. */
export function createSymmetry(shape: { readonly validators: number; readonly twins: number }): Symmetry {
  const renamings = renamingsOf(shape);
  const partitions = allPartitions(shape.validators + shape.twins);
  const positions = new Map(partitions.map((partition, position) => [partitionKey(partition), position]));
  const positionOf = (partition: Partition): number => positions.get(partitionKey(partition)) as number;
  const sizes = { leader: shape.validators, groups: partitions.length };
  const subgroups = new Map<string, Subgroup>();

  function move(renaming: Renaming, component: Component, value: number): number {
    if (component === "leader") return renaming.validators[value] as number;
    return positionOf(movePartition(partitions[value] as Partition, renaming.instances));
  }

  /** The same subgroup is one object, so that its tables are made once. */
  function subgroupOf(members: readonly number[]): Subgroup {
    const key = members.join(",");
    const known = subgroups.get(key);
    if (known !== undefined) return known;
    const tables = new Map<Component, readonly OrbitClass[]>();
    const created: Subgroup = {
      renamings: members.map((member) => renamings[member] as Renaming),
      classes(component) {
        const table = tables.get(component) ?? classify(members, component);
        tables.set(component, table);
        return table;
      },
      reduce(component, value) {
        let least = { value: Number.POSITIVE_INFINITY, renaming: renamings[0] as Renaming };
        for (const renaming of created.renamings) {
          const image = move(renaming, component, value);
          if (image < least.value) least = { value: image, renaming };
        }
        return least;
      },
    };
    subgroups.set(key, created);
    return created;
  }

  function classify(members: readonly number[], component: Component): readonly OrbitClass[] {
    const isSeen = new Uint8Array(sizes[component]);
    const classes = new Map<Subgroup, number[]>();
    for (let value = 0; value < sizes[component]; value++) {
      if (isSeen[value] === 1) continue;
      const keepers: number[] = [];
      for (const member of members) {
        const image = move(renamings[member] as Renaming, component, value);
        isSeen[image] = 1;
        if (image === value) keepers.push(member);
      }
      const stabilizer = subgroupOf(keepers);
      const representatives = classes.get(stabilizer);
      if (representatives === undefined) classes.set(stabilizer, [value]);
      else representatives.push(value);
    }
    return [...classes].map(([stabilizer, representatives]) => ({ stabilizer, representatives }));
  }

  return { whole: subgroupOf(renamings.map((_, member) => member)), partitions, sizes, positionOf, move };
}

/** All renamings: permutations of the twinned, of the honest, and a swap or none within each pair. The first changes nothing. */
function renamingsOf({ validators, twins }: { readonly validators: number; readonly twins: number }): readonly Renaming[] {
  const found: Renaming[] = [];
  const pairOrders = permutations(twins);
  const honestOrders = permutations(validators - twins);
  for (const pairs of pairOrders) {
    for (const honest of honestOrders) {
      const images = [...pairs, ...honest.map((image) => image + twins)];
      for (let swaps = 0; swaps < 2 ** twins; swaps++) found.push(renamingOf({ images, pairs, swaps, validators }));
    }
  }
  return found;
}

function renamingOf(parts: {
  readonly images: readonly number[];
  readonly pairs: readonly number[];
  /** Bit k: the copies of pair k change places. */
  readonly swaps: number;
  readonly validators: number;
}): Renaming {
  const { images, pairs, swaps, validators } = parts;
  const instances = [...images, ...pairs.map((pair) => pair + validators)];
  for (const pair of pairs.keys()) {
    if (((swaps >> pair) & 1) === 0) continue;
    const [first, second] = [instances[pair] as number, instances[validators + pair] as number];
    instances[pair] = second;
    instances[validators + pair] = first;
  }
  return {
    instances,
    validators: images,
    fixedLeaders: BigInt(images.filter((image, validator) => image === validator).length),
    fixedPartitions: BigInt(fixedPartitionCount(cyclesOf(instances))),
  };
}

function permutations(count: number): readonly (readonly number[])[] {
  if (count === 0) return [[]];
  const shorter = permutations(count - 1);
  const found: number[][] = [];
  for (let first = 0; first < count; first++) {
    for (const rest of shorter) found.push([first, ...rest.map((value) => (value >= first ? value + 1 : value))]);
  }
  return found;
}

function cyclesOf(images: readonly number[]): readonly number[] {
  const lengths: number[] = [];
  const isSeen = new Set<number>();
  for (const start of images.keys()) {
    let length = 0;
    for (let at = start; !isSeen.has(at); at = images[at] as number) {
      isSeen.add(at);
      length++;
    }
    if (length > 0) lengths.push(length);
  }
  return lengths.sort((left, right) => left - right);
}
