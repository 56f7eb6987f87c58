/** A plausible run made by hand: views go round, some are lost, a validator crashes, a link loses, a traitor betrays. */

import type { MessageKind, Scenario } from "../../../testnet/scenario/manifest.ts";
import type { Fact, WireMessage } from "../../../testnet/simulator/facts.ts";
import { createStream } from "../../../testnet/simulator/streams.ts";
import { ValidatorIndex, View } from "../../../types/ids.ts";
import type { VoteKind } from "../../../types/vote.ts";
import { certificateOf, hashOf, headerOf, proposalOf, voteOf } from "./sample_facts.ts";

export function scenarioOf(validators: number): Scenario {
  return {
    version: 1,
    name: "made by hand",
    seed: 9,
    weights: Array.from({ length: validators }, () => 1),
    topology: { type: "uniform", delayMs: [10, 20] },
    protocol: {
      deltaMsMin: 50,
      deltaMsMax: 500,
      heartbeatMs: 300,
      proposeDelayMs: 5,
      resendMs: 200,
      blockTransactionsMax: 64,
      poolTransactionsMax: 4_096,
      snapshotBlocks: 32,
      syncMs: [1, 2],
    },
    application: "null",
    workload: { clients: 0, perSecond: 0, mix: { transfer: 1, linked: 0, pend: 0, invalid: 0, duplicate: 0, replay: 0, lie: 0 } },
    faults: [],
    byzantine: [{ validator: validators - 1, strategy: "doubleVote", chance: 1 }],
    phases: { faultsMs: 1_000, coreHeights: 2, viewsMax: 20, settleMsMax: 5_000 },
    ties: "fifo",
    expect: "pass",
  };
}

export interface HistoryShape {
  readonly validators: number;
  readonly views: number;
  readonly seed: number;
}

export function* clusterHistory({ validators, views, seed }: HistoryShape): Generator<Fact> {
  const stream = createStream(seed, "history");
  const all = Array.from({ length: validators }, (_, index) => index);
  const broadcast = function* (atUs: number, from: number, kind: MessageKind, view: number, message: WireMessage): Generator<Fact> {
    for (const to of all) {
      if (to === from) continue;
      const delaysUs = stream.chance(0.1) ? [] : [stream.between(10_000, 20_000)];
      yield { type: "sent", atUs, from, to, kind, view, nth: 0, message, delaysUs };
    }
  };
  yield { type: "phase", atUs: 0, phase: "faults", core: [] };
  for (const validator of all) yield { type: "started", atUs: 0, validator, life: 1, finalHeight: 0, isSigning: true };
  let atUs = 0;
  for (let view = 1; view <= views; view++) {
    const leader = view % validators;
    const isLost = view % 7 === 0;
    for (const validator of all) {
      const by = view === 1 ? "start" : (view - 1) % 7 === 0 ? "TC" : "QC";
      yield { type: "enteredView", atUs, validator, view: View.of(view), by, leader: ValidatorIndex.of(leader) };
    }
    const fields = { height: view, view, proposer: leader, parent: view - 1, parentView: view - 1, timeMs: view };
    const proposal = proposalOf(fields);
    yield { type: "signedProposal", atUs, validator: leader, proposal };
    yield* broadcast(atUs, leader, "proposal", view, { type: "proposal", proposal });
    atUs += 20_000;
    const kinds: readonly VoteKind[] = isLost ? ["timeout"] : ["vote", "commit"];
    for (const kind of kinds) {
      for (const validator of all) {
        const vote = voteOf(kind, { view, height: view, block: view, validator });
        yield { type: "signedVote", atUs: atUs + validator, validator, vote, isResend: false };
        yield* broadcast(atUs + validator, validator, kind, view, { type: "vote", vote });
      }
      atUs += 20_000;
      const certificate = certificateOf(kind, { view, height: view, block: view });
      yield { type: "certificate", atUs, validator: leader, certificate };
      if (kind !== "commit") continue;
      const block = { blockHash: hashOf(view), header: headerOf(fields), certificate, stateRoot: hashOf<never>(view), receipts: [] };
      for (const validator of all) yield { type: "finalized", atUs, validator, blocks: [block] };
    }
    if (view % 5 === 0)
      yield { type: "betrayal", atUs, validator: validators - 1, strategy: "doubleVote", view, what: "voted <b>twice</b>" };
  }
  yield { type: "phase", atUs, phase: "end", core: [] };
}
