/** Calm: where nothing goes wrong and messages take far less than a view, no view is lost. Once the first block is final, no validator has a
 *  reason to time out (R5; a timer of an earlier view is none, failure 8). Where there is sealing, this holds from the moment on at which all have
 *  a key: a message of the key generation that was sent before its receivers ran waits in its maker's pool alone until it is sent again. */

import type { Fault, Scenario, WorkloadKind } from "../scenario/manifest.ts";
import type { CheckedCluster, Checker } from "./checker.ts";
import { longestDelayMs } from "./stall.ts";
import { accuserOf } from "./violations.ts";

const accuse = accuserOf("progress", "liveness");

/** So many times a message and a write fit into Δ, besides what bodies wait for late transactions. */
const MARGIN = 2;
const BODY_GRACE_MS = 10;
/** Whatever happens to a builder, or on its links, costs nobody a view. */
function touchesBuildersAlone({ action }: Fault, validators: number): boolean {
  const areBuilders = (nodes: readonly number[]): boolean => nodes.every((node) => node >= validators);
  if ("validator" in action) return action.validator >= validators;
  return "from" in action && (areBuilders(action.from) || areBuilders(action.to));
}

const CONTRARY: readonly WorkloadKind[] = ["invalid", "duplicate", "replay"];

export function createCalmChecker({ honest }: Pick<CheckedCluster, "honest">, scenario: Pick<Scenario, "sealing">): Checker {
  let isUnderWay = false;
  const keyless = new Set(scenario.sealing === undefined ? [] : honest);
  return {
    invariant: "progress",
    interests: ["finalized", "keyLive", "signedVote"],
    observe(fact) {
      if (fact.type === "keyLive") keyless.delete(fact.validator);
      if (fact.type === "finalized" && keyless.size === 0) isUnderWay = true;
      if (fact.type !== "signedVote" || !isUnderWay || fact.vote.ballot.kind !== "timeout" || !honest.has(fact.validator)) return undefined;
      const detail = `Validator ${fact.validator} gave view ${fact.vote.ballot.view} up, although nothing is wrong and all messages come in time.`;
      return accuse(fact.atUs, [fact.validator], detail);
    },
  };
}

/** No fault but of builders, no validator that is a traitor, Δ well above what a message and a write take, and clients that contradict nobody: of two transactions with one nonce
 *  the loser stays in some pools, whose validators wait for a proposal that nobody else has a reason to make. */
export function isCalm({ faults, byzantine, topology, protocol, workload, weights }: Scenario): boolean {
  const { clients, mix } = workload;
  const isOrderly = clients === 0 || CONTRARY.every((kind) => mix[kind] === 0);
  const hopMs = longestDelayMs(topology) + protocol.syncMs[1];
  return (
    isOrderly &&
    faults.every((fault) => touchesBuildersAlone(fault, weights.length)) &&
    byzantine.length === 0 &&
    protocol.deltaMsMin >= MARGIN * hopMs + BODY_GRACE_MS
  );
}
