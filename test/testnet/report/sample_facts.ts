/** At least one fact of every type, with every message, request, response and optional field somewhere: for tables over all fields. */

import type { MessageKind } from "../../../testnet/scenario/manifest.ts";
import type { Fact, FactType, WireMessage } from "../../../testnet/simulator/facts.ts";
import type { OfferedBid } from "../../../types/bid.ts";
import { type Block, type BlockHeader, PLAIN_BLOCK, type Proposal } from "../../../types/block.ts";
import type { BlockHash, BodyRoot, StateRoot, TransactionHash } from "../../../types/ids.ts";
import { Epoch, Height, TimestampMs, ValidatorIndex, View, ZERO_HASH } from "../../../types/ids.ts";
import type { InclusionList } from "../../../types/inclusion_list.ts";
import type { SafetyRecord } from "../../../types/safety_record.ts";
import type { KeyId } from "../../../types/sealing.ts";
import type { PeerKey } from "../../../types/sender.ts";
import type { SyncRequest, SyncResponse } from "../../../types/sync.ts";
import type { Certificate, SignedVote, VoteKind } from "../../../types/vote.ts";

/** A hash whose first digits are those of `value`. */
export function hashOf<Hash extends string = BlockHash>(value: number): Hash {
  return value.toString(16).padStart(8, "0").padEnd(64, "5") as Hash;
}

/** `length` bytes that depend on `value`. */
export function bytesOf(value: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (value * 31 + index * 7) & 0xff);
}

export function voteOf(
  kind: VoteKind,
  {
    view,
    height,
    block,
    validator,
  }: { readonly view: number; readonly height: number; readonly block: number; readonly validator: number },
): SignedVote {
  const ballot = { kind, epoch: Epoch.of(1), view: View.of(view), height: Height.of(height), blockHash: hashOf(block) };
  return { ballot, validator: ValidatorIndex.of(validator), signature: bytesOf(view * 64 + validator, 96) };
}

export function certificateOf(
  kind: VoteKind,
  { view, height, block }: { readonly view: number; readonly height: number; readonly block: number },
): Certificate {
  const ballot = { kind, epoch: Epoch.of(1), view: View.of(view), height: Height.of(height), blockHash: hashOf(block) };
  return { ballot, signers: bytesOf(7, 8), signature: bytesOf(view, 96) };
}

export interface HeaderFields {
  readonly height: number;
  readonly view: number;
  readonly proposer: number;
  readonly parent: number;
  readonly parentView: number;
  readonly timeMs: number;
}

export function headerOf({ height, view, proposer, parent, parentView, timeMs }: HeaderFields): BlockHeader {
  return {
    epoch: Epoch.of(1),
    height: Height.of(height),
    view: View.of(view),
    proposer: ValidatorIndex.of(proposer),
    parentHash: hashOf(parent),
    parentView: View.of(parentView),
    timeMs: TimestampMs.of(timeMs),
    bodyRoot: hashOf<BodyRoot>(view + 1_000),
    transactionCount: 2,
    bodyBytes: 300,
    executedHeight: Height.of(height - 1),
    executedRoot: hashOf<StateRoot>(height + 2_000),
    ...PLAIN_BLOCK,
  };
}

export function proposalOf(fields: HeaderFields): Proposal {
  return {
    header: headerOf(fields),
    parentCertificate: certificateOf("vote", { view: fields.parentView, height: fields.height - 1, block: fields.parent }),
    timeoutCertificates: [certificateOf("timeout", { view: fields.parentView + 1, height: 0, block: 0 })],
    transactionHashes: [hashOf<TransactionHash>(31), hashOf<TransactionHash>(32)],
    lists: [],
    signature: bytesOf(fields.view, 64),
  };
}

export function blockOf(fields: HeaderFields): Block {
  const { transactionHashes: _, ...rest } = proposalOf(fields);
  return { ...rest, transactions: [bytesOf(1, 150), bytesOf(2, 150)] };
}

const FIELDS: HeaderFields = { height: 7, view: 12, proposer: 2, parent: 90, parentView: 10, timeMs: 1_700_000_000_123 };
const VOTE = { view: 12, height: 7, block: 91, validator: 3 };
const peer = "v3" as PeerKey;

export function recordOf(view: number, fields: Partial<SafetyRecord>): SafetyRecord {
  return {
    epoch: Epoch.of(1),
    view: View.of(view),
    proposedHash: ZERO_HASH,
    votedHash: ZERO_HASH,
    votedHeight: Height.ZERO,
    committedHash: ZERO_HASH,
    committedHeight: Height.ZERO,
    hasTimedOut: false,
    admittedBy: undefined,
    ...fields,
  };
}

const REQUESTS: readonly SyncRequest[] = [
  { type: "status" },
  { type: "finalBlocks", fromHeight: Height.of(5), count: 16 },
  { type: "block", hash: hashOf(91) },
  { type: "timeoutCertificates", fromView: View.of(3), toView: View.of(40) },
  { type: "transactions", hashes: [hashOf(31)] },
];

const STATUS = { epoch: Epoch.of(1), view: View.of(12), finalHeight: Height.of(6), finalHash: hashOf(90), oldestHeight: Height.of(1) };

const RESPONSES: readonly SyncResponse[] = [
  { type: "status", status: STATUS },
  {
    type: "finalBlocks",
    blocks: [blockOf(FIELDS)],
    openings: [[{ type: "seed", seed: bytesOf(5, 32) }]],
    trailingHeaders: [headerOf({ ...FIELDS, height: 8, view: 13 })],
    commitCertificate: certificateOf("commit", { view: 13, height: 8, block: 92 }),
  },
  { type: "block", block: blockOf(FIELDS) },
  { type: "timeoutCertificates", certificates: [certificateOf("timeout", { view: 11, height: 0, block: 0 })] },
  { type: "transactions", transactions: [bytesOf(1, 150)] },
];

const SHARE = { position: 1, share: bytesOf(6, 32) };

const LIST: InclusionList = {
  epoch: Epoch.of(1),
  view: View.of(12),
  sequence: 3,
  validator: ValidatorIndex.of(2),
  entries: [{ id: hashOf<TransactionHash>(31), expiryHeight: Height.of(99), feeClass: 4, sizeClass: 0 }],
  signature: bytesOf(8, 64),
};

const OFFERED: OfferedBid = {
  bid: {
    height: Height.of(8),
    parentHash: hashOf(91),
    builder: hashOf(71),
    sequence: 3,
    value: 1_200n,
    expiryView: View.of(15),
    keyId: ZERO_HASH as string as KeyId,
    bundle: new Uint8Array(),
    tailRoot: hashOf(72),
    tailCount: 1,
    tailBytes: 180,
    gas: 1,
    signature: bytesOf(7, 64),
  },
  tailHashes: [hashOf(31)],
};

const MESSAGES: readonly (readonly [MessageKind, WireMessage])[] = [
  ["proposal", { type: "proposal", proposal: proposalOf(FIELDS) }],
  ["vote", { type: "vote", vote: voteOf("vote", VOTE) }],
  ["certificate", { type: "certificate", certificate: certificateOf("vote", VOTE) }],
  ["transactions", { type: "transactions", transactions: [bytesOf(1, 150), bytesOf(2, 151)] }],
  ["status", { type: "status", status: STATUS }],
  ...REQUESTS.map((request, index) => ["request", { type: "request", requestId: index + 1, request }] as const),
  ...RESPONSES.map((response, index) => ["response", { type: "response", requestId: index + 1, response }] as const),
  ["vote", { type: "bytes", frame: bytesOf(9, 30) }],
  ["list", { type: "list", list: LIST }],
  ["shares", { type: "shares", blockHash: hashOf(91), shares: [SHARE] }],
  [
    "seeds",
    {
      type: "seeds",
      blockHash: hashOf(91),
      openings: [
        { position: 0, opening: { type: "seed", seed: bytesOf(5, 32) } },
        {
          position: 1,
          opening: { type: "failed", shares: [{ validator: ValidatorIndex.of(0), share: bytesOf(6, 32), proof: bytesOf(7, 64) }] },
        },
      ],
    },
  ],
  ["openingRequest", { type: "openingRequest", blockHash: hashOf(91), positions: [0, 1] }],
  ["proofRequest", { type: "proofRequest", blockHash: hashOf(91), positions: [1], isSeparate: true }],
  ["proofs", { type: "proofs", blockHash: hashOf(91), batches: [{ shares: [SHARE], proof: bytesOf(7, 64) }] }],
  ["bid", { type: "bid", ...OFFERED }],
];

const DURABLE = {
  records: [
    recordOf(12, {
      votedHash: hashOf(91),
      votedHeight: Height.of(7),
      admittedBy: certificateOf("timeout", { view: 11, height: 0, block: 0 }),
    }),
  ],
  blocks: [{ blockHash: hashOf(91), block: blockOf(FIELDS) }],
  finality: [{ height: Height.of(7), blockHash: hashOf(91), view: View.of(12), certificate: certificateOf("commit", VOTE) }],
  operations: [
    {
      height: Height.of(7),
      blockHash: hashOf(91),
      stateRoot: hashOf<StateRoot>(44),
      receipts: [{ hash: hashOf<TransactionHash>(31), code: 0, operationCodes: [0, 3] }],
      bundleReceipts: [],
      openings: [{ type: "seed", seed: bytesOf(5, 32) }],
    },
  ],
  evidence: [{ type: "doubleVote", first: voteOf("vote", VOTE), second: voteOf("vote", { ...VOTE, block: 99 }) }],
  shares: [{ blockHash: hashOf(91), height: Height.of(7), shares: bytesOf(3, 64) }],
} as const;

const refusal = { code: "expired", canRetry: false, advice: "Sign it again." };
const transaction = hashOf<TransactionHash>(31);

/** Facts by type; `Record` makes the compiler ask for a new type here. */
export const SAMPLE_FACTS: { readonly [Type in FactType]: readonly Fact[] } = {
  phase: [{ type: "phase", atUs: 5_000_000, phase: "core", core: [0, 1, 3] }],
  fault: [
    {
      type: "fault",
      atUs: 1_000,
      index: 2,
      fault: {
        when: { on: "save", validator: 1, content: "vote", edge: "after", nth: 3 },
        action: {
          type: "link",
          from: [0],
          to: [1, 2],
          kinds: ["vote"],
          loss: 0.25,
          duplicate: 0,
          reorder: 0.5,
          reorderMs: 20,
          extraDelayMs: [1, 5],
        },
        forMs: 700,
      },
      edge: "begin",
    },
  ],
  started: [{ type: "started", atUs: 0, validator: 1, life: 1, finalHeight: 4, isSigning: true, restoredHeight: 3 }],
  stopped: [{ type: "stopped", atUs: 9, validator: 1, why: "crash", lostWrites: 1 }],
  refusedStart: [{ type: "refusedStart", atUs: 9, validator: 1, reason: "damaged: segment 3" }],
  halted: [{ type: "halted", atUs: 9, validator: 1, error: "assertion: x" }],
  sent: MESSAGES.map(([kind, message]) => ({
    type: "sent",
    atUs: 77,
    from: 3,
    to: 1,
    kind,
    view: 12,
    nth: 1,
    message,
    delaysUs: [20_000, 31_000],
  })),
  delivered: MESSAGES.map(([kind, message]) => ({ type: "delivered", atUs: 99, from: 3, to: 1, kind, view: 12, nth: 1, message })),
  signedVote: (["vote", "commit"] as const).map((kind) => ({
    type: "signedVote",
    atUs: 50,
    validator: 3,
    vote: voteOf(kind, VOTE),
    isResend: false,
  })),
  signedProposal: [{ type: "signedProposal", atUs: 50, validator: 2, proposal: proposalOf(FIELDS) }],
  saved: [{ type: "saved", atUs: 50, validator: 2, durable: DURABLE }],
  snapshot: [{ type: "snapshot", atUs: 50, validator: 2, height: 64 }],
  enteredView: [{ type: "enteredView", atUs: 50, validator: 2, view: View.of(13), by: "QC", leader: ValidatorIndex.of(1) }],
  certified: [{ type: "certified", atUs: 50, validator: 2, view: View.of(12), blockHash: hashOf(91) }],
  ordered: [
    {
      type: "ordered",
      atUs: 50,
      validator: 2,
      blocks: [{ blockHash: hashOf(91), height: Height.of(7), transactionHashes: [hashOf<TransactionHash>(31)] }],
    },
  ],
  keyLive: [
    {
      type: "keyLive",
      atUs: 50,
      validator: 2,
      activationHeight: 4,
      secretShare: bytesOf(6, 32),
      key: { keyId: hashOf<KeyId>(77), threshold: 3, publicKey: bytesOf(4, 32), shareKeys: [bytesOf(5, 32)] },
    },
  ],
  opened: [{ type: "opened", atUs: 50, validator: 2, blockHash: hashOf(91) }],
  certificate: [{ type: "certificate", atUs: 50, validator: 2, certificate: certificateOf("commit", VOTE) }],
  finalized: [
    {
      type: "finalized",
      atUs: 50,
      validator: 2,
      blocks: [
        {
          blockHash: hashOf(91),
          header: headerOf(FIELDS),
          certificate: certificateOf("commit", VOTE),
          stateRoot: hashOf<StateRoot>(44),
          receipts: [{ hash: transaction, code: 0, operationCodes: [0] }],
        },
      ],
    },
  ],
  evidence: [
    {
      type: "evidence",
      atUs: 50,
      validator: 2,
      evidence: { type: "doubleVote", first: voteOf("vote", VOTE), second: voteOf("vote", { ...VOTE, block: 99 }) },
    },
    {
      type: "evidence",
      atUs: 50,
      validator: 2,
      evidence: {
        type: "doubleProposal",
        first: { header: headerOf(FIELDS), signature: bytesOf(1, 64) },
        second: { header: headerOf({ ...FIELDS, timeMs: 5 }), signature: bytesOf(2, 64) },
      },
    },
  ],
  penalized: [
    {
      type: "penalized",
      atUs: 50,
      validator: 2,
      sender: { type: "validator", validator: ValidatorIndex.of(3), peer },
      reason: "invalidSignature",
    },
    { type: "penalized", atUs: 50, validator: 2, sender: { type: "relay", peer }, reason: "flood" },
    { type: "penalized", atUs: 50, validator: 2, sender: { type: "self" }, reason: "equivocation" },
  ],
  diverged: [{ type: "diverged", atUs: 50, validator: 2, height: 7, ours: hashOf(1), certified: hashOf(2) }],
  submitted: [
    { type: "submitted", atUs: 50, validator: 2, client: 1, bytes: bytesOf(1, 150), hash: transaction },
    { type: "submitted", atUs: 50, validator: 2, client: 1, bytes: bytesOf(1, 3), hash: undefined },
  ],
  answered: [
    { type: "answered", atUs: 50, validator: 2, client: 1, hash: transaction, refusal },
    { type: "answered", atUs: 50, validator: 2, client: 1, hash: transaction, refusal: undefined },
  ],
  dropped: [{ type: "dropped", atUs: 50, validator: 2, hash: transaction, refusal }],
  sizes: [
    {
      type: "sizes",
      atUs: 50,
      validator: 2,
      inputQueue: 1,
      records: 4,
      pendingBlocks: 2,
      poolTransactions: 9,
      poolBytes: 1_500,
      votesHeld: 12,
    },
  ],
  bidMade: [{ type: "bidMade", atUs: 50, validator: 4, leader: 1, offered: OFFERED, inside: { type: "none" } }],
  bundleSubmitted: [
    {
      type: "bundleSubmitted",
      atUs: 50,
      validator: 4,
      searcher: 0,
      transactions: [bytesOf(1, 8), bytesOf(2, 8)],
      heights: [3, 9],
      tip: 12n,
    },
  ],
  betrayal: [{ type: "betrayal", atUs: 50, validator: 3, strategy: "doubleVote", view: 12, what: "voted for two blocks" }],
};

/** All of them in order of type. */
export const ALL_SAMPLES: readonly Fact[] = Object.values(SAMPLE_FACTS).flat();
