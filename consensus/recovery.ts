/** From what storage held to a running state (R9): all records, the highest admitted view, the certificates that the records
 *  name, and the blocks above the final head. R13: records of another epoch take no part. */

import { hashHeader } from "../crypto/hashes.ts";
import { assert } from "../types/assert.ts";
import { type BlockHash, Height, TimestampMs, View } from "../types/ids.ts";
import { VALIDATORS_MAX } from "../types/limits.ts";
import type { SafetyRecord } from "../types/safety_record.ts";
import type { Certificate } from "../types/vote.ts";
import { createBlockTree, type ParentFacts } from "./block_tree.ts";
import { absorbCertificate } from "./certificate_flow.ts";
import { type Certificates, createCertificates } from "./certificates.ts";
import type { ConsensusOptions, RecoveredConsensus } from "./interface.ts";
import type { ScheduleBlock } from "./leader_schedule.ts";
import { emit, finalViewOf, leaderOfView, type Machine } from "./machine.ts";
import { createPacemaker } from "./pacemaker.ts";
import { createSeenProposals } from "./proposal_check.ts";
import { insertBlock } from "./proposal_flow.ts";
import { createRecords } from "./records.ts";
import { castAgain } from "./resend.ts";
import { createVoteCollector } from "./vote_collector.ts";

/** The state before the first input. */
export function createMachine(options: ConsensusOptions): Machine {
  const { recovered, domain, validators, self } = options;
  const { finalHead } = recovered;
  const count = validators.set.validators.length;
  assert(count <= VALIDATORS_MAX && validators.totalWeight > 0, "the validator set is within its bounds");
  assert(validators.set.epoch === domain.epoch, "R13: the validator set is of the signing epoch");
  assert(self === undefined || self < count, "we are a member of the set, or an observer");
  const records = createRecords({ epoch: domain.epoch, finalView: finalHead.view, recovered: recovered.records });
  const certificates = recoverCertificates(records.all(), finalHead.view, finalHead.blockHash);
  // The CC may be of a later block whose body was still missing: it is acted on again.
  const { finalCertificate } = recovered;
  if (finalCertificate !== undefined && finalCertificate.ballot.view > finalHead.view) certificates.add(finalCertificate);
  const view = recoverView(records.all(), finalHead.view);
  return {
    options,
    epoch: domain.epoch,
    self,
    records,
    tree: createBlockTree(rootFacts(recovered)),
    certificates,
    votes: createVoteCollector(options),
    pacemaker: createPacemaker(options.config),
    seen: createSeenProposals(),
    finalBlocks: scheduleBlocks(recovered),
    pendingCommits: new Set(
      certificates
        .quorums()
        .map(({ ballot }) => ballot.view)
        .filter((certified) => certified > finalHead.view),
    ),
    wanted: new Map(),
    accused: new Map(),
    suspects: new Set(),
    heardIn: new Map(),
    pausesByParent: new Map(),
    view,
    admittedBy: records.get(view).admittedBy ?? recovered.finalCertificate,
    hasStarted: false,
    hasStoppedSigning: false,
    isGivingUp: false,
    building: undefined,
    timeoutsAsked: undefined,
    behindView: View.ZERO,
    bestParent: undefined,
    helpedAtMs: 0,
    askedAtMs: 0,
    nowMs: TimestampMs.of(0),
    effects: [],
  };
}

/** The first input: rebuilds the tree, says where we are, and sends again what we signed there. */
export function start(machine: Machine): void {
  assert(!machine.hasStarted, "consensus starts once");
  machine.hasStarted = true;
  machine.pacemaker.enterView({ nowMs: machine.nowMs, isLost: false });
  machine.pacemaker.noteProgress(machine.nowMs);
  emit(machine, { type: "enteredView", view: machine.view, by: "start", leader: leaderOfView(machine) });
  recoverBlocks(machine);
  castAgain(machine);
}

/** A block that we voted for was stored as valid before the vote; others are checked again. */
function recoverBlocks(machine: Machine): void {
  const from = { type: "self" } as const;
  const proposals = [...machine.options.recovered.proposals];
  proposals.sort((left, right) => left.header.view - right.header.view);
  for (const proposal of proposals) {
    const { header, parentCertificate, timeoutCertificates, signature } = proposal;
    const blockHash = hashHeader(header);
    if (header.epoch !== machine.epoch || header.view <= finalViewOf(machine) || machine.tree.get(blockHash) !== undefined) continue;
    if (parentCertificate !== undefined) absorbCertificate(machine, parentCertificate, { from, isAsked: true });
    for (const certificate of timeoutCertificates) absorbCertificate(machine, certificate, { from, isAsked: true });
    const record = machine.records.get(header.view);
    const isKnownValid = record.votedHash === blockHash || record.committedHash === blockHash;
    if (machine.seen.get(header.view, header.proposer) === undefined) {
      machine.seen.put(header.view, header.proposer, { blockHash, signed: { header, signature } });
    }
    insertBlock(machine, { blockHash, proposal, from, body: isKnownValid ? "valid" : "waiting" });
  }
}

/** The records were checked when they were written, and carry a checksum: their certificates need no second verification. */
function recoverCertificates(records: readonly SafetyRecord[], finalView: View, finalHash: BlockHash): Certificates {
  const certificates = createCertificates();
  for (const { admittedBy } of records)
    if (admittedBy !== undefined && isOfUse(admittedBy, finalView, finalHash)) certificates.add(admittedBy);
  return certificates;
}

function isOfUse({ ballot }: Certificate, finalView: View, finalHash: BlockHash): boolean {
  return ballot.view > finalView || (ballot.kind === "vote" && ballot.view === finalView && ballot.blockHash === finalHash);
}

/** The highest view on record, whatever order the records came in. Every entry into a view left one. */
function recoverView(records: readonly SafetyRecord[], finalView: View): View {
  const highest = records.at(-1)?.view ?? View.ZERO;
  return highest > finalView ? highest : View.next(finalView);
}

function rootFacts({ finalHead, recentFinalHeaders }: RecoveredConsensus): ParentFacts {
  const { blockHash, height, view, timeMs, executedHeight } = finalHead;
  return { blockHash, height, view, timeMs, executedHeight, proposer: recentFinalHeaders.at(-1)?.proposer };
}

/** Final blocks for the schedule, genesis included when it is within reach. */
function scheduleBlocks(recovered: RecoveredConsensus): ScheduleBlock[] {
  const { recentFinalHeaders, finalHead } = recovered;
  const [first] = recentFinalHeaders;
  assert(first === undefined || recentFinalHeaders.at(-1)?.height === finalHead.height, "recent headers end at the final head");
  const genesis: ScheduleBlock = { height: Height.ZERO, view: View.ZERO, proposer: undefined, executedHeight: Height.ZERO };
  if (finalHead.height === Height.ZERO) return [genesis];
  if (first === undefined) return [rootFacts(recovered)];
  return first.height === 1 ? [genesis, ...recentFinalHeaders] : [...recentFinalHeaders];
}
