/** Set partitions: every way to split a number of instances into groups, as restricted growth strings (position i holds the
 *  group of instance i; groups are numbered by first appearance). Pure arithmetic; knows nothing of validators. */

/** One partition: the group of each member. */
export type Partition = readonly number[];

/** All partitions of `count` members, in lexicographic order; there are Bell(count) of them. */
export function allPartitions(count: number): readonly Partition[] {
  const found: number[][] = [];
  const current: number[] = [];
  const extend = (groups: number): void => {
    if (current.length === count) {
      found.push([...current]);
      return;
    }
    for (let group = 0; group <= groups; group++) {
      current.push(group);
      extend(Math.max(groups, group + 1));
      current.pop();
    }
  };
  extend(0);
  return found;
}

/** A number that names a partition of at most 13 members. */
export function partitionKey(partition: Partition): number {
  let key = 0;
  for (const group of partition) key = key * partition.length + group;
  return key;
}

/** Where a partition goes when member i becomes member `images[i]`. */
export function movePartition(partition: Partition, images: readonly number[]): Partition {
  const moved = new Array<number>(partition.length);
  for (let member = 0; member < images.length; member++) moved[images[member] as number] = partition[member] as number;
  return renumber(moved);
}

export function partitionOfGroups(groups: readonly (readonly number[])[]): Partition {
  const partition: number[] = [];
  for (const [group, members] of groups.entries()) for (const member of members) partition[member] = group;
  return renumber(partition);
}

export function groupsOfPartition(partition: Partition): readonly (readonly number[])[] {
  const groups: number[][] = [];
  for (const [member, group] of partition.entries()) {
    const members = groups[group];
    if (members === undefined) groups[group] = [member];
    else members.push(member);
  }
  return groups;
}

/** How many partitions a permutation of these cycle lengths leaves as they are. The groups that the first cycle touches form a
 *  ring of d groups, shared with some of the other cycles; d divides all their lengths, and each of the others can be laid
 *  into the ring in d ways. The rest is a smaller case of the same. */
export function fixedPartitionCount(cycles: readonly number[]): number {
  const [first, ...others] = cycles;
  if (first === undefined) return 1;
  let count = 0;
  for (let chosen = 0; chosen < 2 ** others.length; chosen++) {
    const joined = others.filter((_, index) => (chosen >> index) & 1);
    const rest = others.filter((_, index) => ((chosen >> index) & 1) === 0);
    const rings = divisors(joined.reduce(greatestCommonDivisor, first)).map((groups) => groups ** joined.length);
    count += rings.reduce((sum, ways) => sum + ways, 0) * fixedPartitionCount(rest);
  }
  return count;
}

function renumber(partition: readonly number[]): Partition {
  const names: number[] = [];
  let used = 0;
  return partition.map((group) => {
    names[group] ??= used++;
    return names[group];
  });
}

function divisors(value: number): readonly number[] {
  return Array.from({ length: value }, (_, index) => index + 1).filter((candidate) => value % candidate === 0);
}

function greatestCommonDivisor(left: number, right: number): number {
  return right === 0 ? left : greatestCommonDivisor(right, left % right);
}
