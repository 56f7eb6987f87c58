/** Messages that must not count, or count once: G1 and G4 of the key generation, one rule at a time, in a network of four. */

import t from "tap";
import type { Keygen } from "../../mempool/keygen_interface.ts";
import { KEYGEN_BLOCK_MESSAGES_MAX } from "../../mempool/keygen_interface.ts";
import { createFastSealing } from "../../testnet/simulator/fast_sealing.ts";
import { AssertionError } from "../../types/assert.ts";
import { toHex } from "../../types/bytes.ts";
import { type ChainId, Epoch, Height, TimestampMs, ValidatorIndex, type ValidatorSetHash } from "../../types/ids.ts";
import type { KeygenBody, KeygenMessage, SignedKeygenMessage } from "../../types/keygen.ts";
import type { KeyId } from "../../types/sealing.ts";
import { createNetwork, DOMAIN, dueOf, type KeygenNetwork, personOf, runUntilLive, WINDOW_MS } from "./keygen_network.ts";

const suite = createFastSealing();

/** Four validators; validator 0's messages are ours to make up. */
function dealingNetwork(): { readonly network: KeygenNetwork; readonly deal: KeygenBody } {
  const network = createNetwork({ suite, count: 4 });
  return { network, deal: { kind: "deal", deal: network.cheatingDeal(0, []) } };
}

/** All four have dealt; dealer 0 cheated the `victims`. */
function answeringNetwork(victims: readonly number[]): {
  readonly network: KeygenNetwork;
  readonly cheat: ReturnType<KeygenNetwork["cheatingDeal"]>;
} {
  const network = createNetwork({ suite, count: 4 });
  const cheat = network.cheatingDeal(0, victims);
  network.block([network.messageOf(0, { kind: "deal", deal: cheat }), ...dueOf(network.keygens.slice(1))]);
  return { network, cheat };
}

t.test("G1: another chain, epoch, previous key, round, phase, author or signature, its verdict and no change", async (t) => {
  const { network, deal } = dealingNetwork();
  const changes: readonly (readonly [string, Partial<KeygenMessage>])[] = [
    ["wrongSession", { chainId: "33".repeat(32) as ChainId }],
    ["wrongSession", { epoch: Epoch.of(4) }],
    ["wrongSession", { previousKeyId: "44".repeat(32) as KeyId }],
    ["wrongRound", { round: 1 }],
    ["unknownValidator", { validator: ValidatorIndex.of(4) }],
    ["badSignature", { validator: ValidatorIndex.of(1) }],
    ["wrongPhase", { body: { kind: "ack" } }],
  ];
  const before = toHex(network.observer.encode());
  for (const [verdict, change] of changes) {
    const message = network.messageOf(0, deal, change);
    t.same(network.block([message]), [verdict], JSON.stringify(change));
    t.equal(network.observer.check(message), verdict === "badSignature" ? "counted" : verdict);
    t.equal(network.observer.signatureCheckOf(message) === undefined, verdict === "wrongSession" || verdict === "unknownValidator");
  }
  const forged: SignedKeygenMessage = { ...network.messageOf(0, deal), signature: new Uint8Array(64) };
  t.same(network.block([forged]), ["badSignature"]);
  t.equal(toHex(network.observer.encode()), before);
  t.same(network.block([network.messageOf(0, deal)]), ["counted"], "none of it used up the place");
});

t.test("G1: R13, signed for another validator set, badSignature", async (t) => {
  const other = createNetwork({ suite, count: 4, domain: { ...DOMAIN, validatorSetHash: "55".repeat(32) as ValidatorSetHash } });
  const { network } = dealingNetwork();
  t.same(network.block(dueOf(other.keygens)), ["badSignature", "badSignature", "badSignature", "badSignature"]);
});

t.test("G1: messages of another epoch or chain, replayed, wrongSession in both phases", async (t) => {
  for (const domain of [
    { ...DOMAIN, epoch: Epoch.of(2) },
    { ...DOMAIN, chainId: "66".repeat(32) as ChainId },
  ]) {
    const [other, network] = [createNetwork({ suite, count: 4, domain }), createNetwork({ suite, count: 4 })];
    for (let phase = 0; phase < 2; phase++) {
      const replayed = dueOf(other.keygens);
      t.same(
        network.block(replayed),
        replayed.map(() => "wrongSession"),
      );
      other.block(replayed);
      network.block(dueOf(network.keygens));
    }
    t.ok(network.observer.live);
    t.not(network.observer.live?.key.keyId, other.observer.live?.key.keyId);
  }
});

t.test("G1: a second deal or answer of the same validator, duplicate, in the same block and later; the first one stands", async (t) => {
  const { network, deal } = dealingNetwork();
  const second = network.messageOf(0, { kind: "deal", deal: network.cheatingDeal(0, [1, 2, 3]) });
  t.same(network.block([network.messageOf(0, deal), second]), ["counted", "duplicate"]);
  t.same(network.block([second]), ["duplicate"]);
  network.block(dueOf(network.keygens));
  const [ack] = dueOf(network.keygens) as [SignedKeygenMessage];
  t.same(network.block([ack, ack]), ["counted", "duplicate"]);
  t.same(network.block([ack]), ["duplicate"]);
  t.ok(runUntilLive(network, network.keygens));
  t.same(network.observer.status.barred, []);
  t.same(network.block([ack, second]), ["wrongPhase", "wrongPhase"], "the key is live");
});

t.test("G1: the order in the block decides which of two deals counts, and with it the key", async (t) => {
  const keys = [false, true].map((isSwapped) => {
    const { network, deal } = dealingNetwork();
    const other = network.messageOf(0, { kind: "deal", deal: network.cheatingDeal(0, [3]) });
    const both = [network.messageOf(0, deal), other];
    network.block([...(isSwapped ? both.toReversed() : both), ...dueOf(network.keygens.slice(1))]);
    t.ok(runUntilLive(network, network.keygens));
    t.same(new Set(network.keygens.map(({ live }) => live?.key.keyId)), new Set([network.observer.live?.key.keyId]));
    return network.observer.status.barred;
  });
  t.same(keys, [[], [0]]);
});

t.test("G4: complaints that prove nothing, groundless, nobody is barred, the complainer has answered", async (t) => {
  const cases: readonly (readonly [string, (network: KeygenNetwork) => KeygenBody])[] = [
    ["a share that fits", (network) => ({ kind: "complaint", complaints: [network.complaintAbout(3, 1, network.cheatingDeal(1, []))] })],
    [
      "a made-up proof",
      (network) => ({
        kind: "complaint",
        complaints: [
          { dealer: ValidatorIndex.of(1), disclosure: { sharedPoint: network.cheatingDeal(1, []).ephemeral, proof: new Uint8Array(64) } },
        ],
      }),
    ],
    [
      "another's disclosure",
      (network) => ({ kind: "complaint", complaints: [network.complaintAbout(2, 0, network.cheatingDeal(0, [2, 3]))] }),
    ],
    ["another deal", (network) => ({ kind: "complaint", complaints: [network.complaintAbout(3, 1, network.cheatingDeal(1, [3]))] })],
    [
      "a dealer that is none",
      (network) => ({
        kind: "complaint",
        complaints: [{ dealer: ValidatorIndex.of(77), disclosure: network.complaintAbout(3, 1, network.cheatingDeal(1, [])).disclosure }],
      }),
    ],
  ];
  for (const [name, bodyOf] of cases) {
    const { network } = answeringNetwork(name === "another's disclosure" ? [2, 3] : []);
    const body = bodyOf(network);
    t.same(network.block([network.messageOf(3, body)]), ["groundless"], name);
    t.same(network.observer.status.barred, [], name);
    t.same(network.block([network.messageOf(3, { kind: "ack" })]), ["duplicate"], name);
  }
});

t.test("G4: an honest disclosure of another deal of the same dealer, judged by the deal that counts", async (t) => {
  const { network } = answeringNetwork([]);
  const other = network.cheatingDeal(0, [3]);
  t.same(network.block([network.messageOf(3, { kind: "complaint", complaints: [network.complaintAbout(3, 0, other)] })]), ["groundless"]);
});

t.test("G4: a proven complaint and a groundless one after it, the first bars, the second ends the reading", async (t) => {
  const { network, cheat } = answeringNetwork([2, 3]);
  const groundless = network.complaintAbout(3, 1, network.cheatingDeal(1, []));
  const body: KeygenBody = { kind: "complaint", complaints: [network.complaintAbout(3, 0, cheat), groundless] };
  t.same(network.block([network.messageOf(3, body)]), ["groundless"]);
  t.same(network.observer.status.barred, [0]);
  t.ok(runUntilLive(network, network.keygens));
});

t.test("G4: a groundless complaint and a proven one after it, the second is not read", async (t) => {
  const network = createNetwork({ suite, count: 4 });
  const cheat = network.cheatingDeal(2, [3]);
  network.block([
    ...dueOf(network.keygens.slice(0, 2)),
    network.messageOf(2, { kind: "deal", deal: cheat }),
    ...dueOf(network.keygens.slice(3)),
  ]);
  const body: KeygenBody = {
    kind: "complaint",
    complaints: [network.complaintAbout(3, 1, network.cheatingDeal(1, [])), network.complaintAbout(3, 2, cheat)],
  };
  t.same(network.block([network.messageOf(3, body)]), ["groundless"]);
  t.same(network.observer.status.barred, []);
});

t.test("G1: a deal of a lost round, signed again for the new one, badDeal: its proof names the round", async (t) => {
  const { network, deal } = dealingNetwork();
  const cheat = network.messageOf(3, { kind: "deal", deal: network.cheatingDeal(3, [1]) });
  network.block([network.messageOf(0, deal), cheat, ...dueOf(network.keygens.slice(1, 2))]);
  network.block([], { afterMs: WINDOW_MS });
  network.block([...dueOf(network.keygens.slice(0, 3)), network.messageOf(3, { kind: "ack" })]);
  t.match(network.observer.status, { round: 1, phase: "dealing", barred: [3] });
  t.same(network.block([network.messageOf(0, deal)]), ["badDeal"]);
});

t.test("G4: complaints of two about the same dealer, both count, the second is not judged again", async (t) => {
  const { network } = answeringNetwork([2, 3]);
  t.same(network.block(dueOf(network.keygens.slice(2))), ["counted", "counted"]);
  t.same(network.observer.status.barred, [0]);
});

t.test("G4: the cheat's own complaint about an honest dealer, the honest dealer stays", async (t) => {
  const { network } = answeringNetwork([1]);
  const body: KeygenBody = { kind: "complaint", complaints: [network.complaintAbout(0, 2, network.cheatingDeal(2, []))] };
  network.block([network.messageOf(0, body), ...dueOf(network.keygens.slice(1))]);
  t.same(network.observer.status.barred, [0]);
  t.ok(network.observer.live);
});

t.test("apply: more messages in a block than KEYGEN_BLOCK_MESSAGES_MAX, the rest is passed over", async (t) => {
  const { network, deal } = dealingNetwork();
  const noise = Array.from({ length: KEYGEN_BLOCK_MESSAGES_MAX }, () => network.messageOf(0, deal, { round: 9 }));
  const verdicts = network.block([...noise, network.messageOf(0, deal)]);
  t.same([...new Set(verdicts)], ["wrongRound", "overLimit"]);
  t.equal(network.observer.status.deals, 0);
});

t.test("apply: a height for the second time, assertion", async (t) => {
  const { network } = dealingNetwork();
  network.block([]);
  const again = { height: Height.of(1), timeMs: TimestampMs.of(5), messages: [] };
  t.throws(() => network.observer.apply(again), AssertionError);
});

t.test("createKeygen: our sealing key is not the one that the set names, assertion", async (t) => {
  const network = createNetwork({ suite, count: 4 });
  const self = {
    index: ValidatorIndex.of(0),
    sealingSecretKey: personOf(suite, "x").sealingSecretKey,
    sign: () => new Uint8Array(64),
    holder: undefined,
  };
  const { createKeygen } = await import("../../mempool/keygen.ts");
  t.throws((): Keygen => createKeygen({ ...network.options, self }), AssertionError);
});
