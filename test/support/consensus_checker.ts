/** The independent checker of simulated clusters: it knows the rules only by their consequences, and throws with the seed.
 *  R7 one chain; R8 never CC(v) and TC(v), one QC per view; R9 records on disk before signatures; R12 no honest one accused. */

import type { ConsensusEffect } from "../../consensus/interface.ts";
import { hashHeader } from "../../crypto/hashes.ts";
import type { BlockHeader } from "../../types/block.ts";
import type { BlockHash } from "../../types/ids.ts";
import type { Ballot } from "../../types/vote.ts";
import type { ClusterNode } from "./consensus_cluster.ts";

export interface Checker {
  effect(node: ClusterNode, effect: ConsensusEffect): void;
  signed(node: ClusterNode, ballot: Ballot): void;
  proposed(node: ClusterNode, header: BlockHeader): void;
  final(header: BlockHeader): void;
}

export function createChecker(seed: number, byzantine: ReadonlySet<number>): Checker {
  const finalHashes = new Map<number, BlockHash>();
  const certified = new Map<string, BlockHash>();
  const signed = new Map<string, BlockHash>();

  function once(facts: Map<string, BlockHash>, key: string, hash: BlockHash): void {
    const first = facts.get(key);
    if (first !== undefined && first !== hash) throw new Error(`seed ${seed}: ${key} is both ${first} and ${hash}`);
    facts.set(key, hash);
  }
  function never(facts: Map<string, BlockHash>, key: string, why: string): void {
    if (facts.has(key)) throw new Error(`seed ${seed}: ${why} (${key})`);
  }

  function final(header: BlockHeader): void {
    const hash = hashHeader(header);
    const first = finalHashes.get(header.height);
    if (first !== undefined && first !== hash) throw new Error(`seed ${seed}: two final blocks at height ${header.height}`);
    finalHashes.set(header.height, hash);
    const parent = finalHashes.get(header.height - 1);
    if (parent !== undefined && parent !== header.parentHash) throw new Error(`seed ${seed}: final chain is broken at ${header.height}`);
  }

  return {
    final,
    effect(node, effect) {
      if (effect.type === "persistEvidence" && !byzantine.has(node.index)) {
        const { first } = effect.evidence;
        const offender = "validator" in first ? first.validator : first.header.proposer;
        if (!byzantine.has(offender)) throw new Error(`seed ${seed}: honest validator ${offender} is accused`);
      }
      if (effect.type === "forwardCertificate") {
        const { kind, view, blockHash } = effect.certificate.ballot;
        once(certified, `${kind} certificate of view ${view}`, blockHash);
        if (kind === "commit") never(certified, `timeout certificate of view ${view}`, "CC next to TC");
        if (kind === "timeout") never(certified, `commit certificate of view ${view}`, "TC next to CC");
      }
      if (effect.type !== "finalize" || byzantine.has(node.index)) return;
      const heights = node.disk.finalHeaders.slice(-effect.blocks.length).map(hashHeader);
      effect.blocks.forEach(({ blockHash, header }, index) => {
        if (heights[index] !== blockHash) throw new Error(`seed ${seed}: finalize repeats or skips height ${header.height}`);
        final(header);
      });
    },
    signed(node, ballot) {
      if (byzantine.has(node.index)) return;
      const { kind, view, blockHash } = ballot;
      const by = `by ${node.index} in view ${view}`;
      once(signed, `${kind} ${by}`, blockHash);
      if (kind === "commit") never(signed, `timeout ${by}`, "commit vote after timeout");
      const vote = signed.get(`vote ${by}`);
      if (kind === "commit" && vote !== undefined && vote !== blockHash)
        throw new Error(`seed ${seed}: commit vote for another block ${by}`);
      if (kind === "timeout") never(signed, `commit ${by}`, "timeout after commit vote");
      const isRecorded = node.disk.records.some(
        (record) =>
          record.view === view &&
          (kind === "timeout" ? record.hasTimedOut : (kind === "vote" ? record.votedHash : record.committedHash) === blockHash),
      );
      if (!isRecorded) throw new Error(`seed ${seed}: ${kind} ${by} was sent before its record was on disk`);
    },
    proposed(node, header) {
      if (byzantine.has(node.index)) return;
      const hash = hashHeader(header);
      once(signed, `proposal by ${node.index} in view ${header.view}`, hash);
      const isRecorded = node.disk.records.some(({ view, proposedHash }) => view === header.view && proposedHash === hash);
      if (!isRecorded || hash.length !== 64) throw new Error(`seed ${seed}: proposal of view ${header.view} was sent before its record`);
    },
  };
}
