/** The composed machine's boundary: inputs, durable writes, effects. `node/` and the simulator drive the same machine.
 *
 *  Contract of `step`: pure and synchronous. The driver makes `durable` safe (written and synced) before it performs any
 *  effect of that step, and performs effects in order. Several steps of one turn may share one sync (R9). */

import type { KeygenStatus, LiveSealingKey } from "../mempool/keygen_interface.ts";
import type { OpeningStatus } from "../mempool/opening_interface.ts";
import type { ParsedTransaction, ParseResult, Refusal, StateSnapshot, TransactionReceipt } from "../types/application.ts";
import type { OfferedBid } from "../types/bid.ts";
import type { Block, BlockHeader, Justification, Proposal, ProposalContents } from "../types/block.ts";
import type { BuiltBlock } from "../types/builder.ts";
import type { BuildingMaterial, BundleGroup, Opportunity } from "../types/building.ts";
import type { Evidence } from "../types/evidence.ts";
import type { AccountId, BlockHash, Height, StateRoot, TimestampMs, TransactionHash, ValidatorIndex, View } from "../types/ids.ts";
import type { SealingMessage } from "../types/opening_message.ts";
import type { SafetyRecord } from "../types/safety_record.ts";
import type { KeyId, Opening } from "../types/sealing.ts";
import type { PeerKey, PenaltyReason, Sender } from "../types/sender.ts";
import type { PeerStatus, SyncRequest, SyncResponse } from "../types/sync.ts";
import type { Ballot, Certificate, SignedVote } from "../types/vote.ts";

export type { BuildingMaterial, BundleGroup, Opportunity } from "../types/building.ts";

/** view, propose, resend: consensus. sync: catch-up. bodies: grace before missing transactions are asked for, and repetition.
 *  republish: our clients' transactions that still wait are published again. lists: a newer inclusion list may be sent.
 *  opening: what the opening of sealed lanes waits for. */
export type ReplicaTimer = "view" | "propose" | "resend" | "sync" | "bodies" | "republish" | "lists" | "opening";

/** Where a batch of transactions came from: our own RPC, or a peer (gossip, or an answer to a body request). */
export type TransactionSource = { readonly type: "client" } | { readonly type: "peer"; readonly sender: Sender };

export type ReplicaInput =
  /** Once, first. */
  | { readonly type: "start" }
  | { readonly type: "proposal"; readonly from: Sender; readonly proposal: Proposal }
  | { readonly type: "vote"; readonly from: Sender; readonly vote: SignedVote }
  | { readonly type: "certificate"; readonly from: Sender; readonly certificate: Certificate }
  /** Inclusion lists, shares, seeds, disputes. */
  | { readonly type: "sealing"; readonly from: Sender; readonly message: SealingMessage }
  /** From a builder, for a block that we may be about to propose. */
  | { readonly type: "bid"; readonly from: Sender; readonly offered: OfferedBid }
  /** Parsed, with signatures already checked on worker threads. */
  | { readonly type: "transactions"; readonly source: TransactionSource; readonly transactions: readonly ParsedTransaction[] }
  /** The driver signed what `signVote` or `signProposal` asked for. */
  | { readonly type: "signedVote"; readonly vote: SignedVote }
  | { readonly type: "signedProposal"; readonly proposal: Proposal }
  | { readonly type: "response"; readonly requestId: number; readonly from: PeerKey; readonly response: SyncResponse }
  /** No answer within the deadline, or nobody to ask. */
  | { readonly type: "requestFailed"; readonly requestId: number }
  | { readonly type: "peerStatus"; readonly peer: PeerKey; readonly status: PeerStatus }
  | { readonly type: "peerGone"; readonly peer: PeerKey }
  | { readonly type: "timer"; readonly timer: ReplicaTimer };

/** What must be on disk before the effects of the step. Empty lists are left out of the write. */
export interface Durable {
  readonly records: readonly SafetyRecord[];
  /** Bodies that we are about to vote for, and blocks that catch-up brought. */
  readonly blocks: readonly { readonly blockHash: BlockHash; readonly block: Block }[];
  /** Newly final heights, ascending, each once. `certificate` proves the last of them. */
  readonly finality: readonly FinalityEntry[];
  /** Executed heights, ascending, each once, in the same or a later step than their finality. */
  readonly operations: readonly OperationEntry[];
  readonly evidence: readonly Evidence[];
  /** Our shares of blocks that we are about to commit-vote for, or that have a CC: stored before they are sent. */
  readonly shares: readonly StoredShares[];
}

/** Our shares of one block's sealed lane, in lane order, 32 bytes each. Forgotten when the block is executed. */
export interface StoredShares {
  readonly blockHash: BlockHash;
  readonly height: Height;
  readonly shares: Uint8Array;
}

export interface FinalityEntry {
  readonly height: Height;
  readonly blockHash: BlockHash;
  readonly view: View;
  /** CC of this block or of the descendant that made it final. */
  readonly certificate: Certificate;
}

/** One record of the operation log: what executing a final block did. */
export interface OperationEntry {
  readonly height: Height;
  readonly blockHash: BlockHash;
  readonly stateRoot: StateRoot;
  readonly receipts: readonly TransactionReceipt[];
  /** Receipts of the bundle's transactions that were included, in the order in which they ran. */
  readonly bundleReceipts: readonly TransactionReceipt[];
  /** What the sealed lane and the bundle turned out to be, in order: with the block it is all that executing it again needs. */
  readonly openings: readonly Opening[];
}

/** The application's state at one height, with what the replica itself derives from the chain. */
export interface ReplicaSnapshot extends StateSnapshot {
  /** Where key generation stands after `height`: opaque, canonical, at most KEYGEN_STATE_BYTES_MAX. */
  readonly keygen: Uint8Array;
}

export interface FinalizedBlock {
  readonly blockHash: BlockHash;
  readonly header: BlockHeader;
  readonly certificate: Certificate;
  readonly stateRoot: StateRoot;
  readonly receipts: readonly TransactionReceipt[];
  /** Undefined: its proposer built it. */
  readonly built?: BuiltBlock | undefined;
  /** The groups of the bundle; absent where it had none, or could not be read. */
  readonly bundle?: readonly BundleGroup[] | undefined;
}

/** What is final and may still wait to be opened. */
export interface OrderedBlock {
  readonly blockHash: BlockHash;
  readonly height: Height;
  readonly transactionHashes: readonly TransactionHash[] | undefined;
}

export type ReplicaEffect =
  /** Sign with BLS, broadcast to all validators, then feed back as `signedVote`. */
  | { readonly type: "signVote"; readonly ballot: Ballot; readonly isResend: boolean }
  /** Sign with Ed25519, broadcast to all validators, then feed back as `signedProposal`. */
  | ({
      readonly type: "signProposal";
      readonly header: BlockHeader;
      readonly blockHash: BlockHash;
      readonly justification: Justification;
    } & ProposalContents)
  | { readonly type: "broadcastCertificate"; readonly certificate: Certificate }
  /** Over the direct link to validator `to`, or to all validators when undefined; nobody else needs it, and nothing is lost if it is. */
  | { readonly type: "sendDirect"; readonly to: ValidatorIndex | undefined; readonly message: SealingMessage }
  /** These blocks have a CC: their order is final, and what is open in them. Each once, before `finalized`, which follows at once unless
   *  a body or an opening is awaited. */
  | { readonly type: "ordered"; readonly blocks: readonly OrderedBlock[] }
  /** All of the block's sealed lane is open. Once per block that has one; final or not. */
  | { readonly type: "opened"; readonly blockHash: BlockHash }
  /** Publish transactions that a client gave us. */
  | { readonly type: "gossipTransactions"; readonly transactions: readonly Uint8Array[] }
  /** Raw transactions from a peer's answer: parse, check signatures on workers, feed back as `transactions`. */
  | { readonly type: "verifyTransactions"; readonly source: TransactionSource; readonly transactions: readonly Uint8Array[] }
  /** Ask one of `candidates` (best first; empty: any connected validator) and feed back `response` or `requestFailed`. */
  | {
      readonly type: "request";
      readonly requestId: number;
      readonly candidates: readonly PeerKey[];
      readonly request: SyncRequest;
      readonly deadlineMs: number;
    }
  /** Verdict on each transaction of a `transactions` input from a client. */
  | { readonly type: "admitted"; readonly hash: TransactionHash; readonly refusal: Refusal | undefined }
  /** Left the pool without being ordered. */
  | { readonly type: "dropped"; readonly hash: TransactionHash; readonly refusal: Refusal }
  | { readonly type: "finalized"; readonly blocks: readonly FinalizedBlock[] }
  /** The state after `height`, taken inside the step; the driver stores it out of the path of votes. */
  | { readonly type: "snapshotDue"; readonly height: Height; readonly snapshot: ReplicaSnapshot }
  /** R14 and the divergence drill: our root differs from a certified one. Nothing more is signed. */
  | { readonly type: "diverged"; readonly height: Height; readonly ours: StateRoot; readonly certified: StateRoot }
  /** For builders: only observers of a chain that takes them are told. */
  | { readonly type: "buildable"; readonly opportunity: Opportunity }
  | { readonly type: "certified"; readonly blockHash: BlockHash; readonly view: View }
  | { readonly type: "enteredView"; readonly view: View; readonly by: "start" | "QC" | "TC" | "CC"; readonly leader: ValidatorIndex }
  | { readonly type: "penalize"; readonly sender: Sender; readonly reason: PenaltyReason }
  | { readonly type: "setTimer"; readonly timer: ReplicaTimer; readonly afterMs: number }
  | { readonly type: "cancelTimer"; readonly timer: ReplicaTimer };

export interface Step {
  readonly durable: Durable | undefined;
  readonly effects: readonly ReplicaEffect[];
}

export interface ReplicaStatus {
  readonly height: Height;
  readonly finalHeight: Height;
  readonly finalHash: BlockHash;
  readonly executedHeight: Height;
  readonly stateRoot: StateRoot;
  readonly view: View;
  readonly leader: ValidatorIndex;
  readonly poolTransactions: number;
  readonly poolBytes: number;
  /** Votes, commit votes and timeouts that consensus keeps (R10). */
  readonly votesHeld: number;
  readonly isCatchingUp: boolean;
  readonly hasDiverged: boolean;
  /** Our key signed something that our records do not know (failure 10): nothing more is signed. */
  readonly hasStoppedSigning: boolean;
  /** Undefined on a chain without sealed transactions. */
  readonly sealing: SealingStatus | undefined;
  readonly deltaMs: number;
  readonly consecutiveTimeouts: number;
  readonly heardFrom: readonly ValidatorIndex[];
  /** Why nothing is final right now, as one literal; `idle` when there is nothing to do. */
  readonly waitingFor:
    | "idle"
    | "proposal"
    | "body"
    | "votes"
    | "timeouts"
    | "certificates"
    | "lists"
    | "openings"
    | "start"
    | "catchUp"
    | "stopped";
}

export interface SealingStatus {
  readonly keygen: KeygenStatus;
  /** ZERO_HASH until there is a key. */
  readonly keyId: KeyId;
  /** Sealed transactions that wait to be ordered. */
  readonly waiting: number;
  readonly waitingBytes: number;
  /** Inclusion lists kept for this view and those that come. */
  readonly lists: number;
  /** Held blocks with a sealed lane, by height; those that are final wait to be opened. */
  readonly openings: readonly OpeningStatus[];
}

export interface Replica {
  step(input: ReplicaInput, nowMs: TimestampMs): Step;
  readonly status: ReplicaStatus;
  /** Answers what the machine holds in memory: pool and proposed transactions, TCs, unfinished blocks. Storage answers the rest. */
  answer(request: SyncRequest): SyncResponse | undefined;
  /** Waits to be ordered here. What only an unfinished block carries does not: that block may lose, and then it is forgotten. */
  isPending(hash: TransactionHash): boolean;
  /** Decodes a transaction of any kind. Never touches state. */
  parse(bytes: Uint8Array): ParseResult;
  /** Would a sealed transaction or a key generation message be refused whatever its signature and seal are? Cheap; asked before they are
   *  checked. Undefined for open transactions. */
  refusalOf(transaction: ParsedTransaction): Refusal | undefined;
  /** What `builder` has at hand for an opportunity that was told; undefined when the parent is gone. Asked outside of `step`. */
  materialFor(builder: AccountId, opportunity: Opportunity): BuildingMaterial | undefined;
  /** The key that seals now, with the height from which on headers name it. */
  readonly sealingKey: LiveSealingKey | undefined;
}
