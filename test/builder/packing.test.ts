/** K1 to K8: each by itself on a toy application in which order matters, and all of them under random contents. */

import fc from "fast-check";
import t from "tap";
import { type CandidateBundle, readBundle } from "../../builder/bundle.ts";
import { GROUP_ROUNDS_MAX, type Packed, pack, SIMULATIONS_MAX, TAIL_LIMITS } from "../../builder/packing.ts";
import type { TailLimits } from "../../builder/tail.ts";
import type { ParsedTransaction } from "../../types/application.ts";
import { bundleMessageBytes } from "../../types/bid.ts";
import { messageBytesOf, SEALED_SIZE_CLASS_MAX } from "../../types/envelope.ts";
import { Height } from "../../types/ids.ts";
import {
  BUNDLE_GROUPS_MAX,
  BUNDLE_TRANSACTIONS_MAX,
  TAIL_BYTES_MAX,
  TAIL_OPERATIONS_MAX,
  TAIL_TRANSACTIONS_MAX,
} from "../../types/limits.ts";
import { holds } from "../support/property.ts";
import { type Behaviour, createToyApplication, type Shape, TOY_CODES, type ToyApplication, transaction } from "./builder_world.ts";

interface World extends ToyApplication {
  /** Pays 10 unless told otherwise. */
  tx(shape: Shape, behaviour?: Partial<Behaviour>): ParsedTransaction;
  bundle(transactions: readonly ParsedTransaction[], tip: number, worth?: number): CandidateBundle;
  pack(transactions: readonly ParsedTransaction[], bundles?: readonly CandidateBundle[], change?: PackChange): Packed;
}

interface PackChange {
  readonly limits?: Partial<TailLimits>;
  readonly canSeal?: boolean;
  readonly height?: number;
}

function createWorld(): World {
  const toy = createToyApplication();
  return Object.assign(toy, {
    tx: (shape: Shape, behaviour: Partial<Behaviour> = {}) => toy.behave(transaction(shape), { pays: 10n, ...behaviour }),
    bundle(transactions: readonly ParsedTransaction[], tip: number, worth = tip) {
      const read = readBundle({ from: Height.of(1), to: Height.of(9), tip: BigInt(tip), transactions }, { transactionsMax: 128 });
      if (!read.ok) throw new Error(read.refusal.code);
      return { ...read.bundle, worth: BigInt(worth) };
    },
    pack: (transactions: readonly ParsedTransaction[], bundles: readonly CandidateBundle[] = [], change: PackChange = {}) =>
      pack({
        height: Height.of(change.height ?? 1),
        transactions,
        bundles,
        canSeal: change.canSeal ?? true,
        limits: { ...TAIL_LIMITS, ...change.limits },
        simulate: toy.simulate,
      }),
  });
}

const names = (transactions: readonly ParsedTransaction[]): string[] => transactions.map(({ sender, nonce }) => `${sender}${nonce}`);
const groupNames = ({ groups }: Packed): string[] => groups.map(({ bundle }) => names(bundle.transactions).join("+"));

t.test("TAIL_LIMITS: those of a valid bid", async (t) => {
  const { transactionsMax, bytesMax, operationsMax } = TAIL_LIMITS;
  t.same([transactionsMax, bytesMax, operationsMax], [TAIL_TRANSACTIONS_MAX, TAIL_BYTES_MAX, TAIL_OPERATIONS_MAX]);
});

t.test("K1: the tail keeps the pool's order, with nonces ascending within the places of a sender", async (t) => {
  const world = createWorld();
  const waiting = [
    world.tx({ sender: "a", nonce: 2 }),
    world.tx({ sender: "b", nonce: 7 }),
    world.tx({ sender: "a", nonce: 1 }),
    world.tx({ sender: "", nonce: 0 }),
    world.tx({ sender: "a", nonce: 3, expiry: 4 }),
    world.tx({ sender: "b", nonce: 7, variant: 1 }),
  ];
  const packed = world.pack(waiting, [], { height: 5 });
  t.same(names(packed.tail), ["a1", "b7", "a2", "0"], "what has expired, and a nonce's second user, is left out");
  t.equal(packed.tail[1], waiting[1], "of two with one nonce the pool's first stays");
  t.same([packed.tailBytes, packed.gas, packed.gain], [800, 4, 40n]);
});

t.test("K2: under scarcity the best paid for bytes or operations, never a later nonce without the earlier", async (t) => {
  const world = createWorld();
  const cheapThenDear = [world.tx({ sender: "a", nonce: 0 }, { pays: 1n }), world.tx({ sender: "a", nonce: 1 }, { pays: 99n })];
  const fair = [world.tx({ sender: "b" }, { pays: 20n }), world.tx({ sender: "c" }, { pays: 30n })];
  const all = [...cheapThenDear, ...fair];
  t.same(names(world.pack(all, [], { limits: { transactionsMax: 2 } }).tail), ["b0", "c0"]);
  t.same(names(world.pack(all, [], { limits: { bytesMax: 600 } }).tail), ["a0", "b0", "c0"]);
  t.same(world.pack(all, [], { limits: { bytesMax: 600 } }).gain, 51n);
  const greedy = world.tx({ sender: "d", operations: 9 }, { pays: 90n });
  const frugal = world.tx({ sender: "e", operations: 1 }, { pays: 11n });
  t.same(names(world.pack([greedy, frugal], [], { limits: { operationsMax: 9 } }).tail), ["e0"], "90 for 9 is less than 11 for 1");
  const oversized = [world.tx({ sender: "f", nonce: 0, bytes: 900 }, { pays: 10_000n }), world.tx({ sender: "f", nonce: 1 }), ...fair];
  t.same(
    names(world.pack(oversized, [], { limits: { bytesMax: 600 } }).tail),
    ["b0", "c0"],
    "what finds no room holds back the rest of its sender",
  );
});

t.test("K2: messages of the key generation come first though they pay nothing, up to their bound", async (t) => {
  const world = createWorld();
  const messages = [0, 1, 2].map((variant) => world.tx({ sender: "v", isKeygen: true, variant }, { pays: 0n }));
  const paying = [world.tx({ sender: "a" }), world.tx({ sender: "b" })];
  const { tail } = world.pack([...paying, ...messages], [], { limits: { transactionsMax: 3, keygenMax: 2 } });
  t.equal(tail.filter(({ keygen }) => keygen !== undefined).length, 2);
  t.equal(tail.length, 3);
});

t.test("K3: groups, transactions and bytes of a bundle stay within their limits; the rest finds no room", async (t) => {
  const world = createWorld();
  const singles = Array.from({ length: BUNDLE_GROUPS_MAX + 3 }, (_, index) => world.bundle([world.tx({ sender: `s${index}` })], 5));
  const byCount = world.pack([], singles);
  t.equal(byCount.groups.length, BUNDLE_GROUPS_MAX);
  t.equal([...byCount.left.values()].filter(({ type }) => type === "noRoom").length, 3);

  const long = [0, 1, 2].map((group) =>
    world.bundle(
      Array.from({ length: BUNDLE_TRANSACTIONS_MAX / 2 }, (_, nonce) => world.tx({ sender: `l${group}`, nonce })),
      5,
    ),
  );
  t.equal(world.pack([], long).groups.length, 2);

  const bytes = 30_000;
  const wide = [0, 1, 2].map((group) => world.bundle([world.tx({ sender: `w${group}`, bytes })], 5));
  const byBytes = world.pack([], wide);
  t.equal(byBytes.groups.length, 2);
  t.ok(
    bundleMessageBytes(byBytes.groups.map(({ bundle }) => bundle.transactions.map((each) => each.bytes))) <=
      messageBytesOf(SEALED_SIZE_CLASS_MAX),
  );
});

t.test("K4: of two groups with one nonce the better paid stays, and the other knows to whom it lost", async (t) => {
  const world = createWorld();
  const rich = world.bundle([world.tx({ sender: "a" }, { pays: 50n })], 50);
  const poor = world.bundle([world.tx({ sender: "a", variant: 1 }, { pays: 40n })], 40);
  const packed = world.pack([], [poor, rich]);
  t.same(
    packed.groups.map(({ bundle, gain }) => [bundle.id, gain]),
    [[rich.id, 50n]],
  );
  t.same(packed.left.get(poor.id), { type: "conflict", with: { type: "bundle", id: rich.id } });

  const shared = world.tx({ sender: "" });
  const [wide, narrow] = [world.bundle([shared, world.tx({ sender: "b" })], 5), world.bundle([shared], 5)];
  const without = world.pack([], [wide, narrow]);
  t.same(without.left.get(wide.id), { type: "conflict", with: { type: "bundle", id: narrow.id } }, "without senders, by transaction");
});

t.test("K4: of a group and the tail the better paid stays, counted with all that the group keeps out", async (t) => {
  const world = createWorld();
  const open = [0, 1, 2].map((nonce) => world.tx({ sender: "a", nonce }));
  const around = world.tx({ sender: "searcher" }, { pays: 11n });
  const backrun = world.bundle([open[0] as ParsedTransaction, around], 21);
  const packed = world.pack(open, [backrun]);
  t.same(groupNames(packed), ["a0+searcher0"]);
  t.same(names(packed.tail), ["a1", "a2"]);
  t.equal(packed.gain, 41n);

  const late = world.bundle([open[2] as ParsedTransaction, world.tx({ sender: "late" }, { pays: 15n })], 25);
  const refused = world.pack(open, [late]);
  t.same(names(refused.tail), ["a0", "a1", "a2"], "a2 in front would keep out a0 and a1 too, which pay more");
  t.same(refused.left.get(late.id), { type: "conflict", with: { type: "transaction", hash: open[2]?.hash } });
});

t.test("K5: groups best paid first, but a sender's nonces ascend; circles are broken", async (t) => {
  const world = createWorld();
  const second = world.bundle([world.tx({ sender: "a", nonce: 1 }, { pays: 90n })], 90);
  const first = world.bundle([world.tx({ sender: "a", nonce: 0 }, { pays: 20n })], 20);
  const middle = world.bundle([world.tx({ sender: "b" }, { pays: 50n })], 50);
  t.same(groupNames(world.pack([], [first, middle, second])), ["a0", "a1", "b0"]);

  const crossed = [
    world.bundle([world.tx({ sender: "x", nonce: 5 }, { pays: 50n }), world.tx({ sender: "y", nonce: 4 })], 60),
    world.bundle([world.tx({ sender: "x", nonce: 4 }, { pays: 40n }), world.tx({ sender: "y", nonce: 5 })], 50),
  ];
  const packed = world.pack([], crossed);
  t.same(groupNames(packed), ["x5+y4"]);
  t.same(packed.left.get((crossed[1] as CandidateBundle).id), { type: "conflict", with: { type: "bundle", id: crossed[0]?.id } });

  const ring = [
    world.bundle([world.tx({ sender: "r", nonce: 1 }, { pays: 90n }), world.tx({ sender: "s", nonce: 0 })], 95),
    world.bundle([world.tx({ sender: "s", nonce: 1 }, { pays: 80n }), world.tx({ sender: "u", nonce: 0 })], 85),
    world.bundle([world.tx({ sender: "u", nonce: 1 }, { pays: 70n }), world.tx({ sender: "r", nonce: 0 })], 75),
  ];
  t.same(groupNames(world.pack([], ring)), ["r1+s0", "s1+u0"], "the third would have to stand before the first and after the second");
});

t.test("K6: a group that fails or pays too little is out with the reason, and its rival gets its place", async (t) => {
  const world = createWorld();
  const failing = world.bundle([world.tx({ sender: "a", nonce: 0 }), world.tx({ sender: "a", nonce: 1 }, { fails: true })], 100);
  const stingy = world.bundle([world.tx({ sender: "b" }, { pays: 30n })], 40);
  const honest = world.bundle([world.tx({ sender: "b", variant: 1 }, { pays: 35n }), world.tx({ sender: "a", nonce: 0, variant: 1 })], 35);
  const packed = world.pack([], [failing, stingy, honest]);
  t.same(
    packed.groups.map(({ bundle, gain }) => [bundle.id, gain]),
    [[honest.id, 45n]],
  );
  t.same(packed.left.get(failing.id), {
    type: "simulationFailed",
    position: 1,
    code: TOY_CODES.failed,
    operations: [{ index: 0, code: 1 }],
  });
  t.same(packed.left.get(stingy.id), { type: "tipNotPaid", declared: 40n, measured: 30n });
});

t.test("K6: without a key to seal to there is no group, and every bundle knows", async (t) => {
  const world = createWorld();
  const bundle = world.bundle([world.tx({ sender: "a" })], 10);
  const packed = world.pack([], [bundle], { canSeal: false });
  t.same([packed.groups, packed.left.get(bundle.id)], [[], { type: "cannotSeal" }]);
});

t.test("K7: a tail transaction that would be refused is left out; one that fails and pays its fee stays", async (t) => {
  const world = createWorld();
  const needed = world.tx({ sender: "a" });
  const follower = world.tx({ sender: "b" }, { needs: needed.hash });
  const orphan = world.tx({ sender: "c" }, { needs: transaction({ sender: "nobody" }).hash });
  const failing = world.tx({ sender: "d" }, { fails: true });
  t.same(names(world.pack([needed, follower, orphan, failing]).tail), ["a0", "b0", "d0"]);
  const cut = world.pack([needed, follower, failing, world.tx({ sender: "e" }, { pays: 60n })], [], { limits: { transactionsMax: 3 } });
  t.equal(cut.gain, BigInt(cut.tail.length === 3 ? 80 : 70));
  const alone = world.pack(
    [world.tx({ sender: "f" }, { pays: 1n }), world.tx({ sender: "g" }, { pays: 70n, needs: transaction({ sender: "f" }).hash })],
    [],
    {
      limits: { transactionsMax: 1 },
    },
  );
  t.same([names(alone.tail), alone.gain], [[], 0n], "when the cut takes away what it needs, it is not counted");
});

t.test("K8: groups that keep paying too little end after GROUP_ROUNDS_MAX rounds, with what was measured exactly", async (t) => {
  const world = createWorld();
  const bundles: CandidateBundle[] = [];
  // Each liar's nonce goes to the next liar once it is out: a round each.
  for (let index = 0; index < GROUP_ROUNDS_MAX + 3; index++) {
    bundles.push(world.bundle([world.tx({ sender: "a", variant: index }, { pays: 1n })], 500 - index));
  }
  const before = world.bundle([world.tx({ sender: "b" }, { pays: 1_000n })], 1_000);
  const behind = world.bundle([world.tx({ sender: "c" }, { pays: 5n })], 5);
  const open = world.tx({ sender: "a", nonce: 0 });
  const packed = world.pack([open], [...bundles, before, behind]);
  t.same(groupNames(packed), ["b0"]);
  t.equal(packed.gain, 1_010n);
  t.same(packed.left.get(behind.id), { type: "noRoom" });
  t.equal(packed.left.size, bundles.length + 1);
  t.ok(world.calls <= SIMULATIONS_MAX, `${world.calls} simulations`);
});

const arbitraryTransaction = fc.record({
  sender: fc.constantFrom("a", "b", "c", ""),
  nonce: fc.integer({ min: 0, max: 4 }),
  bytes: fc.constantFrom(100, 300, 9_000),
  operations: fc.integer({ min: 1, max: 4 }),
  variant: fc.integer({ min: 0, max: 1 }),
  pays: fc.integer({ min: 0, max: 30 }),
  needs: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined, freq: 4 }),
  fails: fc.boolean(),
});
const arbitraryBundle = fc.record({
  members: fc.array(fc.integer({ min: 0, max: 19 }), { minLength: 1, maxLength: 3 }),
  tip: fc.integer({ min: 0, max: 60 }),
});
const arbitraryLimits = fc.record({
  transactionsMax: fc.integer({ min: 1, max: 12 }),
  bytesMax: fc.integer({ min: 100, max: 12_000 }),
  operationsMax: fc.integer({ min: 1, max: 20 }),
});

t.test(
  "K1 to K8 under random contents: within limits, nonces ascend and never repeat, the gain is what a fresh simulation says",
  async (t) => {
    const shapes = fc.array(arbitraryTransaction, { minLength: 20, maxLength: 20 });
    const property = fc.property(shapes, fc.array(arbitraryBundle, { maxLength: 12 }), arbitraryLimits, (given, wanted, limits) => {
      const world = createWorld();
      const transactions = given.map(({ pays, needs, fails, ...shape }) => {
        const needed = needs === undefined ? undefined : given[needs];
        const { pays: _pays, needs: _needs, fails: _fails, ...neededShape } = needed ?? { pays: 0, needs: 0, fails: false };
        const behaviour = { pays: BigInt(pays), fails, ...(needed === undefined ? {} : { needs: transaction(neededShape).hash }) };
        return world.tx(shape, behaviour);
      });
      const bundles = new Map<string, CandidateBundle>();
      for (const { members, tip } of wanted) {
        const contents = {
          from: Height.of(1),
          to: Height.of(9),
          tip: BigInt(tip),
          transactions: members.map((index) => transactions[index] as ParsedTransaction),
        };
        const read = readBundle(contents, { transactionsMax: 16 });
        if (read.ok) bundles.set(read.bundle.id, { ...read.bundle, worth: read.bundle.tip });
      }
      const open = transactions.slice(0, 15);
      const packed = world.pack(open, [...bundles.values()], { limits });
      if (world.calls > SIMULATIONS_MAX) return false;
      return (
        isWithin(packed, limits) &&
        isOrdered(packed) &&
        isMeasured(world, packed) &&
        isAnswered(packed, [...bundles.values()]) &&
        isFrom(packed, open)
      );
    });
    holds(t, property, 400);
  },
);

type SmallLimits = Pick<TailLimits, "transactionsMax" | "bytesMax" | "operationsMax">;

function isWithin({ tail, tailBytes, gas, groups }: Packed, limits: SmallLimits): boolean {
  const bytes = tail.reduce((sum, each) => sum + each.bytes.length, 0);
  const operations = tail.reduce((sum, each) => sum + each.operationCount, 0);
  const isTrue = bytes === tailBytes && operations === gas;
  const message = bundleMessageBytes(groups.map(({ bundle }) => bundle.transactions.map((each) => each.bytes)));
  const isBundleWithin = groups.length <= BUNDLE_GROUPS_MAX && message <= messageBytesOf(SEALED_SIZE_CLASS_MAX);
  return (
    isTrue && isBundleWithin && tail.length <= limits.transactionsMax && bytes <= limits.bytesMax && operations <= limits.operationsMax
  );
}

function isOrdered({ groups, tail }: Packed): boolean {
  const last = new Map<string, number>();
  for (const { sender, nonce, hash } of [...groups.flatMap(({ bundle }) => bundle.transactions), ...tail]) {
    const key = sender === "" ? hash : sender;
    if (nonce <= (last.get(key) ?? -1)) return false;
    last.set(key, nonce);
  }
  return true;
}

function isMeasured(world: World, { groups, tail, gain }: Packed): boolean {
  const results = world.simulate([
    ...groups.map(({ bundle }) => ({ transactions: bundle.transactions, isAllOrNone: true })),
    ...tail.map((each) => ({ transactions: [each], isAllOrNone: false })),
  ]);
  const isSum = results.reduce((sum, result) => sum + result.gain, 0n) === gain;
  const isStanding = groups.every(({ bundle, gain: each }, index) => {
    const found = results[index];
    return found?.result.isIncluded === true && found.gain === each && each >= bundle.tip;
  });
  const isPaying = results.every(
    ({ result }) => result.isIncluded && result.receipts.every(({ code, operationCodes }) => code === 0 || operationCodes.length > 0),
  );
  return isSum && isStanding && isPaying;
}

function isAnswered({ groups, left }: Packed, bundles: readonly CandidateBundle[]): boolean {
  const inside = new Set(groups.map(({ bundle }) => bundle.id));
  return bundles.every(({ id }) => inside.has(id) !== left.has(id));
}

const isFrom = ({ tail }: Packed, open: readonly ParsedTransaction[]): boolean => tail.every((each) => open.includes(each));
