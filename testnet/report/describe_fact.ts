/** Every fact of a run in plain words: who did what, with heights, views and the first digits of hashes. No time: that is beside it. */

import type { Durable } from "../../replica/interface.ts";
import { unreachable } from "../../types/assert.ts";
import type { Evidence } from "../../types/evidence.ts";
import type { SealingMessage } from "../../types/opening_message.ts";
import type { Sender } from "../../types/sender.ts";
import type { SyncRequest, SyncResponse } from "../../types/sync.ts";
import type { Ballot, Certificate, VoteKind } from "../../types/vote.ts";
import type { Fact, FactOf, WireMessage } from "../simulator/facts.ts";
import { describeFault } from "./describe_fault.ts";
import { counted, describeDelay, joined, nameOf, namesOf, shortHash } from "./words.ts";

export { describeMoment } from "./words.ts";

export function describeFact(fact: Fact): string {
  switch (fact.type) {
    case "phase":
      return describePhase(fact);
    case "fault":
      return `fault ${fact.index} ${fact.edge === "begin" ? "begins" : "is over"}: ${describeFault(fact.fault)}`;
    case "sent":
      return describeSent(fact);
    case "delivered":
      return `${nameOf(fact.to)} receives ${describeMessage(fact.message)} from ${nameOf(fact.from)}`;
    default:
      return `${nameOf(fact.validator)} ${describeDeed(fact)}`;
  }
}

/** "QC of view 3 for block 00ab… at height 2". */
export function describeCertificate({ ballot }: Certificate): string {
  const { view, height, blockHash } = ballot;
  if (ballot.kind === "timeout") return `TC of view ${view}`;
  return `${CERTIFICATE_NAMES[ballot.kind]} of view ${view} for block ${shortHash(blockHash)} at height ${height}`;
}

export const CERTIFICATE_NAMES: Readonly<Record<VoteKind, "QC" | "CC" | "TC">> = { vote: "QC", commit: "CC", timeout: "TC" };

type Deed = Exclude<Fact, FactOf<"phase" | "fault" | "sent" | "delivered">>;

/** What follows the validator's name. */
function describeDeed(fact: Deed): string {
  switch (fact.type) {
    case "started":
      return describeStart(fact);
    case "stopped":
      return `${STOPS[fact.why]}${(fact.lostWrites ?? 0) > 0 ? "; a write under way was lost" : ""}`;
    case "refusedStart":
      return `refuses to start: ${fact.reason}`;
    case "halted":
      return `halts: ${fact.error}`;
    case "signedVote":
      return `signs ${fact.isResend ? "again " : ""}${describeBallot(fact.vote.ballot)}`;
    case "signedProposal": {
      const { header } = fact.proposal;
      return `proposes a block at height ${header.height} in view ${header.view} with ${counted(header.transactionCount, "transaction")}, over the block ${shortHash(header.parentHash)} of view ${header.parentView}`;
    }
    case "saved":
      return `has safely written ${describeDurable(fact.durable)}`;
    case "snapshot":
      return `has stored a snapshot of the state after height ${fact.height}`;
    case "enteredView":
      return `enters view ${fact.view} ${fact.by === "start" ? "on starting" : `by a ${fact.by}`}; ${nameOf(fact.leader)} leads it`;
    case "certified":
      return `holds block ${shortHash(fact.blockHash)} of view ${fact.view} certified`;
    case "certificate":
      return `has the ${describeCertificate(fact.certificate)}, signed by ${namesOf(signersOf(fact.certificate))}`;
    case "finalized":
      return `has as final: ${joined(fact.blocks.map(({ blockHash, header }) => `height ${header.height} (block ${shortHash(blockHash)} of view ${header.view})`))}`;
    case "ordered":
      return `has as ordered for good: ${joined(fact.blocks.map(({ blockHash, height }) => `height ${height} (block ${shortHash(blockHash)})`))}`;
    case "keyLive":
      return `has the sealing key ${shortHash(fact.key.keyId)}, live from height ${fact.activationHeight} on${fact.secretShare === undefined ? ", and no share of it" : ""}`;
    case "opened":
      return `has opened all sealed transactions of block ${shortHash(fact.blockHash)}`;
    case "evidence":
      return `has evidence: ${describeEvidence(fact.evidence)}`;
    case "penalized":
      return `blames ${describeSender(fact.sender)} for: ${fact.reason}`;
    case "diverged":
      return `computed state root ${shortHash(fact.ours)} at height ${fact.height}, but ${shortHash(fact.certified)} is certified; it signs nothing more`;
    default:
      return describeClientDeed(fact);
  }
}

function describeClientDeed(
  fact: Extract<Deed, FactOf<"submitted" | "answered" | "dropped" | "sizes" | "bidMade" | "bundleSubmitted" | "betrayal">>,
): string {
  switch (fact.type) {
    case "submitted":
      return `is given ${fact.hash === undefined ? `${counted(fact.bytes.length, "byte")} that are no transaction` : `transaction ${shortHash(fact.hash)}`} by client ${fact.client}`;
    case "answered": {
      const what = fact.hash === undefined ? "bytes" : `transaction ${shortHash(fact.hash)}`;
      return `${fact.refusal === undefined ? "accepts" : "refuses"} ${what} of client ${fact.client}${fact.refusal === undefined ? "" : `: ${fact.refusal.code}`}`;
    }
    case "dropped":
      return `drops transaction ${shortHash(fact.hash)}: ${fact.refusal.code}`;
    case "sizes":
      return `holds ${counted(fact.inputQueue, "input")}, ${counted(fact.records, "record")}, ${counted(fact.pendingBlocks, "pending block")}, ${counted(fact.votesHeld, "vote")} and ${counted(fact.poolTransactions, "transaction")} (${counted(fact.poolBytes, "byte")}) in its pool`;
    case "bidMade":
      return `bids to ${nameOf(fact.leader)}: ${describeMessage({ type: "bid", ...fact.offered })}`;
    case "bundleSubmitted":
      return `is given a bundle of ${counted(fact.transactions.length, "transaction")} by searcher ${fact.searcher} for heights ${fact.heights.join(" to ")}`;
    case "betrayal":
      return `betrays (${fact.strategy})${fact.view > 0 ? ` in view ${fact.view}` : ""}: ${fact.what}`;
    default:
      return unreachable(fact);
  }
}

function describePhase({ phase, core }: FactOf<"phase">): string {
  switch (phase) {
    case "faults":
      return "the run begins; faults may strike";
    case "core":
      return `no new faults; the core ${namesOf(core)} heals and must make progress`;
    case "heal":
      return "everybody heals; all must come level";
    case "end":
      return "the run is over";
    default:
      return unreachable(phase);
  }
}

function describeStart({ life, finalHeight, isSigning, restoredHeight }: FactOf<"started">): string {
  const how = life === 1 ? "starts" : `starts again (life ${life})`;
  const from = restoredHeight === undefined ? "" : `, its state restored from the snapshot of height ${restoredHeight}`;
  return `${how}${isSigning ? "" : " as an observer"} at final height ${finalHeight}${from}`;
}

const STOPS: Readonly<Record<FactOf<"stopped">["why"], string>> = {
  crash: "crashes",
  upgrade: "stops in order",
  diskFull: "stops, because its disk is full",
  wipe: "stops, and its store is wiped",
  end: "stops with the run",
};

function describeSent(fact: FactOf<"sent">): string {
  const what = `${nameOf(fact.from)} sends ${describeMessage(fact.message)} to ${nameOf(fact.to)}`;
  if (fact.delaysUs.length === 0) return `${what}; it is lost`;
  return `${what}; it takes ${joined(fact.delaysUs.map(describeDelay))}${fact.delaysUs.length > 1 ? " (copies)" : ""}`;
}

function describeMessage(message: WireMessage): string {
  switch (message.type) {
    case "proposal": {
      const { header } = message.proposal;
      return `the proposal of ${nameOf(header.proposer)} at height ${header.height} in view ${header.view}`;
    }
    case "vote":
      return `${nameOf(message.vote.validator)}'s signature of ${describeBallot(message.vote.ballot)}`;
    case "certificate":
      return `the ${describeCertificate(message.certificate)}`;
    case "transactions":
      return counted(message.transactions.length, "transaction");
    case "status":
      return `its status (view ${message.status.view}, final height ${message.status.finalHeight})`;
    case "request":
      return `request ${message.requestId} for ${describeRequest(message.request)}`;
    case "response":
      return `the answer to request ${message.requestId}: ${describeResponse(message.response)}`;
    case "bytes":
      return `a raw frame of ${counted(message.frame.length, "byte")}`;
    case "bid": {
      const { bid, tailHashes } = message;
      const bundle = bid.bundle.length === 0 ? "no bundle" : "a bundle";
      return `bid ${bid.sequence} of ${bid.value} for height ${bid.height}, with ${bundle} and ${counted(tailHashes.length, "open transaction")}`;
    }
    default:
      return describeSealingMessage(message);
  }
}

function describeSealingMessage(message: SealingMessage): string {
  switch (message.type) {
    case "list":
      return `an inclusion list of ${counted(message.list.entries.length, "sealed transaction")} for view ${message.list.view}`;
    case "shares":
      return `${counted(message.shares.length, "share")} of block ${shortHash(message.blockHash)}`;
    case "seeds":
      return `${counted(message.openings.length, "opening")} of block ${shortHash(message.blockHash)}`;
    case "openingRequest":
      return `a request for ${counted(message.positions.length, "opening")} of block ${shortHash(message.blockHash)}`;
    case "proofRequest":
      return `a request for proofs of ${counted(message.positions.length, "share")} of block ${shortHash(message.blockHash)}`;
    case "proofs":
      return `${counted(message.batches.length, "proof")} of shares of block ${shortHash(message.blockHash)}`;
    default:
      return unreachable(message);
  }
}

function describeBallot({ kind, view, height, blockHash }: Ballot): string {
  if (kind === "timeout") return `a timeout of view ${view}`;
  return `a ${kind === "vote" ? "vote" : "commit vote"} in view ${view} for block ${shortHash(blockHash)} at height ${height}`;
}

function describeRequest(request: SyncRequest): string {
  switch (request.type) {
    case "status":
      return "the status";
    case "finalBlocks":
      return `${counted(request.count, "final block")} from height ${request.fromHeight} on`;
    case "block":
      return `block ${shortHash(request.hash)}`;
    case "timeoutCertificates":
      return `TCs of views ${request.fromView} to ${request.toView}`;
    case "transactions":
      return `${counted(request.hashes.length, "transaction")} of a block`;
    default:
      return unreachable(request);
  }
}

function describeResponse(response: SyncResponse): string {
  switch (response.type) {
    case "status":
      return `view ${response.status.view}, final height ${response.status.finalHeight}`;
    case "finalBlocks": {
      const first = response.blocks[0]?.header.height;
      const headers = response.trailingHeaders.length === 0 ? "" : ` and ${counted(response.trailingHeaders.length, "header")}`;
      return first === undefined
        ? "no final blocks"
        : `${counted(response.blocks.length, "final block")} from height ${first} on${headers}`;
    }
    case "block":
      return response.block === undefined ? "no such block" : `the block at height ${response.block.header.height}`;
    case "timeoutCertificates":
      return counted(response.certificates.length, "TC");
    case "transactions":
      return counted(response.transactions.length, "transaction");
    default:
      return unreachable(response);
  }
}

function describeDurable({ records, blocks, finality, operations, evidence, shares }: Durable): string {
  const parts: string[] = [];
  if (records.length > 0) parts.push(`${counted(records.length, "record")} (${joined(records.map(({ view }) => `view ${view}`))})`);
  if (blocks.length > 0) parts.push(counted(blocks.length, "block"));
  if (finality.length > 0) parts.push(`finality up to height ${finality.at(-1)?.height}`);
  if (operations.length > 0) parts.push(`execution up to height ${operations.at(-1)?.height}`);
  if (shares.length > 0) parts.push(`shares of ${counted(shares.length, "block")}`);
  if (evidence.length > 0) parts.push(`${evidence.length} of evidence`);
  return parts.length === 0 ? "nothing" : joined(parts);
}

function describeEvidence(evidence: Evidence): string {
  if (evidence.type === "doubleProposal") {
    const { proposer, view } = evidence.first.header;
    return `${nameOf(proposer)} signed two proposals in view ${view}`;
  }
  const { first, second } = evidence;
  return `${nameOf(first.validator)} signed ${describeBallot(first.ballot)} and ${describeBallot(second.ballot)}`;
}

function describeSender(sender: Sender): string {
  switch (sender.type) {
    case "self":
      return "itself";
    case "validator":
      return nameOf(sender.validator);
    case "relay":
      return `the relaying peer ${sender.peer}`;
    default:
      return unreachable(sender);
  }
}

/** Validators whose bits are set, least significant bit first. */
function signersOf({ signers }: Certificate): readonly number[] {
  return Array.from({ length: signers.length * 8 }, (_, index) => index).filter(
    (index) => (((signers[index >> 3] ?? 0) >> (index & 7)) & 1) === 1,
  );
}
