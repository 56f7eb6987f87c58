/** The key generation as a whole: honest, silent and cheating dealers, on the fast double and on the real group. Every network has an
 *  observer, which has no part and must come to the same state as everybody. */

import t, { type Test } from "tap";
import { nobleGroup } from "../../crypto/sealing/noble_group.ts";
import { createSealingSuite } from "../../crypto/sealing/suite.ts";
import type { Keygen } from "../../mempool/keygen_interface.ts";
import { createFastSealing } from "../../testnet/simulator/fast_sealing.ts";
import { bytesEqual, toHex } from "../../types/bytes.ts";
import { TRANSACTION_BYTES_MAX } from "../../types/limits.ts";
import type { KeyDeal } from "../../types/sealing.ts";
import { createNetwork, doesOpen, dueOf, type KeygenNetwork, runUntilLive, thresholdOf, WINDOW_MS } from "./keygen_network.ts";

const fast = createFastSealing();
const real = createSealingSuite(nobleGroup);

/** All machines of `who` and the observer: one key, x_i·G = Y_i, and the last `threshold` of them open. */
function isSound(t: Test, network: KeygenNetwork, who: readonly number[]): void {
  const { suite, observer, keygens } = network;
  const live = observer.live;
  if (live === undefined) {
    t.fail("a key is live");
    return;
  }
  t.same([...new Set(who.map((index) => (keygens[index] as Keygen).live?.key.keyId))], [live.key.keyId], "one key");
  t.same([...new Set(who.map((index) => toHex((keygens[index] as Keygen).encode())))], [toHex(observer.encode())], "one state");
  const holders = who.map((validator) => ({ validator, secretShare: keygens[validator]?.secretShare }));
  t.ok(
    holders.every(
      ({ validator, secretShare }) =>
        secretShare !== undefined && bytesEqual(suite.publicKeyOf(secretShare), live.key.shareKeys[validator] as Uint8Array),
    ),
    "x_i·G = Y_i",
  );
  const { threshold } = live.key;
  t.equal(threshold, network.options.threshold);
  t.ok(doesOpen(suite, live.key, holders.slice(-threshold)), "the last t open");
  t.ok(doesOpen(suite, live.key, holders.slice(0, threshold)), "the first t open");
  if (threshold > 1) t.notOk(doesOpen(suite, live.key, holders.slice(0, threshold - 1)), "t − 1 do not");
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
const machines = ({ keygens }: KeygenNetwork, indices: readonly number[]): Keygen[] => indices.map((index) => keygens[index] as Keygen);

const SIZES = [
  { name: "fast", suite: fast, counts: [1, 4, 7, 16] },
  { name: "noble", suite: real, counts: [4] },
];

for (const { name, suite, counts } of SIZES) {
  for (const count of counts) {
    t.test(`createKeygen: ${count} honest on ${name}, one key after two blocks of messages, live from the next height`, async (t) => {
      const network = createNetwork({ suite, count });
      t.equal(network.observer.status.phase, "dealing");
      const verdicts = [...network.block(dueOf(network.keygens)), ...network.block(dueOf(network.keygens))];
      t.same(new Set(verdicts), new Set(["counted"]));
      t.equal(verdicts.length, 2 * count);
      t.equal(network.observer.live?.activationHeight, 3);
      t.same(dueOf(network.keygens), [], "nothing more is due");
      t.same(network.observer.status.ownShare, "none");
      t.same(network.keygens[0]?.status.ownShare, "held");
      isSound(t, network, range(0, count));
    });
  }
}

for (const count of [4, 7, 16]) {
  const faulty = Math.floor((count - 1) / 3);
  t.test(`G2, G3: ${faulty} of ${count} silent, both windows pass, then the key is live`, async (t) => {
    const network = createNetwork({ suite: fast, count });
    const awake = range(faulty, count);
    t.ok(runUntilLive(network, machines(network, awake), 2 + (2 * WINDOW_MS) / 100));
    t.equal(network.observer.status.round, 0);
    isSound(t, network, awake);
  });

  t.test(`G4: ${faulty} of ${count} deal rubbish to all others, barred; the honest make the key`, async (t) => {
    const network = createNetwork({ suite: fast, count });
    const honest = range(faulty, count);
    const cheats = range(0, faulty).map((dealer) =>
      network.messageOf(dealer, { kind: "deal", deal: network.cheatingDeal(dealer, range(0, count)) }),
    );
    network.block([...cheats, ...dueOf(machines(network, honest))]);
    t.ok(runUntilLive(network, machines(network, honest)));
    t.same(network.observer.status.barred, range(0, faulty));
    isSound(t, network, honest);
  });

  t.test(`G4: ${faulty} of ${count} deal rubbish to one, that one's complaint bars all of them`, async (t) => {
    const network = createNetwork({ suite: fast, count });
    const honest = range(faulty, count);
    const cheats = range(0, faulty).map((dealer) =>
      network.messageOf(dealer, { kind: "deal", deal: network.cheatingDeal(dealer, [faulty]) }),
    );
    network.block([...cheats, ...dueOf(machines(network, honest))]);
    const answers = dueOf(machines(network, honest));
    t.same(
      answers.map(({ message }) => message.body.kind),
      ["complaint", ...range(1, honest.length).map(() => "ack")],
    );
    t.ok(runUntilLive(network, machines(network, honest)));
    t.same(network.observer.status.barred, range(0, faulty));
    isSound(t, network, honest);
  });
}

t.test("G4: a cheated validator complains, on noble, the cheat is barred and the rest make the key", async (t) => {
  const network = createNetwork({ suite: real, count: 4 });
  const honest = [1, 2, 3];
  const cheat = network.messageOf(0, { kind: "deal", deal: network.cheatingDeal(0, [2]) });
  network.block([cheat, ...dueOf(machines(network, honest))]);
  t.ok(runUntilLive(network, machines(network, honest)));
  t.same(network.observer.status.barred, [0]);
  isSound(t, network, honest);
});

t.test("G1: deals of a wrong form or with a broken proof, badDeal, the dealer is barred at once", async (t) => {
  const good = createNetwork({ suite: fast, count: 4 }).cheatingDeal(0, []);
  const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte));
  const table: readonly (readonly [string, KeyDeal])[] = [
    ["a commitment too few", { ...good, commitments: good.commitments.slice(1) }],
    ["a commitment too many", { ...good, commitments: [...good.commitments, good.ephemeral] }],
    ["no commitments", { ...good, commitments: [] }],
    ["a share too few", { ...good, sealedShares: good.sealedShares.slice(1) }],
    ["shares swapped", { ...good, sealedShares: good.sealedShares.toReversed() }],
    ["another ephemeral point", { ...good, ephemeral: good.commitments[0] as Uint8Array }],
    ["no point", { ...good, commitments: good.commitments.with(1, new Uint8Array(32).fill(0xff)) }],
    ["another constant", { ...good, commitments: good.commitments.with(0, good.ephemeral) }],
    ["no proof", { ...good, proof: new Uint8Array(96) }],
    ["a changed proof", { ...good, proof: flipped(good.proof) }],
  ];
  for (const [name, deal] of table) {
    const network = createNetwork({ suite: fast, count: 4 });
    const again = { kind: "deal" as const, deal: good };
    t.same(network.block([network.messageOf(0, { kind: "deal", deal }), network.messageOf(0, again)]), ["badDeal", "barred"], name);
    t.same(network.observer.status.barred, [0]);
    t.equal(network.keygens[0]?.due(), undefined, "its own machine stays silent");
    network.block(dueOf(machines(network, [1, 2, 3])));
    t.equal(network.observer.status.phase, "answering", "nobody waits for its deal");
  }
});

t.test("G1: a deal copied from another dealer, badDeal: its proof names the dealer", async (t) => {
  const network = createNetwork({ suite: fast, count: 4 });
  t.same(network.block([network.messageOf(0, { kind: "deal", deal: network.cheatingDeal(1, []) })]), ["badDeal"]);
});

t.test("G5: the first n − f deals in chain order make the key; another order, another key; the same for all", async (t) => {
  const orders = [
    [0, 1, 2, 3],
    [3, 2, 1, 0],
    [1, 0, 2, 3],
  ];
  const keyIds = orders.map((order) => {
    const network = createNetwork({ suite: fast, count: 4 });
    network.block(dueOf(machines(network, order)));
    t.ok(runUntilLive(network, network.keygens));
    isSound(t, network, range(0, 4));
    return network.observer.live?.key.keyId;
  });
  // The first three of the first and the third order are the same set: a sum does not know the order.
  t.not(keyIds[0], keyIds[1]);
  t.equal(keyIds[0], keyIds[2]);
});

t.test("G5: a cheat that closed the deals with too few honest ones, a new round without it", async (t) => {
  const network = createNetwork({ suite: fast, count: 4 });
  const { block, observer, keygens } = network;
  const cheat = network.messageOf(0, { kind: "deal", deal: network.cheatingDeal(0, [1]) });
  // Validator 3 deals too late: three deals are in when the window passes.
  block([cheat, ...dueOf(machines(network, [1, 2]))]);
  const late = dueOf(machines(network, [3]));
  block([], { afterMs: WINDOW_MS });
  t.equal(observer.status.phase, "answering");
  t.same(block(late), ["wrongPhase"]);
  block([network.messageOf(0, { kind: "ack" }), ...dueOf(machines(network, [1, 2, 3]))]);
  t.match(observer.status, { phase: "dealing", round: 1, deals: 0, answers: 0, barred: [0], missing: [1, 2, 3] });
  t.same(block(late), ["wrongRound"], "deals of the lost round are void");
  t.same(block([network.messageOf(0, { kind: "deal", deal: network.cheatingDeal(0, []) })]), ["barred"]);
  t.ok(runUntilLive(network, keygens.slice(1)));
  t.equal(observer.status.round, 1);
  isSound(t, network, [1, 2, 3]);
});

t.test("G3: fewer than n − f answers, the key does not become live however long it takes", async (t) => {
  const network = createNetwork({ suite: fast, count: 4 });
  network.block(dueOf(network.keygens));
  network.block(dueOf(machines(network, [0, 1])));
  for (let count = 0; count < 5; count++) network.block([], { afterMs: 10 * WINDOW_MS });
  t.match(network.observer.status, { phase: "answering", answers: 2, answersNeeded: 3, missing: [2, 3] });
  network.block(dueOf(machines(network, [2])));
  t.ok(network.observer.live);
});

t.test(
  "G2, G3: windows run from the first deal and from the block that closed the deals, by block time, whatever comes in between",
  async (t) => {
    const network = createNetwork({ suite: fast, count: 4 });
    const { block, observer } = network;
    block([], { afterMs: 100 * WINDOW_MS });
    block(dueOf(machines(network, [0])));
    block(dueOf(machines(network, [1, 2])), { afterMs: WINDOW_MS - 1 });
    t.equal(observer.status.phase, "dealing");
    block([], { afterMs: 1 });
    t.equal(observer.status.phase, "answering");
    block(dueOf(machines(network, [0, 1, 2])), { afterMs: WINDOW_MS - 1 });
    t.equal(observer.status.phase, "answering");
    block([], { afterMs: 1 });
    t.equal(observer.status.phase, "live");
  },
);

t.test("G4: cheated by two, one complaint names both by index whatever the order of their deals", async (t) => {
  const network = createNetwork({ suite: fast, count: 7 });
  const cheats = [1, 0].map((dealer) => network.messageOf(dealer, { kind: "deal", deal: network.cheatingDeal(dealer, [5]) }));
  network.block([...cheats, ...dueOf(network.keygens.slice(2))]);
  t.same(network.block(dueOf(machines(network, [5]))), ["counted"]);
  t.same(network.observer.status.barred, [0, 1]);
});

t.test("secretShare: away during the whole key generation, found in the chain afterwards", async (t) => {
  const network = createNetwork({ suite: fast, count: 4 });
  t.ok(runUntilLive(network, machines(network, [0, 1, 2])));
  const away = network.keygens[3] as Keygen;
  t.equal(away.secretShare, undefined);
  for (const block of network.blocks) away.apply(block);
  t.equal(away.status.ownShare, "held");
  isSound(t, network, range(0, 4));
});

t.test("secretShare: cheated while away, lost and said so; the others open without it", async (t) => {
  const network = createNetwork({ suite: fast, count: 4 });
  const cheat = network.messageOf(0, { kind: "deal", deal: network.cheatingDeal(0, [3]) });
  const present = machines(network, [0, 1, 2]);
  const away = machines(network, [3]);
  network.block([cheat, ...dueOf(machines(network, [1, 2]))], { away });
  t.ok(runUntilLive(network, present));
  const [back] = away as [Keygen];
  for (const block of network.blocks) back.apply(block);
  t.equal(back.secretShare, undefined);
  t.equal(back.status.ownShare, "lost");
  isSound(t, network, [0, 1, 2]);
});

t.test("due: the same bytes until final, also of a machine that starts again; then nothing until the next phase", async (t) => {
  const network = createNetwork({ suite: fast, count: 4 });
  const [first] = network.keygens as [Keygen];
  const bytesOfDue = (keygen: Keygen): string => toHex(keygen.due()?.bytes ?? new Uint8Array());
  const deal = bytesOfDue(first);
  network.block(dueOf(network.keygens.slice(2)));
  t.equal(bytesOfDue(first), deal);
  t.equal(bytesOfDue(network.createValidator(0)), deal);
  network.block(dueOf([first]));
  t.equal(first.due(), undefined);
  network.block(dueOf(network.keygens));
  t.equal(first.due()?.message.message.body.kind, "ack");
});

t.test("due: a complaint, the same bytes although others have had the dealer barred, also after a restart from a snapshot", async (t) => {
  const network = createNetwork({ suite: fast, count: 4 });
  const cheat = network.messageOf(0, { kind: "deal", deal: network.cheatingDeal(0, [1, 2]) });
  network.block([cheat, ...dueOf(machines(network, [1, 2, 3]))]);
  const before = toHex(network.keygens[2]?.due()?.bytes ?? new Uint8Array());
  network.block(dueOf(machines(network, [1])));
  t.same(network.observer.status.barred, [0]);
  const restarted = network.createValidator(2);
  t.ok(restarted.restore(network.observer.encode()));
  t.equal(toHex(restarted.due()?.bytes ?? new Uint8Array()), before);
});

for (const count of [100, 128]) {
  t.test(`signedKeygenMessageCodec: a deal among ${count}, well below TRANSACTION_BYTES_MAX`, async (t) => {
    const network = createNetwork({ suite: fast, count });
    const bytes = network.keygens[0]?.due()?.bytes.length ?? 0;
    t.ok(bytes > 32 * (count + thresholdOf(count)));
    t.ok(bytes < TRANSACTION_BYTES_MAX / 8, `${bytes} bytes`);
  });
}
