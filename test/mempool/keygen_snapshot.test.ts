/** Random key generations: f validators cheat or are silent, blocks take what is due in any order or not at all. After every block
 *  all machines have the same bytes, and a machine restored from them goes on as the others do. */

import fc from "fast-check";
import t, { type Test } from "tap";
import type { Keygen } from "../../mempool/keygen_interface.ts";
import { createFastSealing } from "../../testnet/simulator/fast_sealing.ts";
import { toHex } from "../../types/bytes.ts";
import { Epoch } from "../../types/ids.ts";
import type { SignedKeygenMessage } from "../../types/keygen.ts";
import { createPrng, type Prng } from "../support/prng.ts";
import { holds } from "../support/property.ts";
import { createNetwork, DOMAIN, doesOpen, dueOf, type KeygenNetwork, WINDOW_MS } from "./keygen_network.ts";

const suite = createFastSealing();

const BLOCKS_MAX = 1_000;

type Behaviour = "silent" | "cheatOne" | "cheatAll" | "malformed" | "groundless" | "twoFaced" | "honest";
const BEHAVIOURS: readonly Behaviour[] = ["silent", "cheatOne", "cheatAll", "malformed", "groundless", "twoFaced", "honest"];

/** What a traitor would like to have in the next block. */
function traitorMessages(network: KeygenNetwork, index: number, behaviour: Behaviour): SignedKeygenMessage[] {
  const { count, phase } = { count: network.keygens.length, phase: network.observer.status.phase };
  const all = Array.from({ length: count }, (_, other) => other);
  const dealt = (victims: readonly number[]): SignedKeygenMessage =>
    network.messageOf(index, { kind: "deal", deal: network.cheatingDeal(index, victims) });
  const isDealing = phase === "dealing";
  switch (behaviour) {
    case "silent":
      return [];
    case "honest":
      return dueOf([network.keygens[index] as Keygen]);
    case "cheatOne":
      return isDealing ? [dealt([(index + 1) % count])] : [network.messageOf(index, { kind: "ack" })];
    case "cheatAll":
      return isDealing ? [dealt(all)] : [];
    case "malformed":
      return isDealing ? [network.messageOf(index, { kind: "deal", deal: network.cheatingDeal(index, [], { threshold: 1 }) })] : [];
    case "twoFaced":
      return isDealing ? [dealt([0]), dealt([]), dealt([1])] : [network.messageOf(index, { kind: "ack" })];
    case "groundless": {
      const victim = (index + 1) % count;
      const complaints = [network.complaintAbout(index, victim, network.cheatingDeal(victim, []))];
      return isDealing ? [dealt([])] : [network.messageOf(index, { kind: "complaint", complaints })];
    }
  }
}

function shuffled<T>(prng: Prng, values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, rank: prng.real() }))
    .sort((left, right) => left.rank - right.rank)
    .map(({ value }) => value);
}

const scenarios = fc.record({
  count: fc.constantFrom(4, 7),
  behaviours: fc.array(fc.constantFrom(...BEHAVIOURS), { minLength: 2, maxLength: 2 }),
  seed: fc.nat(),
  /** Of a message that is due: is it in the next block? */
  chance: fc.constantFrom(0.2, 0.5, 1),
});

const dueBytes = (keygen: Keygen | undefined): string => toHex(keygen?.due()?.bytes ?? new Uint8Array());

interface Scenario {
  readonly count: number;
  readonly behaviours: readonly Behaviour[];
  readonly seed: number;
  readonly chance: number;
  readonly blockMsMax: number;
}

/** Plays one key generation; the reason why it is not sound, or undefined. */
function play({ count, behaviours, seed, chance, blockMsMax }: Scenario): string | undefined {
  const prng = createPrng(seed);
  const network = createNetwork({ suite, count });
  const { keygens, observer } = network;
  const traitors = shuffled(
    prng,
    keygens.map((_, index) => index),
  ).slice(0, (count - 1) / 3);
  const isHonest = (_: unknown, index: number): boolean => !traitors.includes(index);
  for (let step = 0; step < BLOCKS_MAX && observer.live === undefined; step++) {
    const wanted = [
      ...dueOf(keygens.filter(isHonest)),
      ...traitors.flatMap((index, at) => traitorMessages(network, index, behaviours[at] as Behaviour)),
    ];
    network.block(
      shuffled(prng, wanted).filter(() => prng.real() < chance),
      { afterMs: prng.below(blockMsMax) },
    );
    const bytes = observer.encode();
    if (keygens.some((keygen) => toHex(keygen.encode()) !== toHex(bytes))) return `states differ after block ${step}`;
    if (prng.below(3) > 0) continue;
    // A random validator starts again from the snapshot.
    const at = prng.below(count);
    const restarted = network.createValidator(at);
    if (!restarted.restore(bytes)) return `the snapshot after block ${step} is refused`;
    if (toHex(restarted.encode()) !== toHex(bytes)) return `the snapshot after block ${step} comes back otherwise`;
    if (dueBytes(restarted) !== dueBytes(keygens[at])) return "due differs after a restart";
    keygens[at] = restarted;
  }
  return verdictOf(
    network,
    keygens.map((_, index) => index).filter((index) => !traitors.includes(index)),
  );
}

function verdictOf({ keygens, observer }: KeygenNetwork, honest: readonly number[]): string | undefined {
  const { live, status } = observer;
  if (live === undefined) return "no key after BLOCKS_MAX blocks";
  if (honest.some((index) => status.barred.some((barred) => barred === index))) return "an honest dealer is barred";
  if (honest.some((index) => keygens[index]?.live?.key.keyId !== live.key.keyId)) return "keys differ";
  const holders = honest.map((validator) => ({ validator, secretShare: keygens[validator]?.secretShare }));
  // An honest validator whose complaint came after the window may have lost its share; the network here is never that late.
  if (holders.some(({ secretShare }) => secretShare === undefined)) return "an honest validator has no share";
  return doesOpen(suite, live.key, holders.slice(0, live.key.threshold)) ? undefined : "the shares do not open";
}

t.test(
  "createKeygen: any f traitors, any order and delay within the window, one sound key; a restart from any snapshot changes nothing",
  async (t) => {
    const property = fc.property(scenarios, (scenario) => {
      const reason = play({ ...scenario, chance: Math.max(scenario.chance, 0.5), blockMsMax: WINDOW_MS / 20 });
      if (reason !== undefined) throw new Error(reason);
    });
    holds(t, property, 60);
  },
);

t.test(
  "createKeygen: any f traitors and messages later than the window, the same state for all, and no honest dealer barred",
  async (t) => {
    const property = fc.property(scenarios, (scenario) => {
      const reason = play({ ...scenario, chance: 0.15, blockMsMax: WINDOW_MS / 4 });
      // Who complains too late has no share (`lost`); then those who are left may be fewer than t.
      if (reason !== undefined && reason !== "an honest validator has no share") throw new Error(reason);
    });
    holds(t, property, 30);
  },
);

/** A network whose deals are in, cheat of dealer 0 included. */
function answering(): KeygenNetwork {
  const network = createNetwork({ suite, count: 4 });
  network.block([network.messageOf(0, { kind: "deal", deal: network.cheatingDeal(0, [1]) }), ...dueOf(network.keygens.slice(1))]);
  return network;
}

function refuses(t: Test, keygen: Keygen, bytes: Uint8Array, name: string): void {
  const before = toHex(keygen.encode());
  t.notOk(keygen.restore(bytes), name);
  t.equal(toHex(keygen.encode()), before, `${name}: nothing changed`);
}

t.test("restore: rubbish, another session's state, a changed byte in a deal or index, false and nothing changed", async (t) => {
  const network = answering();
  const bytes = network.observer.encode();
  const fresh = network.createValidator(2);
  refuses(t, fresh, new Uint8Array(), "nothing");
  refuses(t, fresh, bytes.slice(0, -1), "cut");
  refuses(t, fresh, Uint8Array.of(...bytes, 0), "longer");
  const other = createNetwork({ suite, count: 4, domain: { ...DOMAIN, epoch: Epoch.of(9) } });
  refuses(t, fresh, other.observer.encode(), "another epoch's");
  const roundOne = createNetwork({ suite, count: 4 }).observer.encode();
  roundOne[34] = 1;
  refuses(t, fresh, roundOne, "a lost round that barred nobody");
  // Session, phase, activation and all of the deals are held to what the machine could have come to; the window's start is free.
  const free = new Set([35, 36, 37, 38, 39, 40, 41, 42].map((at) => at + 1));
  let taken = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (free.has(at)) continue;
    const changed = bytes.slice();
    changed[at] = (changed[at] as number) ^ 0x40;
    if (fresh.restore(changed)) taken++;
  }
  t.equal(taken, 0);
  t.ok(fresh.restore(bytes));
});

t.test("restore: in every phase, into an observer too, with the same key and share in the end", async (t) => {
  const network = createNetwork({ suite, count: 4 });
  for (let phase = 0; phase < 3; phase++) {
    const snapshot = network.observer.encode();
    const follower = network.createValidator(1);
    t.ok(follower.restore(snapshot));
    t.same(follower.status, network.keygens[1]?.status);
    t.same(follower.live, network.observer.live);
    network.block(dueOf(network.keygens));
  }
  const late = network.createValidator(3);
  t.ok(late.restore(network.observer.encode()));
  t.same(late.secretShare, network.keygens[3]?.secretShare);
  t.same(late.live, network.observer.live);
  t.equal(late.status.ownShare, "held");
});
