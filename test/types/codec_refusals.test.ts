/** What decoding refuses beyond form: values that no rule could accept, lists beyond their limits, numbers beyond 2^53.
 *  Such bytes are made by encoding a value that our own types forbid, since encoding does not judge. */

import fc from "fast-check";
import t from "tap";
import { AssertionError } from "../../types/assert.ts";
import { type Block, blockCodec, blockHeaderCodec, PLAIN_BLOCK, proposalCodec } from "../../types/block.ts";
import { concatBytes } from "../../types/bytes.ts";
import type { Codec } from "../../types/codec.ts";
import { evidenceCodec } from "../../types/evidence.ts";
import { GENESIS_ASSETS_MAX, GENESIS_BALANCES_MAX, genesisCodec } from "../../types/genesis.ts";
import { Height, type TransactionHash, View, ZERO_HASH } from "../../types/ids.ts";
import {
  BLOCK_BODY_BYTES_MAX,
  BLOCK_TRANSACTIONS_MAX,
  BODY_REQUEST_TRANSACTIONS_MAX,
  INLINE_TIMEOUT_CERTIFICATES_MAX,
  RANGE_BLOCKS_MAX,
  RANGE_CERTIFICATES_MAX,
  RANGE_HEADERS_MAX,
  TRANSACTION_BYTES_MAX,
  TRANSACTION_OPERATIONS_MAX,
  VALIDATORS_MAX,
  WEIGHT_MAX,
} from "../../types/limits.ts";
import { transactionBatchCodec } from "../../types/message.ts";
import { safetyRecordCodec } from "../../types/safety_record.ts";
import { syncRequestCodec, syncResponseCodec } from "../../types/sync.ts";
import { OPERATION_BYTES, signedTransactionCodec, transactionPayloadCodec } from "../../types/transaction.ts";
import { validatorSetCodec } from "../../types/validator_set.ts";
import { certificateCodec, signedVoteCodec, timeoutBallot } from "../../types/vote.ts";
import * as arbitraries from "../support/arbitraries.ts";

/** One value of an arbitrary, always the same. */
function sampleOf<T>(values: fc.Arbitrary<T>): T {
  const [value] = fc.sample(values, { numRuns: 1, seed: 7 });
  return value as T;
}

const header = {
  ...sampleOf(arbitraries.blockHeaders),
  view: View.of(9),
  parentView: View.of(8),
  height: Height.of(5),
  executedHeight: Height.of(4),
  ...PLAIN_BLOCK,
};
const vote = sampleOf(arbitraries.signedVotes.filter(({ ballot }) => ballot.kind === "vote"));
const quorum = sampleOf(arbitraries.certificates.filter(({ ballot }) => ballot.kind === "vote"));
const commit = { ...quorum, ballot: { ...quorum.ballot, kind: "commit" as const } };
const timeout = { ...quorum, ballot: timeoutBallot(quorum.ballot.epoch, quorum.ballot.view) };
const block: Block = {
  header: { ...header, transactionCount: 1 },
  parentCertificate: quorum,
  timeoutCertificates: [timeout],
  transactions: [Uint8Array.of(1)],
  lists: [],
  signature: new Uint8Array(64),
};
const { transactions: _, ...unproposed } = block;
const proposal = { ...unproposed, transactionHashes: [ZERO_HASH as string as TransactionHash] };
const set = sampleOf(arbitraries.validatorSets);
const genesis = sampleOf(arbitraries.genesisFiles);
const record = { ...sampleOf(arbitraries.safetyRecords), admittedBy: quorum };
const payload = sampleOf(arbitraries.transactionPayloads);

interface Refusal<T> {
  readonly codec: Codec<T>;
  /** Decodes; each change of `refused` makes it refused. */
  readonly accepted: T;
  readonly refused: readonly (readonly [what: string, changes: object])[];
}

function refuses<T extends object>({ codec, accepted, refused }: Refusal<T>): void {
  t.test(`${codec.name}: values that no rule could accept, refused as not canonical`, async (t) => {
    t.equal(codec.decode(codec.encode(accepted)).ok, true, "the value without the change is accepted");
    for (const [what, changes] of refused) {
      t.same(codec.decode(codec.encode({ ...accepted, ...changes })), { ok: false, reason: "nonCanonical" }, what);
    }
  });
}

refuses({
  codec: blockHeaderCodec,
  accepted: header,
  refused: [
    ["parent of the same view", { parentView: header.view }],
    ["parent of a later view", { parentView: header.view + 1 }],
    ["executed its own height", { executedHeight: header.height }],
    ["executed a later height", { executedHeight: header.height + 1 }],
    ["height of genesis", { height: 0, executedHeight: 0 }],
    ["proposer beyond any set", { proposer: VALIDATORS_MAX }],
    ["more transactions than a block holds", { transactionCount: BLOCK_TRANSACTIONS_MAX + 1 }],
    ["more bytes than a block holds", { bodyBytes: BLOCK_BODY_BYTES_MAX + 1 }],
  ],
});

refuses({
  codec: signedVoteCodec,
  accepted: vote,
  refused: [
    ["unknown kind", { ballot: { ...vote.ballot, kind: "other" } }],
    ["vote for no block", { ballot: { ...vote.ballot, blockHash: ZERO_HASH, height: 0 } }],
    ["timeout that names a block", { ballot: { ...vote.ballot, kind: "timeout" } }],
    ["timeout that names a height", { ballot: { ...vote.ballot, kind: "timeout", blockHash: ZERO_HASH } }],
    ["validator beyond any set", { validator: VALIDATORS_MAX }],
  ],
});

refuses({
  codec: certificateCodec,
  accepted: quorum,
  refused: [
    ["unknown kind", { ballot: { ...quorum.ballot, kind: "other" } }],
    ["commit for no block", { ballot: { ...commit.ballot, blockHash: ZERO_HASH, height: 0 } }],
  ],
});

const wrongJustifications = [
  ["parent justified by a commit certificate", { parentCertificate: commit }],
  ["parent justified by a timeout certificate", { parentCertificate: timeout }],
  ["skipped view justified by a vote certificate", { timeoutCertificates: [quorum] }],
  ["one wrong among the timeout certificates", { timeoutCertificates: [timeout, commit] }],
  ["header that is refused alone", { header: { ...block.header, parentView: block.header.view } }],
] as const;

refuses({
  codec: proposalCodec,
  accepted: proposal,
  refused: [...wrongJustifications, ["fewer hashes than the header counts", { transactionHashes: [], lists: [] }]],
});

refuses({
  codec: blockCodec,
  accepted: block,
  refused: [...wrongJustifications, ["more transactions than the header counts", { transactions: [Uint8Array.of(1), Uint8Array.of(2)] }]],
});

refuses({
  codec: validatorSetCodec,
  accepted: set,
  refused: [
    ["no validator", { validators: [] }],
    ["weight of zero", { validators: set.validators.map((validator) => ({ ...validator, weight: 0 })) }],
    ["weight beyond the limit", { validators: set.validators.map((validator) => ({ ...validator, weight: WEIGHT_MAX + 1 })) }],
  ],
});

refuses({
  codec: genesisCodec,
  accepted: genesis,
  refused: [
    ["no validator", { validators: [] }],
    ["weight of zero", { validators: genesis.validators.map((validator) => ({ ...validator, weight: 0 })) }],
    ["weight beyond the limit", { validators: genesis.validators.map((validator) => ({ ...validator, weight: WEIGHT_MAX + 1 })) }],
    ["no name", { name: "" }],
    ["control character in the name", { name: "a\nb" }],
    ["no application", { application: "" }],
    ["application outside ASCII", { application: "\u00e9" }],
  ],
});

refuses({
  codec: safetyRecordCodec,
  accepted: record,
  refused: [["admitted by no kind of certificate", { admittedBy: { ...quorum, ballot: { ...quorum.ballot, kind: "other" } } }]],
});
refuses({ codec: transactionPayloadCodec, accepted: payload, refused: [["no operation", { operations: [] }]] });
refuses({
  codec: signedTransactionCodec,
  accepted: { payload, signature: new Uint8Array(64) },
  refused: [["no operation", { payload: { ...payload, operations: [] } }]],
});
refuses({ codec: transactionBatchCodec, accepted: [Uint8Array.of(1)], refused: [] });

t.test("TransactionBatch: no transaction, refused as not canonical", async (t) => {
  t.same(transactionBatchCodec.decode(transactionBatchCodec.encode([])), { ok: false, reason: "nonCanonical" });
});

t.test("SafetyRecord: a flag that is neither 0 nor 1, refused rather than read permissively", async (t) => {
  const bytes = safetyRecordCodec.encode({ ...record, hasTimedOut: true });
  const flagAt = 1 + 8 * 4 + 32 * 3;
  t.equal(bytes[flagAt], 1);
  bytes[flagAt] = 2;
  t.same(safetyRecordCodec.decode(bytes), { ok: false, reason: "nonCanonical" });
});

t.test("Evidence: one of a kind, three, or a mixture, refused", async (t) => {
  const votes = evidenceCodec.encode({ type: "doubleVote", first: vote, second: vote });
  const headers = evidenceCodec.encode({
    type: "doubleProposal",
    first: { header, signature: new Uint8Array(64) },
    second: { header, signature: new Uint8Array(64) },
  });
  t.ok(evidenceCodec.decode(votes).ok);
  t.ok(evidenceCodec.decode(headers).ok);
  const [offsets, voteBytes] = [votes.subarray(1, 9), (votes.length - 9) / 2];
  const headersAt = (count: number): Uint8Array => {
    const copy = offsets.slice();
    new DataView(copy.buffer).setUint32(4, 8 + count * voteBytes, true);
    return copy;
  };
  const version = Uint8Array.of(1);
  const body = votes.subarray(9);
  const oneVote = concatBytes([version, headersAt(1), body.subarray(0, voteBytes)]);
  const threeVotes = concatBytes([version, headersAt(3), body, body.subarray(0, voteBytes)]);
  const mixture = concatBytes([version, headersAt(2), body, headers.subarray(9)]);
  const nothing = concatBytes([version, headersAt(0)]);
  for (const bytes of [oneVote, threeVotes, mixture, nothing]) t.equal(evidenceCodec.decode(bytes).ok, false);
});

t.test("SyncRequest: fields of another type, ranges without end, refused", async (t) => {
  const table: readonly (readonly [string, object])[] = [
    ["no blocks", { type: "finalBlocks", fromHeight: 1, count: 0 }],
    ["more blocks than a range", { type: "finalBlocks", fromHeight: 1, count: RANGE_BLOCKS_MAX + 1 }],
    ["blocks from genesis", { type: "finalBlocks", fromHeight: 0, count: 1 }],
    ["views backwards", { type: "timeoutCertificates", fromView: 2, toView: 1 }],
    ["more views than a range", { type: "timeoutCertificates", fromView: 0, toView: RANGE_CERTIFICATES_MAX }],
    ["transactions without a hash", { type: "transactions", hashes: [] }],
  ];
  for (const [what, request] of table) {
    t.same(syncRequestCodec.decode(syncRequestCodec.encode(request as never)).ok, false, what);
  }
  const status = syncRequestCodec.encode({ type: "status" });
  for (const type of [1, 2, 4, 5, 255])
    t.equal(syncRequestCodec.decode(status.with(1, type)).ok, false, `nothing asked under type ${type}`);
  for (let position = 2; position < 18; position++) {
    const withRange = status.slice();
    withRange[position] = 1;
    t.equal(syncRequestCodec.decode(withRange).ok, false, `status with a range, byte ${position}`);
  }
  t.equal(syncRequestCodec.decode(concatBytes([status, new Uint8Array(32)])).ok, false, "status with a hash");
});

t.test("SyncResponse: a range without its proof, with the wrong proof, or fields of another type, refused", async (t) => {
  const table: readonly (readonly [string, object])[] = [
    ["blocks without a proof", { type: "finalBlocks", blocks: [block], openings: [[]], trailingHeaders: [], commitCertificate: undefined }],
    ["a proof without blocks", { type: "finalBlocks", blocks: [], openings: [], trailingHeaders: [], commitCertificate: commit }],
    ["headers without blocks", { type: "finalBlocks", blocks: [], openings: [], trailingHeaders: [header], commitCertificate: undefined }],
    [
      "headers and a proof without blocks",
      { type: "finalBlocks", blocks: [], openings: [], trailingHeaders: [header], commitCertificate: commit },
    ],
    [
      "a header that is refused alone",
      { type: "finalBlocks", blocks: [block], openings: [[]], trailingHeaders: [{ ...header, height: 0 }], commitCertificate: commit },
    ],
    [
      "a vote certificate as proof",
      { type: "finalBlocks", blocks: [block], openings: [[]], trailingHeaders: [], commitCertificate: quorum },
    ],
    [
      "a timeout certificate as proof",
      { type: "finalBlocks", blocks: [block], openings: [[]], trailingHeaders: [], commitCertificate: timeout },
    ],
    ["a block that is refused alone", { type: "block", block: { ...block, transactions: [] } }],
    [
      "a certificate that is refused alone",
      { type: "timeoutCertificates", certificates: [{ ...commit, ballot: { ...commit.ballot, height: 0, blockHash: ZERO_HASH } }] },
    ],
  ];
  for (const [what, response] of table) {
    t.equal(syncResponseCodec.decode(syncResponseCodec.encode(response as never)).ok, false, what);
  }
  // The type byte says whose fields may be used: any other type must refuse the same fields.
  const bytes = syncResponseCodec.encode({ type: "transactions", transactions: [Uint8Array.of(1)] });
  t.ok(syncResponseCodec.decode(bytes).ok);
  for (const type of [0, 1, 2, 3, 5, 255])
    t.equal(syncResponseCodec.decode(bytes.with(1, type)).ok, false, `transactions under type ${type}`);
});

t.test("decode: an integer of 2^53 or more, malformed in every number field of a header", async (t) => {
  const offsets = { epoch: 0, height: 8, view: 16, parentView: 58, timeMs: 66, executedHeight: 114 };
  const bytes = blockHeaderCodec.encode(header);
  for (const [field, offset] of Object.entries(offsets)) {
    const altered = bytes.slice();
    new DataView(altered.buffer).setBigUint64(1 + offset, 2n ** 53n, true);
    t.same(blockHeaderCodec.decode(altered), { ok: false, reason: "malformed" }, field);
  }
});

/** Encoding a list beyond its limit either trips the assertion on the bound or gives bytes that decoding refuses. */
function isRefused<T>(codec: Codec<T>, value: T): boolean {
  try {
    return !codec.decode(codec.encode(value)).ok;
  } catch (error) {
    if (error instanceof AssertionError) return true;
    throw error;
  }
}

const many = <T>(count: number, value: T): T[] => Array<T>(count).fill(value);

t.test("decode: lists one beyond their limit, refused; at their limit, accepted", async (t) => {
  const headerOf = (transactionCount: number) => ({ ...block.header, transactionCount });
  const [validator] = set.validators;
  const [operation] = payload.operations;
  const asset = { asset: 1, decimals: 2, issuer: payload.sender };
  const balance = { account: payload.sender, asset: 1, amount: 2n };
  const hash = proposal.transactionHashes[0] as TransactionHash;
  const byte = Uint8Array.of(1);
  const table: readonly (readonly [string, number, (count: number) => boolean])[] = [
    [
      "timeout certificates of a block",
      INLINE_TIMEOUT_CERTIFICATES_MAX,
      (n) => isRefused(blockCodec, { ...block, timeoutCertificates: many(n, timeout) }),
    ],
    [
      "timeout certificates of a proposal",
      INLINE_TIMEOUT_CERTIFICATES_MAX,
      (n) => isRefused(proposalCodec, { ...proposal, timeoutCertificates: many(n, timeout) }),
    ],
    [
      "hashes of a proposal",
      BLOCK_TRANSACTIONS_MAX,
      (n) => isRefused(proposalCodec, { ...proposal, header: headerOf(n), transactionHashes: many(n, hash) }),
    ],
    [
      "transactions of a block",
      BLOCK_TRANSACTIONS_MAX,
      (n) => isRefused(blockCodec, { ...block, header: headerOf(n), transactions: many(n, byte) }),
    ],
    ["bytes of a transaction", TRANSACTION_BYTES_MAX, (n) => isRefused(transactionBatchCodec, [new Uint8Array(n)])],
    ["transactions of a batch", BLOCK_TRANSACTIONS_MAX, (n) => isRefused(transactionBatchCodec, many(n, byte))],
    [
      "operations",
      TRANSACTION_OPERATIONS_MAX,
      (n) => isRefused(transactionPayloadCodec, { ...payload, operations: many(n, operation as never) }),
    ],
    ["validators", VALIDATORS_MAX, (n) => isRefused(validatorSetCodec, { ...set, validators: many(n, validator as never) })],
    ["validators of genesis", VALIDATORS_MAX, (n) => isRefused(genesisCodec, { ...genesis, validators: many(n, validator as never) })],
    ["assets of genesis", GENESIS_ASSETS_MAX, (n) => isRefused(genesisCodec, { ...genesis, assets: many(n, asset) })],
    ["balances of genesis", GENESIS_BALANCES_MAX, (n) => isRefused(genesisCodec, { ...genesis, balances: many(n, balance) })],
    ["characters of a name", 64, (n) => isRefused(genesisCodec, { ...genesis, name: "a".repeat(n) })],
    [
      "hashes of a request",
      BODY_REQUEST_TRANSACTIONS_MAX,
      (n) => isRefused(syncRequestCodec, { type: "transactions", hashes: many(n, hash) }),
    ],
    [
      "blocks of a response",
      RANGE_BLOCKS_MAX,
      (n) =>
        isRefused(syncResponseCodec, {
          type: "finalBlocks",
          blocks: many(n, block),
          openings: many(n, []),
          trailingHeaders: [],
          commitCertificate: commit,
        }),
    ],
    [
      "headers of a response",
      RANGE_HEADERS_MAX,
      (n) =>
        isRefused(syncResponseCodec, {
          type: "finalBlocks",
          blocks: [block],
          openings: [[]],
          trailingHeaders: many(n, header),
          commitCertificate: commit,
        }),
    ],
    [
      "certificates of a response",
      RANGE_CERTIFICATES_MAX,
      (n) => isRefused(syncResponseCodec, { type: "timeoutCertificates", certificates: many(n, timeout) }),
    ],
    [
      "transactions of a response",
      BODY_REQUEST_TRANSACTIONS_MAX,
      (n) => isRefused(syncResponseCodec, { type: "transactions", transactions: many(n, byte) }),
    ],
  ];
  for (const [what, limit, isRefusedWith] of table) t.strictSame([isRefusedWith(limit), isRefusedWith(limit + 1)], [false, true], what);
});

t.test("decode: elements appended behind a full list, refused", async (t) => {
  const [validator] = set.validators;
  const [operation] = payload.operations;
  const full = transactionPayloadCodec.encode({ ...payload, operations: many(TRANSACTION_OPERATIONS_MAX, operation as never) });
  t.same(transactionPayloadCodec.decode(concatBytes([full, full.subarray(-OPERATION_BYTES)])), { ok: false, reason: "oversize" });
  const members = validatorSetCodec.encode({ ...set, validators: many(VALIDATORS_MAX, validator as never) });
  t.same(validatorSetCodec.decode(concatBytes([members, members.subarray(-184)])), { ok: false, reason: "oversize" });
});

t.test("encode: the largest block, within its bound and the limits of transport", async (t) => {
  const bytesEach = BLOCK_BODY_BYTES_MAX / 64;
  const largest: Block = {
    ...block,
    header: { ...block.header, transactionCount: 64, bodyBytes: BLOCK_BODY_BYTES_MAX },
    timeoutCertificates: many(INLINE_TIMEOUT_CERTIFICATES_MAX, timeout),
    transactions: many(64, new Uint8Array(bytesEach)),
  };
  const bytes = blockCodec.encode(largest);
  t.ok(bytes.length <= blockCodec.bytesMax);
  t.ok(syncResponseCodec.encode({ type: "block", block: largest }).length <= syncResponseCodec.bytesMax);
});
