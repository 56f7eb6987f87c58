/** The simulated network: which messages pass, how late, how often, under each fault. */

import { test } from "tap";
import type { FaultAction } from "../../../testnet/scenario/manifest.ts";
import { createSimulatedNetwork, type Dispatch, type NetworkAction, type SimulatedNetwork } from "../../../testnet/simulator/network.ts";

const COUNT = 4;
const ALL = [0, 1, 2, 3];

function network(seed = 1): SimulatedNetwork {
  return createSimulatedNetwork({ seed, count: COUNT, topology: { type: "uniform", delayMs: [1, 3] } });
}

function message(from: number, to: number, more: Partial<Dispatch> = {}): Dispatch {
  return { from, to, kind: "vote", view: 1, nth: 0, bytes: 200, ...more };
}

const link = (change: Partial<Extract<FaultAction, { type: "link" }>>): NetworkAction => ({
  type: "link",
  from: ALL,
  to: ALL,
  kinds: [],
  loss: 0,
  duplicate: 0,
  reorder: 0,
  reorderMs: 0,
  extraDelayMs: [0, 0],
  ...change,
});

test("network: no fault, one copy within the topology's bounds, the same for the same seed", async (t) => {
  const [left, right, other] = [network(), network(), network(2)];
  const delays = (of: SimulatedNetwork) => Array.from({ length: 50 }, () => of.delays(message(0, 1), 0)[0] as number);
  const drawn = delays(left);
  t.ok(drawn.every((delay) => delay >= 1_000 && delay <= 3_000));
  t.same(drawn, delays(right));
  t.notSame(drawn, delays(other));
});

test("network: regions, half the round trip of the matrix, each way its own", async (t) => {
  const matrix = {
    regions: ["a", "b"],
    roundTripMs: [
      [1, 80],
      [100, 1],
    ],
  };
  const regional = createSimulatedNetwork({ seed: 1, count: 2, topology: { type: "regions", regions: ["a", "b"], matrix, jitter: 0 } });
  t.same(regional.delays(message(0, 1), 0), [40_000]);
  t.same(regional.delays(message(1, 0), 0), [50_000]);
});

test("network: a partition, only members of a common group hear each other", async (t) => {
  const cut = network();
  cut.begin(0, {
    type: "partition",
    groups: [
      [0, 1],
      [1, 2],
    ],
  });
  const hears = (from: number, to: number): boolean => cut.delays(message(from, to), 0).length > 0;
  t.same(
    ALL.map((from) => ALL.filter((to) => to !== from && hears(from, to))),
    [[1], [0, 2], [1], []],
  );
  cut.end(0);
  t.ok(hears(0, 3));
});

test("network: a cut, is one-way", async (t) => {
  const cut = network();
  cut.begin(0, { type: "cut", from: [0], to: [1] });
  t.same(cut.delays(message(0, 1), 0), []);
  t.equal(cut.delays(message(1, 0), 0).length, 1);
  t.same([cut.isOpen(0, 1), cut.isOpen(1, 0)], [false, true]);
});

test("network: link faults, lose, double and delay only the kinds that they name", async (t) => {
  const lossy = network();
  lossy.begin(0, link({ kinds: ["commit"], loss: 1 }));
  t.same(lossy.delays(message(0, 1, { kind: "commit" }), 0), []);
  t.equal(lossy.delays(message(0, 1), 0).length, 1);
  const doubling = network();
  doubling.begin(0, link({ duplicate: 1, extraDelayMs: [50, 50] }));
  const copies = doubling.delays(message(0, 1), 0);
  t.equal(copies.length, 2);
  t.ok(copies.every((delay) => delay >= 51_000));
});

test("network: removing one link fault, leaves what another decides unchanged", async (t) => {
  const [both, one] = [network(), network()];
  both.begin(0, link({ from: [2], extraDelayMs: [0, 9] }));
  both.begin(1, link({ from: [0], loss: 0.5 }));
  one.begin(1, link({ from: [0], loss: 0.5 }));
  const fates = (of: SimulatedNetwork) => Array.from({ length: 100 }, () => of.delays(message(0, 1), 0));
  t.same(fates(both), fates(one));
});

test("network: bandwidth, messages queue behind each other on their link", async (t) => {
  const narrow = network();
  narrow.begin(0, { type: "bandwidth", from: [0], to: ALL, bytesPerSecond: 10_000 });
  const delays = Array.from({ length: 3 }, () => narrow.delays(message(0, 1, { bytes: 1_000 }), 0)[0] as number);
  t.ok((delays[0] as number) >= 100_000 && (delays[2] as number) >= 300_000, delays.join());
  t.ok((narrow.delays(message(0, 2, { bytes: 1_000 }), 0)[0] as number) < 200_000);
});

test("network: a stall, holds messages and gives them all back at its end", async (t) => {
  const stalled = network();
  const released: string[] = [];
  stalled.onRelease((act) => act());
  stalled.begin(0, { type: "stall", from: [0], to: [1] });
  t.ok(stalled.hold(0, 1, () => released.push("first")));
  t.ok(stalled.hold(0, 1, () => released.push("second")));
  t.notOk(stalled.hold(1, 0, () => released.push("never held")));
  t.same(released, []);
  stalled.end(0);
  t.same(released, ["first", "second"]);
});

test("network: a named message, has the fate that it was given and no other has", async (t) => {
  const named = network();
  const name = { from: 0, to: 1, kind: "vote", view: 7, nth: 2 } as const;
  named.begin(0, { type: "message", message: name, delaysMs: [] });
  named.begin(1, { type: "message", message: { ...name, nth: 3 }, delaysMs: [5, 9.5] });
  t.same(named.delays(message(0, 1, { view: 7, nth: 2 }), 0), []);
  t.same(named.delays(message(0, 1, { view: 7, nth: 3 }), 0), [5_000, 9_500]);
  t.equal(named.delays(message(0, 1, { view: 7, nth: 1 }), 0).length, 1);
});

test("network: spared links, no fault touches them and stalled messages are let go", async (t) => {
  const faulty = network();
  faulty.onRelease((act) => act());
  faulty.begin(0, { type: "partition", groups: [] });
  faulty.begin(1, link({ loss: 1 }));
  faulty.begin(2, { type: "stall", from: ALL, to: ALL });
  let released = 0;
  faulty.hold(0, 1, () => released++);
  faulty.spare([0, 1, 2]);
  t.equal(released, 1);
  t.equal(faulty.delays(message(0, 1), 0).length, 1);
  t.same(faulty.delays(message(0, 3), 0), []);
  t.same([faulty.isOpen(1, 2), faulty.isOpen(1, 3)], [true, false]);
});
