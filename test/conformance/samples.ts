/** The values behind the golden vectors, written out or computed from their position; never random. Changing one changes the
 *  vectors, which is a change of the protocol's published encoding unless a type was extended on purpose. */

import { NO_BID } from "../../types/bid.ts";
import type { Block, BlockHeader, Proposal } from "../../types/block.ts";
import { toHex } from "../../types/bytes.ts";
import type { Evidence } from "../../types/evidence.ts";
import type { Genesis } from "../../types/genesis.ts";
import type { BidHash, ListsRoot } from "../../types/ids.ts";
import {
  type AccountId,
  type BlockHash,
  type BodyRoot,
  type ChainId,
  Epoch,
  Height,
  type StateRoot,
  TimestampMs,
  type TransactionHash,
  ValidatorIndex,
  type ValidatorSetHash,
  View,
} from "../../types/ids.ts";
import type { Message } from "../../types/message.ts";
import { emptySafetyRecord, type SafetyRecord } from "../../types/safety_record.ts";
import type { KeyId } from "../../types/sealing.ts";
import type { SigningDomain } from "../../types/signing.ts";
import type { SyncRequest, SyncResponse } from "../../types/sync.ts";
import { OPERATION_FLAG_LINKED, OPERATION_KINDS, type SignedTransaction, type TransactionPayload } from "../../types/transaction.ts";
import { Signers, type Validator, type ValidatorSet } from "../../types/validator_set.ts";
import { type Ballot, type Certificate, type SignedVote, timeoutBallot } from "../../types/vote.ts";

/** `length` bytes counting up from `first`: every position differs from its neighbours, so a swapped field shows. */
export const counting = (length: number, first: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (first + index) & 255);
const hash = <T extends string>(first: number): T => toHex<T>(counting(32, first));

export const CHAIN_ID = hash<ChainId>(0x10);

export const header: BlockHeader = {
  epoch: Epoch.of(1),
  height: Height.of(0x0102_0304),
  view: View.of(0x0102_0304_0506),
  proposer: ValidatorIndex.of(3),
  parentHash: hash<BlockHash>(0x20),
  parentView: View.of(0x0102_0304_0505),
  timeMs: TimestampMs.of(1_700_000_000_123),
  bodyRoot: hash<BodyRoot>(0x30),
  transactionCount: 2,
  bodyBytes: 5,
  executedHeight: Height.of(0x0102_0302),
  executedRoot: hash<StateRoot>(0x40),
  sealedCount: 1,
  listsRoot: hash<ListsRoot>(0x50),
  keyId: hash<KeyId>(0x60),
  bidHash: NO_BID,
  bundleCount: 0,
};

/** The header with the largest numbers that the encoding carries. */
export const largestHeader: BlockHeader = {
  ...header,
  epoch: Epoch.of(Number.MAX_SAFE_INTEGER),
  height: Height.of(Number.MAX_SAFE_INTEGER),
  view: View.of(Number.MAX_SAFE_INTEGER),
  proposer: ValidatorIndex.of(127),
  parentView: View.of(Number.MAX_SAFE_INTEGER - 1),
  timeMs: TimestampMs.of(Number.MAX_SAFE_INTEGER),
  transactionCount: 16_384,
  bodyBytes: 8 * 1024 * 1024,
  executedHeight: Height.of(Number.MAX_SAFE_INTEGER - 1),
  bidHash: hash<BidHash>(0x61),
  bundleCount: 1,
};

export const voteBallot: Ballot = {
  kind: "vote",
  epoch: Epoch.of(1),
  view: View.of(77),
  height: Height.of(55),
  blockHash: hash<BlockHash>(0x50),
};
export const commitBallot: Ballot = { ...voteBallot, kind: "commit" };
export const timeout: Ballot = timeoutBallot(Epoch.of(1), View.of(78));

const signersOf = (...indices: number[]): Uint8Array => Signers.of(indices.map(ValidatorIndex.of));
const certificateOf = (ballot: Ballot): Certificate => ({ ballot, signers: signersOf(0, 1, 3, 127), signature: counting(96, 0x60) });

export const signedVotes: readonly SignedVote[] = [voteBallot, commitBallot, timeout].map((ballot, index) => ({
  ballot,
  validator: ValidatorIndex.of(index + 1),
  signature: counting(96, 0x70 + index),
}));
export const certificates: readonly Certificate[] = [voteBallot, commitBallot, timeout].map(certificateOf);

const transactions = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5)];

export const block: Block = {
  header,
  parentCertificate: certificateOf(voteBallot),
  timeoutCertificates: [certificateOf(timeout)],
  transactions,
  lists: [],
  bid: undefined,
  signature: counting(64, 0x80),
};

/** The first block after genesis: nothing justifies it, and it is empty. */
export const firstBlock: Block = {
  header: {
    ...header,
    height: Height.of(1),
    view: View.of(1),
    parentView: View.ZERO,
    executedHeight: Height.ZERO,
    transactionCount: 0,
    bodyBytes: 0,
    sealedCount: 0,
  },
  parentCertificate: undefined,
  timeoutCertificates: [],
  transactions: [],
  lists: [],
  bid: undefined,
  signature: counting(64, 0x81),
};

const { transactions: _, ...unproposed } = block;
export const proposal: Proposal = { ...unproposed, transactionHashes: [hash<TransactionHash>(0x90), hash<TransactionHash>(0xa0)] };

const validatorOf = (first: number, weight: number): Validator => ({
  blsPublicKey: counting(48, first),
  blsPossession: counting(96, first + 1),
  sealingPublicKey: counting(32, first + 2),
  ed25519PublicKey: hash<string>(first + 2),
  weight,
});

export const validatorSet: ValidatorSet = { epoch: Epoch.of(1), validators: [validatorOf(0x11, 1), validatorOf(0x51, 2 ** 32 - 1)] };

export const genesis: Genesis = {
  name: "golden ~ chain",
  application: "ledger",
  timeMs: TimestampMs.of(1_700_000_000_000),
  epoch: Epoch.ZERO,
  parameters: {
    deltaMsMin: 5,
    deltaMsMax: 2_000,
    heartbeatMs: 1_000,
    feeAsset: 1,
    feePerTransaction: 2,
    feePerOperation: 3,
    sealingSuite: 1,
    keygenWindowMs: 2_000,
    builderBondMin: 2n ** 127n + 5n,
  },
  validators: validatorSet.validators,
  assets: [{ asset: 1, decimals: 6, issuer: hash<AccountId>(0xb0) }],
  balances: [{ account: hash<AccountId>(0xc0), asset: 1, amount: 2n ** 128n - 1n }],
};

export const safetyRecords: readonly SafetyRecord[] = [
  emptySafetyRecord(Epoch.ZERO, View.of(1)),
  {
    epoch: Epoch.of(1),
    view: View.of(77),
    proposedHash: hash<BlockHash>(0xd0),
    votedHash: hash<BlockHash>(0x50),
    votedHeight: Height.of(55),
    committedHash: hash<BlockHash>(0x51),
    committedHeight: Height.of(56),
    hasTimedOut: true,
    admittedBy: certificateOf(timeout),
  },
];

export const evidence: readonly Evidence[] = [
  { type: "doubleVote", first: signedVotes[0] as SignedVote, second: { ...(signedVotes[0] as SignedVote), signature: counting(96, 0x7f) } },
  {
    type: "doubleProposal",
    first: { header, signature: counting(64, 0x80) },
    second: { header: { ...header, bodyBytes: 6 }, signature: counting(64, 0x82) },
  },
];

const operation = { flags: 0, index: 0, asset: 1, account: hash<AccountId>(0xe0), amount: 0n, reference: 0 };
const { openAccount, registerAsset, transfer, pend, post } = OPERATION_KINDS;

export const payload: TransactionPayload = {
  chainId: CHAIN_ID,
  sender: hash<AccountId>(0xf0),
  nonce: 42,
  expiryHeight: Height.of(1_000),
  feeMax: 2n ** 64n - 1n,
  operations: [
    { ...operation, kind: openAccount },
    { ...operation, kind: registerAsset, asset: 2 ** 32 - 1, amount: 6n },
    { ...operation, kind: transfer, flags: OPERATION_FLAG_LINKED, amount: 2n ** 128n - 1n },
    { ...operation, kind: pend, amount: 10n, reference: 60_000 },
    { ...operation, kind: post, index: 65_535, amount: 10n, reference: Number.MAX_SAFE_INTEGER },
    { ...operation, kind: OPERATION_KINDS.void, index: 3, reference: 41 },
    { ...operation, kind: OPERATION_KINDS.builderRegister, asset: 0x7f000001, index: 8_080, amount: 9n },
  ],
};
export const signedTransaction: SignedTransaction = { payload, signature: counting(64, 0x05) };

export const transactionBatch: readonly Uint8Array[] = [...transactions, new Uint8Array(0)];

export const syncRequests: readonly SyncRequest[] = [
  { type: "status" },
  { type: "finalBlocks", fromHeight: Height.of(9), count: 256 },
  { type: "block", hash: hash<BlockHash>(0x50) },
  { type: "timeoutCertificates", fromView: View.of(5), toView: View.of(260) },
  { type: "transactions", hashes: proposal.transactionHashes },
];

export const syncResponses: readonly SyncResponse[] = [
  {
    type: "status",
    status: {
      epoch: Epoch.of(1),
      view: View.of(78),
      finalHeight: Height.of(55),
      finalHash: hash<BlockHash>(0x50),
      oldestHeight: Height.of(2),
    },
  },
  {
    type: "finalBlocks",
    blocks: [firstBlock, block],
    openings: [[], [{ type: "seed", seed: counting(32, 0x90) }]],
    trailingHeaders: [],
    commitCertificate: certificateOf(commitBallot),
  },
  { type: "finalBlocks", blocks: [firstBlock], openings: [[]], trailingHeaders: [header], commitCertificate: certificateOf(commitBallot) },
  { type: "finalBlocks", blocks: [], openings: [], trailingHeaders: [], commitCertificate: undefined },
  { type: "block", block },
  { type: "block", block: undefined },
  { type: "timeoutCertificates", certificates: [certificateOf(timeout)] },
  { type: "transactions", transactions },
];

export const messages: readonly Message[] = [
  { type: "proposal", proposal },
  { type: "vote", vote: signedVotes[0] as SignedVote },
  { type: "certificate", certificate: certificateOf(commitBallot) },
  { type: "transactions", transactions: transactionBatch },
];

export const domain: SigningDomain = { chainId: CHAIN_ID, epoch: Epoch.of(1), validatorSetHash: hash<ValidatorSetHash>(0x12) };
