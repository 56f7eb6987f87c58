/** Facts made by hand, for the tests of coverage points. */

import type { Durable } from "../../../replica/interface.ts";
import type { Fact, FactOf, WireMessage } from "../../../testnet/simulator/facts.ts";
import type { BlockHeader } from "../../../types/block.ts";
import { type ChainId, Epoch, Height, type StateRoot, ValidatorIndex, View } from "../../../types/ids.ts";
import { signedKeygenMessageCodec } from "../../../types/keygen.ts";
import type { KeyId, Opening } from "../../../types/sealing.ts";
import type { PeerKey, PenaltyReason } from "../../../types/sender.ts";
import type { SyncResponse } from "../../../types/sync.ts";
import type { VoteKind } from "../../../types/vote.ts";
import { blockOf, certificateOf, type HeaderFields, hashOf, headerOf, proposalOf, recordOf, voteOf } from "../report/sample_facts.ts";

export const atUs = 1_000;
export const HEADER: HeaderFields = { height: 5, view: 9, proposer: 1, parent: 80, parentView: 8, timeMs: 5_000 };

export const SHARE = { position: 0, share: new Uint8Array(32) };
export const STORED = { blockHash: hashOf(9), height: Height.of(5), shares: new Uint8Array(33) };
export const savedDurable = (part: Partial<Durable>): Fact => ({
  type: "saved",
  atUs,
  validator: 0,
  durable: { records: [], blocks: [], finality: [], operations: [], evidence: [], shares: [], ...part },
});
export const operationWith = (opening: Opening): Durable["operations"][number] => ({
  height: Height.of(5),
  blockHash: hashOf(9),
  stateRoot: hashOf<StateRoot>(3),
  receipts: [],
  bundleReceipts: [],
  openings: [opening],
});
/** A block with an acknowledgement of this round of the key generation. */
export function keygenBlock(round: number): Durable["blocks"][number] {
  const message = {
    chainId: hashOf<ChainId>(1),
    epoch: Epoch.ZERO,
    previousKeyId: hashOf<KeyId>(0),
    round,
    validator: ValidatorIndex.of(1),
    body: { kind: "ack" },
  } as const;
  const bytes = signedKeygenMessageCodec.encode({ message, signature: new Uint8Array(64) });
  return { blockHash: hashOf(9), block: { ...blockOf(HEADER), transactions: [bytes] } };
}
export const finalSealed = (fields: Partial<BlockHeader>): Fact => ({
  type: "finalized",
  atUs,
  validator: 0,
  blocks: [
    {
      blockHash: hashOf(9),
      header: { ...headerOf(HEADER), ...fields },
      certificate: certificateOf("commit", { view: 9, height: 5, block: 9 }),
      stateRoot: hashOf<StateRoot>(3),
      receipts: [],
    },
  ],
});

export const entered = (view: number, by: "start" | "QC" | "TC" | "CC", { validator = 0, leader = view % 4 } = {}): Fact => ({
  type: "enteredView",
  atUs,
  validator,
  view: View.of(view),
  by,
  leader: ValidatorIndex.of(leader),
});
export const signed = (kind: VoteKind, view: number, { validator = 0, isResend = false, block = view } = {}): Fact => ({
  type: "signedVote",
  atUs,
  validator,
  vote: voteOf(kind, { view, height: view, block, validator }),
  isResend,
});
export const certificate = (kind: VoteKind, view: number, validator = 0): Fact => ({
  type: "certificate",
  atUs,
  validator,
  certificate: certificateOf(kind, { view, height: view, block: view }),
});
export const saved = (...records: readonly ReturnType<typeof recordOf>[]): Fact => ({
  type: "saved",
  atUs,
  validator: 0,
  durable: { records, blocks: [], finality: [], operations: [], evidence: [], shares: [] },
});
export const started = (life: number, fields: Partial<FactOf<"started">> = {}): Fact => ({
  type: "started",
  atUs,
  validator: 0,
  life,
  finalHeight: 0,
  isSigning: true,
  ...fields,
});
export const stopped = (why: FactOf<"stopped">["why"], lostWrites = 0): Fact => ({ type: "stopped", atUs, validator: 0, why, lostWrites });
export const sent = (delaysUs: readonly number[]): Fact => ({
  type: "sent",
  atUs,
  from: 0,
  to: 3,
  kind: "vote",
  view: 9,
  nth: 0,
  message: { type: "vote", vote: voteOf("vote", { view: 9, height: 5, block: 9, validator: 0 }) },
  delaysUs,
});
export const delivered = (kind: FactOf<"delivered">["kind"], message: WireMessage, view = 9): Fact => ({
  type: "delivered",
  atUs,
  from: 1,
  to: 0,
  kind,
  view,
  nth: 0,
  message,
});
export const proposed = (fields: Partial<HeaderFields> = {}): Fact => ({
  type: "signedProposal",
  atUs,
  validator: 0,
  proposal: proposalOf({ ...HEADER, ...fields }),
});
export const proposalDelivered = (fields: Partial<HeaderFields>): Fact =>
  delivered("proposal", { type: "proposal", proposal: proposalOf({ ...HEADER, ...fields }) }, fields.view ?? HEADER.view);
export const voteDelivered = (kind: VoteKind, block: number): Fact =>
  delivered("vote", { type: "vote", vote: voteOf(kind, { view: 9, height: 5, block, validator: 1 }) });
export const response = (body: SyncResponse): Fact => delivered("response", { type: "response", requestId: 1, response: body }, 0);
export const range = (trailing: boolean): Fact =>
  response({
    type: "finalBlocks",
    blocks: [blockOf(HEADER)],
    openings: [[]],
    trailingHeaders: trailing ? [headerOf({ ...HEADER, height: 6, view: 10 })] : [],
    commitCertificate: certificateOf("commit", { view: 10, height: 6, block: 10 }),
  });
export const final = (...headers: readonly Partial<HeaderFields>[]): Fact => ({
  type: "finalized",
  atUs,
  validator: 0,
  blocks: headers.map((fields) => ({
    blockHash: hashOf(fields.view ?? 9),
    header: headerOf({ ...HEADER, ...fields }),
    certificate: certificateOf("commit", { view: headers.at(-1)?.view ?? 9, height: 5, block: 9 }),
    stateRoot: hashOf(3),
    receipts: [],
  })),
});
export const blamed = (reason: PenaltyReason): Fact => ({
  type: "penalized",
  atUs,
  validator: 0,
  sender: { type: "validator", validator: ValidatorIndex.of(2), peer: "v2" as PeerKey },
  reason,
});
export const pause = (edge: "begin" | "end"): Fact => ({
  type: "fault",
  atUs,
  index: 0,
  fault: { when: { on: "time", atMs: 1 }, action: { type: "pause", validator: 0 }, forMs: 500 },
  edge,
});
export const evidence = (first: VoteKind, second: VoteKind): Fact => ({
  type: "evidence",
  atUs,
  validator: 0,
  evidence: {
    type: "doubleVote",
    first: voteOf(first, { view: 9, height: 5, block: 1, validator: 2 }),
    second: voteOf(second, { view: 9, height: 5, block: 2, validator: 2 }),
  },
});
export const dropped = (code: string): Fact => ({
  type: "dropped",
  atUs,
  validator: 0,
  hash: hashOf(1),
  refusal: { code, canRetry: false, advice: "" },
});

export const VOTED = recordOf(9, { votedHash: hashOf(9), votedHeight: Height.of(5) });
export const PROPOSED = recordOf(9, { proposedHash: hashOf(9) });
export const crash = [stopped("crash"), started(2)];
