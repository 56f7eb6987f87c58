/** The sentence that tells an operator whose move it is, for every state a node can be in. */

import t from "tap";
import { type FinalityView, quorumWeight, whyNotFinal } from "../../node/rpc/why_not_final.ts";
import type { ReplicaStatus } from "../../replica/interface.ts";
import { type BlockHash, Height, type StateRoot, ValidatorIndex, View } from "../../types/ids.ts";
import { isQuorum } from "../../types/validator_set.ts";

const replica: ReplicaStatus = {
  height: Height.of(16),
  finalHeight: Height.of(16),
  finalHash: "" as BlockHash,
  executedHeight: Height.of(16),
  stateRoot: "" as StateRoot,
  view: View.of(17),
  leader: ValidatorIndex.of(1),
  poolTransactions: 1,
  poolBytes: 100,
  votesHeld: 0,
  isCatchingUp: false,
  hasDiverged: false,
  hasStoppedSigning: false,
  sealing: undefined,
  deltaMs: 50,
  consecutiveTimeouts: 0,
  heardFrom: [],
  waitingFor: "proposal",
};
const view = (change: Partial<ReplicaStatus>, others: Partial<FinalityView> = {}): FinalityView => ({
  replica: { ...replica, ...change },
  self: 0,
  weights: [1, 1, 1, 1],
  connected: new Set([1, 2, 3]),
  ...others,
});
const opening = (height: number, isFinal: boolean) => ({
  blockHash: "" as BlockHash,
  height: Height.of(height),
  isReleased: true,
  isFinal,
  positionCount: 3,
  openedCount: 1,
  waitingFor: [ValidatorIndex.of(2)],
});
const unopened = { openings: [opening(14, false), opening(15, true), opening(16, true)] } as unknown as ReplicaStatus["sealing"];
const heard = (...indices: number[]) => indices.map((index) => ValidatorIndex.of(index));

t.test("whyNotFinal: each state of a node, one plain sentence that names whose move it is", async (t) => {
  const cases: [name: string, state: FinalityView, expected: RegExp | null][] = [
    [
      "lists",
      view({ waitingFor: "lists" }),
      /^view 17: this node leads it and lacks transactions that the validators' inclusion lists name/,
    ],
    ["idle", view({ waitingFor: "idle" }), null],
    ["idle without peers", view({ waitingFor: "idle" }, { connected: new Set() }), null],
    [
      "no quorum",
      view({}, { connected: new Set([1]) }),
      /^2 of 4 validators connected \(weight 2 of 4\); a quorum needs weight 3: waiting for v2, v3$/,
    ],
    [
      "weights count",
      view({}, { weights: [1, 1, 1, 9], connected: new Set([1, 2]) }),
      /^3 of 4 validators connected \(weight 3 of 12\); a quorum needs weight 9: waiting for v3$/,
    ],
    ["observer", view({}, { self: undefined, connected: new Set([1]) }), /^1 of 4 validators connected/],
    ["proposal", view({}), /^view 17: waiting for v1 to propose$/],
    ["own proposal", view({ leader: ValidatorIndex.of(0) }), /waiting for this node to propose/],
    ["lost views", view({ consecutiveTimeouts: 2 }), /v1 to propose, after 2 lost views/],
    ["body", view({ waitingFor: "body" }), /transactions of v1's proposal that have not arrived/],
    ["votes", view({ waitingFor: "votes", heardFrom: heard(0, 2) }), /weight 2 of the 3 needed voted, not yet v1, v3$/],
    [
      "timeouts",
      view({ waitingFor: "timeouts", heardFrom: heard(0, 2, 3) }),
      /leader v1 is silent or failed; weight 3 of the 3 needed gave up the view, not yet v1$/,
    ],
    [
      "openings",
      view({ waitingFor: "openings", sealing: unopened }),
      /^final block 15 has 1 of 3 sealed transactions open, and 1 more blocks; waiting for v2$/,
    ],
    ["certificates", view({ waitingFor: "certificates" }), /certificates of skipped views/],
    ["catching up", view({ isCatchingUp: true, waitingFor: "catchUp" }), /^catching up: executed height 16/],
    ["diverged", view({ hasDiverged: true, waitingFor: "stopped" }), /differs from a certified one: it has stopped signing/],
    ["key used elsewhere", view({ hasStoppedSigning: true, waitingFor: "stopped" }), /another process uses the key/],
    ["starting", view({ waitingFor: "start" }), /^starting$/],
  ];
  for (const [name, state, expected] of cases) {
    const sentence = whyNotFinal(state);
    if (expected === null) t.equal(sentence, null, name);
    else t.match(sentence, expected, name);
  }
});

t.test("quorumWeight: every total up to 300, is the smallest weight that isQuorum accepts", async (t) => {
  const totals = Array.from({ length: 300 }, (_, index) => index + 1);
  const isSmallest = (weight: number, total: number): boolean => isQuorum(weight, total) && !isQuorum(weight - 1, total);
  t.same(
    totals.filter((total) => !isSmallest(quorumWeight(total), total)),
    [],
  );
});
