/** Resharing: the holders of a key deal their shares to another set of validators. Y stays, so what is sealed already opens with the new shares. */

import t, { type Test } from "tap";
import { nobleGroup } from "../../crypto/sealing/noble_group.ts";
import { createSealingSuite } from "../../crypto/sealing/suite.ts";
import { createKeygen } from "../../mempool/keygen.ts";
import { createFastSealing } from "../../testnet/simulator/fast_sealing.ts";
import { AssertionError, assert } from "../../types/assert.ts";
import { asciiBytes, bytesEqual, toHex } from "../../types/bytes.ts";
import { Epoch, ValidatorIndex } from "../../types/ids.ts";
import type { SealingKey, SealingSuite } from "../../types/sealing.ts";
import { createNetwork, DOMAIN, doSharesOpen, dueOf, type HolderOf, type KeygenNetwork, personOf, runUntilLive } from "./keygen_network.ts";

const fast = createFastSealing();
const real = createSealingSuite(nobleGroup);
const LATER = { ...DOMAIN, epoch: Epoch.of(4) };

interface Held {
  readonly key: SealingKey;
  readonly holders: readonly HolderOf[];
}

/** A fresh key of `count` validators of family "a". */
function freshKey(suite: SealingSuite, count: number): Held {
  const network = createNetwork({ suite, count });
  assert(runUntilLive(network, network.keygens), "the first key is made");
  return heldOf(network);
}

function heldOf({ observer, keygens, people }: KeygenNetwork): Held {
  assert(observer.live !== undefined, "a key is live");
  const holders = keygens.map(({ secretShare }, index) => {
    assert(secretShare !== undefined, "every validator holds its share");
    return { person: people[index] as HolderOf["person"], secretShare };
  });
  return { key: observer.live.key, holders };
}

const resharingTo = (suite: SealingSuite, old: Held, count: number): KeygenNetwork =>
  createNetwork({ suite, count, family: "b", domain: LATER, resharing: { previousKey: old.key, holders: old.holders } });

function sealedTo(suite: SealingSuite, key: SealingKey) {
  const [label, message] = [asciiBytes("old label"), new Uint8Array(256).fill(9)];
  return { label, message, sealed: suite.seal({ publicKey: key.publicKey, label, message, randomness: new Uint8Array(64).fill(3) }) };
}

const sharesOf = ({ holders }: Held, indices: readonly number[]) =>
  indices.map((validator) => ({ validator, secretShare: holders[validator]?.secretShare }));
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

/** What was sealed before opens with new shares and with old ones, not with a mixture. */
function isSoundAfter(t: Test, suite: SealingSuite, old: Held, fresh: Held): void {
  t.ok(bytesEqual(fresh.key.publicKey, old.key.publicKey), "Y stays");
  t.not(fresh.key.keyId, old.key.keyId);
  for (const [index, { secretShare }] of fresh.holders.entries()) {
    t.ok(bytesEqual(suite.publicKeyOf(secretShare), fresh.key.shareKeys[index] as Uint8Array), `x_${index}·G = Y_${index}`);
  }
  const ciphertext = sealedTo(suite, old.key);
  const { threshold } = fresh.key;
  const newShares = sharesOf(fresh, range(0, threshold));
  t.ok(doSharesOpen(suite, fresh.key, { ...ciphertext, holders: newShares }), "new shares open it");
  t.ok(doSharesOpen(suite, old.key, { ...ciphertext, holders: sharesOf(old, range(0, old.key.threshold)) }), "old shares open it");
  const mixed = [...sharesOf(old, [0]), ...newShares.slice(1)];
  t.notOk(doSharesOpen(suite, fresh.key, { ...ciphertext, holders: mixed }), "mixed shares do not");
}

for (const { name, suite, sizes } of [
  {
    name: "fast",
    suite: fast,
    sizes: [
      [4, 4],
      [4, 7],
      [7, 4],
      [7, 16],
    ] as const,
  },
  { name: "noble", suite: real, sizes: [[4, 4]] as const },
]) {
  for (const [before, after] of sizes) {
    t.test(`G6: ${before} holders to ${after} others on ${name}, Y stays, old ciphertexts open with new shares`, async (t) => {
      const old = freshKey(suite, before);
      const network = resharingTo(suite, old, after);
      t.equal(network.observer.status.dealsNeeded, old.key.threshold);
      t.ok(runUntilLive(network, [...network.keygens, ...network.leavers], 4));
      isSoundAfter(t, suite, old, heldOf(network));
    });
  }
}

t.test("G6: some holders silent, one that deals another number than its share, one that cheats a new validator; Y stays", async (t) => {
  const old = freshKey(fast, 7);
  const network = resharingTo(fast, old, 4);
  const { keygens, leavers, observer } = network;
  const foreign = network.cheatingDeal(0, [], { constant: personOf(fast, "x").sealingSecretKey });
  const cheat = network.cheatingDeal(1, [2], { constant: old.holders[1]?.secretShare as Uint8Array });
  const verdicts = network.block([
    network.messageOf(0, { kind: "deal", deal: foreign }),
    network.messageOf(1, { kind: "deal", deal: cheat }),
    ...dueOf(leavers.slice(2)),
  ]);
  t.same(verdicts, ["badDeal", "counted", "counted", "counted", "counted", "counted", "counted"]);
  t.same(observer.status.barred, [0]);
  t.ok(runUntilLive(network, [...keygens, ...leavers]));
  t.same(observer.status.barred, [0, 1]);
  t.equal(observer.status.round, 0);
  isSoundAfter(t, fast, old, heldOf(network));
});

t.test("G6: f holders silent, the window passes, Y stays", async (t) => {
  const old = freshKey(fast, 7);
  const network = resharingTo(fast, old, 7);
  t.ok(runUntilLive(network, [...network.keygens, ...network.leavers.slice(2)]));
  isSoundAfter(t, fast, old, heldOf(network));
});

t.test("G6: twice in a row, and the same people in both sets", async (t) => {
  const first = freshKey(fast, 4);
  const second = resharingTo(fast, first, 4);
  t.ok(runUntilLive(second, [...second.keygens, ...second.leavers]));
  const held = heldOf(second);
  const third = createNetwork({
    suite: fast,
    count: 4,
    family: "b",
    domain: LATER,
    resharing: { previousKey: held.key, holders: held.holders },
  });
  t.ok(runUntilLive(third, [...third.keygens, ...third.leavers]));
  isSoundAfter(t, fast, held, heldOf(third));
  t.ok(bytesEqual(third.observer.live?.key.publicKey as Uint8Array, first.key.publicKey));
});

t.test("G6: a validator that is both holder and recipient, one machine says both", async (t) => {
  const old = freshKey(fast, 4);
  const resharing = { previousKey: old.key, holders: old.holders };
  const network = createNetwork({ suite: fast, count: 4, domain: LATER, resharing });
  const machines = network.keygens.map((_, index) => {
    const { person, secretShare } = old.holders[index] as HolderOf;
    const sign = (message: Uint8Array) => network.signWith(person)(message);
    const self = {
      index: ValidatorIndex.of(index),
      sealingSecretKey: person.sealingSecretKey,
      sign,
      holder: { index: ValidatorIndex.of(index), secretShare },
    };
    return createKeygen({ ...network.options, self });
  });
  for (let count = 0; count < 2; count++) {
    network.block(dueOf(machines));
    for (const machine of machines) machine.apply(network.blocks.at(-1) as (typeof network.blocks)[number]);
  }
  t.ok(machines.every(({ secretShare }) => secretShare !== undefined));
  t.equal(toHex(machines[0]?.encode() ?? new Uint8Array()), toHex(network.observer.encode()));
  t.ok(bytesEqual(network.observer.live?.key.publicKey as Uint8Array, old.key.publicKey));
});

t.test("G1: messages of the fresh key generation in a resharing and the other way round, wrongSession", async (t) => {
  const old = freshKey(fast, 4);
  const fresh = createNetwork({ suite: fast, count: 4, domain: LATER });
  const network = createNetwork({ suite: fast, count: 4, domain: LATER, resharing: { previousKey: old.key, holders: old.holders } });
  t.same(new Set(network.block(dueOf(fresh.keygens))), new Set(["wrongSession"]));
  t.same(new Set(fresh.block(dueOf(network.leavers))), new Set(["wrongSession"]));
});

t.test("restore: in the middle of a resharing, the same end; a foreign constant in the snapshot is refused", async (t) => {
  const old = freshKey(fast, 4);
  const network = resharingTo(fast, old, 4);
  network.block(dueOf(network.leavers));
  const restarted = network.createValidator(2);
  t.ok(restarted.restore(network.observer.encode()));
  network.block(dueOf(network.keygens));
  restarted.apply(network.blocks.at(-1) as (typeof network.blocks)[number]);
  t.same(restarted.live, network.observer.live);
  t.same(restarted.secretShare, network.keygens[2]?.secretShare);
});

t.test("createKeygen: a holder whose share is not the one that the key names, assertion", async (t) => {
  const old = freshKey(fast, 4);
  const wrong = old.holders.map((holder, index) => ({ ...holder, secretShare: old.holders[(index + 1) % 4]?.secretShare as Uint8Array }));
  t.throws(
    () => createNetwork({ suite: fast, count: 4, family: "b", resharing: { previousKey: old.key, holders: wrong } }),
    AssertionError,
  );
});
