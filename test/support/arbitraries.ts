/** fast-check arbitraries of every wire type: values that the codecs must carry, sized to keep a property test quick. */

import fc from "fast-check";
import { type Bid, type BundleContent, bundleBytesOf, hasBundle, NO_BID, type OfferedBid } from "../../types/bid.ts";
import type { Block, BlockHeader, Justification, Proposal } from "../../types/block.ts";
import { toHex } from "../../types/bytes.ts";
import type { Evidence, SignedHeader } from "../../types/evidence.ts";
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
  View,
  ZERO_HASH,
} from "../../types/ids.ts";
import {
  BLOCK_BODY_BYTES_MAX,
  RANGE_BLOCKS_MAX,
  RANGE_CERTIFICATES_MAX,
  TAIL_BYTES_MAX,
  TAIL_OPERATIONS_MAX,
  TAIL_TRANSACTIONS_MAX,
  VALIDATORS_MAX,
  WEIGHT_MAX,
} from "../../types/limits.ts";
import type { Message } from "../../types/message.ts";
import type { SafetyRecord } from "../../types/safety_record.ts";
import type { KeyId } from "../../types/sealing.ts";
import type { PeerStatus, SyncRequest, SyncResponse } from "../../types/sync.ts";
import type { Operation, SignedTransaction, TransactionPayload } from "../../types/transaction.ts";
import { Signers, type Validator, type ValidatorSet } from "../../types/validator_set.ts";
import type { Ballot, Certificate, SignedVote, VoteKind } from "../../types/vote.ts";

/** Plain objects, as our code makes them; by default fast-check also makes some without a prototype. */
export const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> => fc.record(model, { noNullPrototype: true });

export const bytesOf = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
export const hashes = <T extends string>(): fc.Arbitrary<T> => bytesOf(32).map((bytes) => toHex<T>(bytes));

/** Safe integers from `min`, small ones often: those meet the boundaries of the rules. */
export const integersFrom = (min: number, max: number = Number.MAX_SAFE_INTEGER): fc.Arbitrary<number> =>
  fc.oneof(
    fc.integer({ min, max: Math.min(max, min + 3) }),
    fc.maxSafeInteger().map((value) => min + (Math.abs(value) % (max - min + 1))),
  );

export const epochs = integersFrom(0).map(Epoch.of);
export const views = integersFrom(0).map(View.of);
export const heights = integersFrom(0).map(Height.of);
const times = integersFrom(0).map(TimestampMs.of);
const uint32s = integersFrom(0, 2 ** 32 - 1);
const uint128s = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
export const indices = integersFrom(0, VALIDATORS_MAX - 1).map(ValidatorIndex.of);

export const blockHeaders: fc.Arbitrary<BlockHeader> = record({
  epoch: epochs,
  height: integersFrom(1).map(Height.of),
  view: integersFrom(1).map(View.of),
  proposer: indices,
  parentHash: hashes<BlockHash>(),
  timeMs: times,
  bodyRoot: hashes<BodyRoot>(),
  transactionCount: integersFrom(0, 3),
  bodyBytes: integersFrom(0, BLOCK_BODY_BYTES_MAX),
  executedRoot: hashes<StateRoot>(),
  sealedCount: fc.constant(0),
  listsRoot: hashes<ListsRoot>(),
  keyId: hashes<KeyId>(),
  bidHash: fc.option(hashes<BidHash>(), { nil: NO_BID }),
  bundleCount: fc.integer({ min: 0, max: 1 }),
  behind: integersFrom(1),
  parentBehind: integersFrom(1),
}).map(({ behind, parentBehind, ...header }) => ({
  ...header,
  bundleCount: header.bidHash === NO_BID ? 0 : header.bundleCount,
  parentView: View.of(Math.max(0, header.view - parentBehind)),
  executedHeight: Height.of(Math.max(0, header.height - behind)),
}));

const voteKinds = fc.constantFrom<VoteKind>("vote", "commit", "timeout");

function ballotsOf(kinds: fc.Arbitrary<VoteKind>): fc.Arbitrary<Ballot> {
  return record({ kind: kinds, epoch: epochs, view: views, height: integersFrom(1).map(Height.of), blockHash: hashes<BlockHash>() }).map(
    (ballot) => (ballot.kind === "timeout" ? { ...ballot, height: Height.ZERO, blockHash: ZERO_HASH } : ballot),
  );
}

export const ballots: fc.Arbitrary<Ballot> = ballotsOf(voteKinds);

export const signedVotes: fc.Arbitrary<SignedVote> = record({ ballot: ballots, validator: indices, signature: bytesOf(96) });

function certificatesOf(kinds: fc.Arbitrary<VoteKind>): fc.Arbitrary<Certificate> {
  const signers = fc.uniqueArray(indices, { maxLength: 20 }).map(Signers.of);
  return record({ ballot: ballotsOf(kinds), signers, signature: bytesOf(96) });
}

export const certificates: fc.Arbitrary<Certificate> = certificatesOf(voteKinds);
const commitCertificates = certificatesOf(fc.constant("commit"));

const justifications: fc.Arbitrary<Justification> = record({
  parentCertificate: fc.option(certificatesOf(fc.constant("vote")), { nil: undefined }),
  timeoutCertificates: fc.array(certificatesOf(fc.constant("timeout")), { maxLength: 3 }),
});

export const transactionBytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 80 });

/** Small bundles alone: larger ones differ in length only. */
const bundles = fc.constantFrom(0, bundleBytesOf(0), bundleBytesOf(1)).chain(bytesOf);

export const bids: fc.Arbitrary<Bid> = record({
  height: integersFrom(1).map(Height.of),
  parentHash: hashes<BlockHash>(),
  builder: hashes<AccountId>(),
  sequence: integersFrom(0),
  value: uint128s,
  expiryView: views,
  keyId: hashes<KeyId>(),
  bundle: bundles,
  tailRoot: hashes<BodyRoot>(),
  tailCount: integersFrom(0, TAIL_TRANSACTIONS_MAX),
  tailBytes: integersFrom(0, TAIL_BYTES_MAX),
  gas: integersFrom(0, TAIL_OPERATIONS_MAX),
  signature: bytesOf(64),
}).map((bid) => ({ ...bid, keyId: hasBundle(bid) ? bid.keyId : (ZERO_HASH as string as KeyId) }));

export const offeredBids: fc.Arbitrary<OfferedBid> = record({
  bid: bids,
  tailHashes: fc.array(hashes<TransactionHash>(), { maxLength: 4 }),
}).map(({ bid, tailHashes }) => ({ bid: { ...bid, tailCount: tailHashes.length }, tailHashes }));

const groupsOf = fc.array(fc.array(transactionBytes, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 });
export const bundleContents: fc.Arbitrary<BundleContent> = record({ groups: groupsOf });

const optionalBids = fc.option(bids, { nil: undefined });

/** What a header says of the bid beside it. */
const namesOf = (bid: Bid | undefined, bidHash: BidHash): Pick<BlockHeader, "bidHash" | "bundleCount"> => ({
  bidHash: bid === undefined ? NO_BID : bidHash,
  bundleCount: hasBundle(bid) ? 1 : 0,
});

export const proposals: fc.Arbitrary<Proposal> = record({
  header: blockHeaders,
  justification: justifications,
  transactionHashes: fc.array(hashes<TransactionHash>(), { maxLength: 5 }),
  bid: optionalBids,
  bidHash: hashes<BidHash>(),
  signature: bytesOf(64),
}).map(({ header, justification, transactionHashes, bid, bidHash, signature }) => ({
  header: { ...header, transactionCount: transactionHashes.length, ...namesOf(bid, bidHash) },
  ...justification,
  transactionHashes,
  lists: [],
  bid,
  signature,
}));

export const blocks: fc.Arbitrary<Block> = record({
  header: blockHeaders,
  justification: justifications,
  transactions: fc.array(transactionBytes, { maxLength: 4 }),
  bid: optionalBids,
  bidHash: hashes<BidHash>(),
  signature: bytesOf(64),
}).map(({ header, justification, transactions, bid, bidHash, signature }) => ({
  header: { ...header, transactionCount: transactions.length, ...namesOf(bid, bidHash) },
  ...justification,
  transactions,
  lists: [],
  bid,
  signature,
}));

const validators: fc.Arbitrary<Validator> = record({
  blsPublicKey: bytesOf(48),
  blsPossession: bytesOf(96),
  sealingPublicKey: bytesOf(32),
  ed25519PublicKey: hashes<string>(),
  weight: integersFrom(1, WEIGHT_MAX),
});

export const validatorSets: fc.Arbitrary<ValidatorSet> = record({
  epoch: epochs,
  validators: fc.array(validators, { minLength: 1, maxLength: 6 }),
});

const signedHeaders: fc.Arbitrary<SignedHeader> = record({ header: blockHeaders, signature: bytesOf(64) });

export const evidences: fc.Arbitrary<Evidence> = fc.oneof(
  record({ type: fc.constant("doubleVote" as const), first: signedVotes, second: signedVotes }),
  record({ type: fc.constant("doubleProposal" as const), first: signedHeaders, second: signedHeaders }),
);

const names = fc.array(fc.integer({ min: 0x20, max: 0x7e }), { minLength: 1, maxLength: 64 }).map((codes) => String.fromCharCode(...codes));

export const genesisFiles: fc.Arbitrary<Genesis> = record({
  name: names,
  application: fc.constantFrom("ledger", "null"),
  timeMs: times,
  epoch: epochs,
  parameters: record({
    deltaMsMin: uint32s,
    deltaMsMax: uint32s,
    heartbeatMs: uint32s,
    feeAsset: uint32s,
    feePerTransaction: uint32s,
    feePerOperation: uint32s,
    sealingSuite: fc.integer({ min: 0, max: 255 }),
    keygenWindowMs: uint32s,
    builderBondMin: uint128s,
  }),
  validators: fc.array(validators, { minLength: 1, maxLength: 4 }),
  assets: fc.array(record({ asset: uint32s, decimals: fc.integer({ min: 0, max: 255 }), issuer: hashes<AccountId>() }), {
    maxLength: 3,
  }),
  balances: fc.array(record({ account: hashes<AccountId>(), asset: uint32s, amount: uint128s }), { maxLength: 3 }),
});

export const safetyRecords: fc.Arbitrary<SafetyRecord> = record({
  epoch: epochs,
  view: views,
  proposedHash: hashes<BlockHash>(),
  votedHash: hashes<BlockHash>(),
  votedHeight: heights,
  committedHash: hashes<BlockHash>(),
  committedHeight: heights,
  hasTimedOut: fc.boolean(),
  admittedBy: fc.option(certificates, { nil: undefined }),
});

export const operations: fc.Arbitrary<Operation> = record({
  kind: fc.integer({ min: 0, max: 255 }),
  flags: fc.integer({ min: 0, max: 255 }),
  index: fc.integer({ min: 0, max: 65_535 }),
  asset: uint32s,
  account: hashes<AccountId>(),
  amount: uint128s,
  reference: integersFrom(0),
});

export const transactionPayloads: fc.Arbitrary<TransactionPayload> = record({
  chainId: hashes<ChainId>(),
  sender: hashes<AccountId>(),
  nonce: integersFrom(0),
  expiryHeight: heights,
  feeMax: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  operations: fc.array(operations, { minLength: 1, maxLength: 5 }),
});

export const signedTransactions: fc.Arbitrary<SignedTransaction> = record({ payload: transactionPayloads, signature: bytesOf(64) });

export const transactionBatches: fc.Arbitrary<readonly Uint8Array[]> = fc.array(transactionBytes, { minLength: 1, maxLength: 5 });

const peerStatuses: fc.Arbitrary<PeerStatus> = record({
  epoch: epochs,
  view: views,
  finalHeight: heights,
  finalHash: hashes<BlockHash>(),
  oldestHeight: heights,
});

export const syncRequests: fc.Arbitrary<SyncRequest> = fc.oneof(
  record({ type: fc.constant("status" as const) }),
  record({
    type: fc.constant("finalBlocks" as const),
    fromHeight: integersFrom(1).map(Height.of),
    count: integersFrom(1, RANGE_BLOCKS_MAX),
  }),
  record({ type: fc.constant("block" as const), hash: hashes<BlockHash>() }),
  record({ from: integersFrom(0, 2 ** 50), span: integersFrom(0, RANGE_CERTIFICATES_MAX - 1) }).map(({ from, span }) => ({
    type: "timeoutCertificates" as const,
    fromView: View.of(from),
    toView: View.of(from + span),
  })),
  record({
    type: fc.constant("transactions" as const),
    hashes: fc.array(hashes<TransactionHash>(), { minLength: 1, maxLength: 4 }),
  }),
);

export const syncResponses: fc.Arbitrary<SyncResponse> = fc.oneof(
  record({ type: fc.constant("status" as const), status: peerStatuses }),
  record({
    type: fc.constant("finalBlocks" as const),
    blocks: fc.array(blocks, { minLength: 1, maxLength: 2 }),
    trailingHeaders: fc.array(blockHeaders, { maxLength: 2 }),
    commitCertificate: commitCertificates,
  }).map((response) => ({ ...response, openings: response.blocks.map(() => []) })),
  fc.constant<SyncResponse>({ type: "finalBlocks", blocks: [], openings: [], trailingHeaders: [], commitCertificate: undefined }),
  record({ type: fc.constant("block" as const), block: fc.option(blocks, { nil: undefined }) }),
  record({ type: fc.constant("timeoutCertificates" as const), certificates: fc.array(certificates, { maxLength: 3 }) }),
  record({ type: fc.constant("transactions" as const), transactions: fc.array(transactionBytes, { maxLength: 3 }) }),
);

export const messages: fc.Arbitrary<Message> = fc.oneof(
  record({ type: fc.constant("proposal" as const), proposal: proposals }),
  record({ type: fc.constant("vote" as const), vote: signedVotes }),
  record({ type: fc.constant("certificate" as const), certificate: certificates }),
  record({ type: fc.constant("transactions" as const), transactions: transactionBatches }),
  offeredBids.map((offered) => ({ type: "bid" as const, ...offered })),
);
