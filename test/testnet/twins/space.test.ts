/** The reduced space against brute force: all words listed, renamed in all ways by a second, plainer program, and counted. */

import t from "tap";
import { createStream } from "../../../testnet/simulator/streams.ts";
import { allPartitions, groupsOfPartition } from "../../../testnet/twins/partitions.ts";
import type { TwinsRound, TwinsScenario } from "../../../testnet/twins/scenario.ts";
import { createScenarioSpace, type SpaceShape } from "../../../testnet/twins/space.ts";

const SMALL: readonly SpaceShape[] = [
  { validators: 1, twins: 0, rounds: 2, phases: 2 },
  { validators: 1, twins: 1, rounds: 3, phases: 1 },
  { validators: 2, twins: 1, rounds: 2, phases: 2 },
  { validators: 2, twins: 2, rounds: 2, phases: 1 },
  { validators: 3, twins: 0, rounds: 2, phases: 2 },
  { validators: 3, twins: 1, rounds: 2, phases: 1 },
  { validators: 3, twins: 2, rounds: 1, phases: 1 },
  { validators: 4, twins: 0, rounds: 2, phases: 1 },
  { validators: 4, twins: 1, rounds: 1, phases: 2 },
];
const shapeText = (shape: SpaceShape): string => Object.values(shape).join(" ");

t.test("total and scenarioAt: exactly one scenario of each class of mirror images, as brute force finds them", async (t) => {
  for (const shape of SMALL) {
    const space = createScenarioSpace(shape);
    const renamings = allRenamings(shape);
    const classes = new Set(allScenarios(shape).map((scenario) => leastText(scenario, renamings)));
    t.equal(space.total, BigInt(classes.size), `${shapeText(shape)}: the count`);
    const listed = new Set<string>();
    for (let index = 0n; index < space.total; index++) listed.add(leastText(space.scenarioAt(index), renamings));
    t.equal(listed.size, classes.size, `${shapeText(shape)}: no two numbers name mirror images`);
    t.ok([...listed].every((text) => classes.has(text)));
  }
});

t.test("total: known values, so that a change of the model shows", async (t) => {
  const totals = [
    [{ validators: 4, twins: 1, rounds: 1, phases: 1 }, 42n],
    [{ validators: 4, twins: 1, rounds: 2, phases: 1 }, 4_695n],
    [{ validators: 4, twins: 1, rounds: 2, phases: 2 }, 10_143_395n],
    [{ validators: 4, twins: 1, rounds: 8, phases: 2 }, 15_608_180_668_820_888_528_536_924_497_803n],
    [{ validators: 4, twins: 2, rounds: 2, phases: 1 }, 53_512n],
  ] as const;
  for (const [shape, total] of totals) t.equal(createScenarioSpace(shape).total, total, shapeText(shape));
});

t.test("indexOf: gives back the number, also of any mirror image, at sizes that nobody can list", async (t) => {
  const shapes: readonly SpaceShape[] = [
    { validators: 4, twins: 1, rounds: 8, phases: 2 },
    { validators: 4, twins: 2, rounds: 5, phases: 2 },
    { validators: 5, twins: 1, rounds: 3, phases: 1 },
  ];
  for (const shape of shapes) {
    const space = createScenarioSpace(shape);
    const renamings = allRenamings(shape);
    const random = createStream(7, shapeText(shape));
    for (let round = 0; round < 60; round++) {
      // Small numbers have much symmetry left, so they are drawn as often as large ones.
      const index = round % 2 === 0 ? BigInt(random.below(5_000)) % space.total : (space.total * BigInt(random.uint32())) >> 32n;
      const scenario = space.scenarioAt(index);
      t.equal(space.indexOf(scenario), index);
      t.equal(space.indexOf(renamed(scenario, random.pick(renamings))), index, "a mirror image");
    }
  }
});

/** Where each instance goes. */
type Renaming = readonly number[];

/** Every permutation of the instances that maps copies of one validator to copies of one validator. */
function allRenamings({ validators, twins }: SpaceShape): readonly Renaming[] {
  const count = validators + twins;
  const ownerOf = (instance: number): number => (instance < validators ? instance : instance - validators);
  const keepsOwners = (images: readonly number[]): boolean => {
    const owners = new Map<number, number>();
    return images.every((image, instance) => {
      const owner = owners.get(ownerOf(instance)) ?? ownerOf(image);
      owners.set(ownerOf(instance), owner);
      return owner === ownerOf(image) && ownerOf(instance) < twins === owner < twins;
    });
  };
  return orders(count).filter(keepsOwners);
}

function orders(count: number): readonly (readonly number[])[] {
  if (count === 0) return [[]];
  return orders(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, place) => [...order.slice(0, place), count - 1, ...order.slice(place)]),
  );
}

function allScenarios(shape: SpaceShape): readonly TwinsScenario[] {
  const partitions = allPartitions(shape.validators + shape.twins).map(groupsOfPartition);
  const leaders = Array.from({ length: shape.validators }, (_, leader) => leader);
  const rounds: readonly TwinsRound[] = leaders.flatMap((leader) =>
    partitions.flatMap((groups): readonly TwinsRound[] =>
      shape.phases === 1 ? [{ leader, groups }] : partitions.map((commitGroups) => ({ leader, groups, commitGroups })),
    ),
  );
  let words: readonly (readonly TwinsRound[])[] = [[]];
  for (let round = 0; round < shape.rounds; round++) words = words.flatMap((word) => rounds.map((next) => [...word, next]));
  const twins = Array.from({ length: shape.twins }, (_, twin) => twin);
  return words.map((word) => ({ type: "twins", validators: shape.validators, twins, rounds: word }));
}

function renamed(scenario: TwinsScenario, images: Renaming): TwinsScenario {
  const { validators } = scenario;
  const imageOfLeader = (leader: number): number => {
    const image = images[leader] as number;
    return image < validators ? image : image - validators;
  };
  const moved = (groups: TwinsRound["groups"]) => groups.map((group) => group.map((member) => images[member] as number));
  const rounds = scenario.rounds.map(({ leader, groups, commitGroups }) => ({
    leader: imageOfLeader(leader),
    groups: moved(groups),
    ...(commitGroups === undefined ? {} : { commitGroups: moved(commitGroups) }),
  }));
  return { ...scenario, rounds };
}

/** The least of the texts of all mirror images. */
function leastText(scenario: TwinsScenario, renamings: readonly Renaming[]): string {
  let least: string | undefined;
  for (const images of renamings) {
    const text = textOf(renamed(scenario, images));
    if (least === undefined || text < least) least = text;
  }
  return least ?? "";
}

function textOf({ rounds }: TwinsScenario): string {
  const groupsText = (groups: TwinsRound["groups"] | undefined): string =>
    (groups ?? [])
      .map((group) => [...group].sort().join(""))
      .sort()
      .join("|");
  return rounds.map(({ leader, groups, commitGroups }) => `${leader}:${groupsText(groups)}:${groupsText(commitGroups)}`).join(" ");
}
