/** Plain words: one sentence for every kind of fact and fault, written out, so that a change of wording is seen in review. */

import t from "tap";
import { describeFact, describeMoment } from "../../../testnet/report/describe_fact.ts";
import { describeAction, describeFault, labelOfAction, validatorsTouched } from "../../../testnet/report/describe_fault.ts";
import { compactIndices, joined } from "../../../testnet/report/words.ts";
import type { FaultAction, FaultType, Trigger } from "../../../testnet/scenario/manifest.ts";
import type { FactType } from "../../../testnet/simulator/facts.ts";
import { ALL_SAMPLES, SAMPLE_FACTS } from "./sample_facts.ts";

const WORDS: { readonly [Type in FactType]: string } = {
  phase: "no new faults; the core V0, V1 and V3 heals and must make progress",
  fault:
    "fault 2 begins: vote from V0 to V1 and V2 suffer: 25 % are lost, 50 % come up to 20 ms late and all take 1 to 5 ms longer for 700 ms (right after the 3rd write of V1 that holds a vote)",
  started: "V1 starts at final height 4, its state restored from the snapshot of height 3",
  stopped: "V1 crashes; a write under way was lost",
  refusedStart: "V1 refuses to start: damaged: segment 3",
  halted: "V1 halts: assertion: x",
  sent: "V3 sends the proposal of V2 at height 7 in view 12 to V1; it takes 20 ms and 31 ms (copies)",
  delivered: "V1 receives the proposal of V2 at height 7 in view 12 from V3",
  signedVote: "V3 signs a vote in view 12 for block 0000005b5555 at height 7",
  signedProposal: "V2 proposes a block at height 7 in view 12 with 2 transactions, over the block 0000005a5555 of view 10",
  saved:
    "V2 has safely written 1 record (view 12), 1 block, finality up to height 7, execution up to height 7, shares of 1 block and 1 of evidence",
  snapshot: "V2 has stored a snapshot of the state after height 64",
  enteredView: "V2 enters view 13 by a QC; V1 leads it",
  certified: "V2 holds block 0000005b5555 of view 12 certified",
  ordered: "V2 has as ordered for good: height 7 (block 0000005b5555)",
  keyLive: "V2 has the sealing key 0000004d5555, live from height 4 on",
  opened: "V2 has opened all sealed transactions of block 0000005b5555",
  certificate:
    "V2 has the CC of view 12 for block 0000005b5555 at height 7, signed by V0, V3, V4, V6, V7, V13, V14, V15, V16, V17, V18, V21, V22, V23, V25, V26, V27, V29, V30, V31, V32, V34, V36, V37, V38, V39, V42, V43, V44, V45, V46, V47, V48, V49, V57 and V59",
  finalized: "V2 has as final: height 7 (block 0000005b5555 of view 12)",
  evidence:
    "V2 has evidence: V3 signed a vote in view 12 for block 0000005b5555 at height 7 and a vote in view 12 for block 000000635555 at height 7",
  penalized: "V2 blames V3 for: invalidSignature",
  diverged: "V2 computed state root 000000015555 at height 7, but 000000025555 is certified; it signs nothing more",
  submitted: "V2 is given transaction 0000001f5555 by client 1",
  answered: "V2 refuses transaction 0000001f5555 of client 1: expired",
  dropped: "V2 drops transaction 0000001f5555: expired",
  sizes: "V2 holds 1 input, 4 records, 2 pending blocks, 12 votes and 9 transactions (1500 bytes) in its pool",
  bidMade: "V4 bids to V1: bid 3 of 1200 for height 8, with no bundle and 1 open transaction",
  bundleSubmitted: "V4 is given a bundle of 2 transactions by searcher 0 for heights 3 to 9",
  betrayal: "V3 betrays (doubleVote) in view 12: voted for two blocks",
};

t.test("describeFact: one fact of each type, these words", async (t) => {
  for (const [type, words] of Object.entries(WORDS) as [FactType, string][]) {
    const [sample] = SAMPLE_FACTS[type];
    t.equal(sample && describeFact(sample), words, type);
  }
});

t.test("describeFact: every sample, one short line without a hole", async (t) => {
  for (const fact of ALL_SAMPLES) {
    const words = describeFact(fact);
    t.notMatch(words, /undefined|NaN|\[object|\n/, words);
    t.ok(words.length < 260, words);
  }
});

t.test("describeMoment: whole microseconds, no digit lost", async (t) => {
  t.equal(describeMoment(0), "0.000 s");
  t.equal(describeMoment(12_345_000), "12.345 s");
  t.equal(describeMoment(12_345_678), "12.345678 s");
});

t.test("joined and compactIndices: lists as people write them", async (t) => {
  t.same([joined([]), joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"])], ["nobody", "a", "a and b", "a, b and c"]);
  t.same([compactIndices([]), compactIndices([0, 1]), compactIndices([4, 0, 1, 2, 7])], ["", "0 1", "0–2 4 7"]);
});

const ACTIONS: {
  readonly [Type in FaultType]: readonly [
    action: Extract<FaultAction, { type: Type }>,
    words: string,
    label: string,
    lanes: readonly number[],
  ];
} = {
  partition: [
    {
      type: "partition",
      groups: [
        [0, 1, 2],
        [2, 3],
      ],
    },
    "the network is split into {V0, V1 and V2} and {V2 and V3}",
    "partition 0–2 | 2 3",
    [0, 1, 3],
  ],
  cut: [{ type: "cut", from: [0], to: [1, 2] }, "V1 and V2 cannot hear V0", "cut 0 → 1 2", [1, 2]],
  link: [
    { type: "link", from: [0], to: [3], kinds: [], loss: 0, duplicate: 0.1, reorder: 0, reorderMs: 0, extraDelayMs: [0, 0] },
    "messages from V0 to V3 suffer: 10 % arrive twice",
    "bad link 0 → 3",
    [3],
  ],
  bandwidth: [
    { type: "bandwidth", from: [0], to: [1], bytesPerSecond: 900 },
    "the links from V0 to V1 carry only 900 bytes per second",
    "low bandwidth",
    [1],
  ],
  stall: [{ type: "stall", from: [0], to: [1] }, "messages from V0 to V1 wait on the link", "stall 0 → 1", [1]],
  reset: [
    { type: "reset", from: [0], to: [1] },
    "the links between V0 and V1 are reset, and what was in flight is lost",
    "links reset",
    [0, 1],
  ],
  message: [
    { type: "message", message: { from: 0, to: 1, kind: "vote", view: 4, nth: 0 }, delaysMs: [] },
    "vote message 0 of view 4 from V0 to V1 is lost",
    "message lost",
    [1],
  ],
  crash: [{ type: "crash", validator: 2, unsynced: "torn" }, "V2 is killed, and what it was writing is torn", "crash", [2]],
  pause: [{ type: "pause", validator: 2 }, "V2 is frozen", "frozen", [2]],
  upgrade: [{ type: "upgrade", validator: 2 }, "V2 is stopped in order, as for an upgrade", "upgrade", [2]],
  lateStart: [{ type: "lateStart", validator: 2 }, "V2 starts late", "late start", [2]],
  wipe: [{ type: "wipe", validator: 2 }, "V2 loses its store, and comes back as an observer", "store wiped", [2]],
  diskFull: [{ type: "diskFull", validator: 2 }, "the disk of V2 is full", "disk full", [2]],
  slowDisk: [{ type: "slowDisk", validator: 2, syncMs: [3, 9] }, "a write of V2 takes 3 to 9 ms", "slow disk", [2]],
  bitFlip: [{ type: "bitFlip", validator: 2 }, "a bit in the store of V2 flips", "bit flip", [2]],
  truncate: [{ type: "truncate", validator: 2 }, "a file in the store of V2 is cut short", "file cut short", [2]],
  rollback: [{ type: "rollback", validator: 2, saves: 4 }, "the store of V2 is put back by 4 writes", "store rolled back", [2]],
  clockSkew: [{ type: "clockSkew", validator: 2, offsetMs: 40 }, "the clock of V2 is off by 40 ms", "clock +40 ms", [2]],
  clockDrift: [
    { type: "clockDrift", validator: 2, partsPerMillion: -9 },
    "the clock of V2 runs -9 parts per million too fast",
    "clock -9 ppm",
    [2],
  ],
};

t.test("describeAction, labelOfAction, validatorsTouched: each fault, its words, label and lanes", async (t) => {
  for (const [action, words, label, lanes] of Object.values(ACTIONS)) {
    t.equal(describeAction(action), words);
    t.equal(labelOfAction(action), label);
    t.same(validatorsTouched(action, 4), lanes, action.type);
  }
});

t.test("describeFault: each trigger, when it strikes", async (t) => {
  const cases: readonly (readonly [Trigger, string])[] = [
    [{ on: "time", atMs: 5 }, "from 5 ms on"],
    [{ on: "height", height: 3 }, "once somebody has height 3"],
    [{ on: "view", view: 3, validator: 1 }, "once V1 is in view 3"],
    [{ on: "leader", validator: 1, nth: 12 }, "when V1 leads for the 12th time"],
    [{ on: "save", validator: 1, content: "vote", edge: "before", nth: 2 }, "before the 2nd write of V1 that holds a vote"],
  ];
  for (const [when, words] of cases) {
    t.equal(describeFault({ when, action: { type: "pause", validator: 0 } }), `V0 is frozen (${words})`);
  }
});
