/** Set partitions: all of them, moved, and counted; the closed count of fixed ones against looking at each. */

import t from "tap";
import {
  allPartitions,
  fixedPartitionCount,
  groupsOfPartition,
  movePartition,
  type Partition,
  partitionKey,
  partitionOfGroups,
} from "../../../testnet/twins/partitions.ts";

t.test("allPartitions: as many as Bell's numbers, each once", async (t) => {
  for (const [members, bell] of [1, 1, 2, 5, 15, 52, 203, 877, 4_140].entries()) {
    const keys = new Set(allPartitions(members).map(partitionKey));
    t.equal(keys.size, bell, `${members} members`);
  }
});

t.test("groupsOfPartition and partitionOfGroups: there and back, whatever the order of groups and members", async (t) => {
  for (const partition of allPartitions(5)) {
    const groups = groupsOfPartition(partition);
    t.same(partitionOfGroups(groups), partition);
    t.same(partitionOfGroups([...groups].reverse().map((group) => [...group].reverse())), partition);
  }
});

t.test("fixedPartitionCount: the same as looking at every partition, for permutations of every cycle type of up to 8", async (t) => {
  for (const cycles of cycleTypes(8)) {
    const images = permutationOf(cycles);
    const isFixed = (partition: Partition): boolean => partitionKey(movePartition(partition, images)) === partitionKey(partition);
    t.equal(fixedPartitionCount(cycles), allPartitions(images.length).filter(isFixed).length, `cycles ${cycles.join("+")}`);
  }
});

/** All lists of cycle lengths, descending, with sums up to `sumMax`. */
function cycleTypes(sumMax: number, longest = sumMax): readonly (readonly number[])[] {
  const found: number[][] = [[]];
  for (let length = Math.min(longest, sumMax); length >= 1; length--) {
    for (const rest of cycleTypes(sumMax - length, length)) found.push([length, ...rest]);
  }
  return found;
}

function permutationOf(cycles: readonly number[]): readonly number[] {
  const images: number[] = [];
  for (const length of cycles) {
    const start = images.length;
    for (let step = 0; step < length; step++) images.push(start + ((step + 1) % length));
  }
  return images;
}
