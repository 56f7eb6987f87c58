/** One number for a whole run: folds every fact, in order, into 128 bits. Two runs with one trace hash did the same. It is no
 *  cryptographic hash, uses integers only, and is the same on every runtime. It never keeps a fact and builds no text. */

import type { Durable, FinalizedBlock } from "../../replica/interface.ts";
import { unreachable } from "../../types/assert.ts";
import type { Evidence } from "../../types/evidence.ts";
import type { SafetyRecord } from "../../types/safety_record.ts";
import type { Sender } from "../../types/sender.ts";
import type { Fact, FactOf, WireMessage } from "./facts.ts";
import { createFold, type Fold } from "./fold.ts";
import { foldOffered } from "./fold_bid.ts";
import { foldCertificate, foldHashes, foldHeader, foldOptionalCertificate, foldProposal, foldVote } from "./fold_consensus.ts";
import { foldOpenings, foldSealingMessage } from "./fold_sealing.ts";
import { foldBlock, foldRequest, foldResponse, foldStatus, foldTransactions } from "./fold_sync.ts";

export interface TraceHash {
  observe(fact: Fact): void;
  /** 32 hex digits over all facts so far. */
  readonly digest: string;
  /** Facts so far. */
  readonly count: number;
}

export function createTraceHash(): TraceHash {
  const fold = createFold();
  let count = 0;
  return {
    observe: (fact) => {
      count++;
      fold.tag(fact.type);
      fold.integer(fact.atUs);
      foldFact(fold, fact);
    },
    get digest() {
      return fold.digest();
    },
    get count() {
      return count;
    },
  };
}

function foldFact(fold: Fold, fact: Fact): void {
  switch (fact.type) {
    case "sent":
      foldTransit(fold, fact);
      return foldIntegers(fold, fact.delaysUs);
    case "delivered":
      return foldTransit(fold, fact);
    case "phase":
      fold.name(fact.phase);
      return foldIntegers(fold, fact.core);
    case "fault":
      fold.integer(fact.index);
      fold.name(fact.edge);
      return fold.value(fact.fault);
    case "submitted":
      fold.integer(fact.validator);
      fold.integer(fact.client);
      fold.hash(fact.hash);
      return fold.bytes(fact.bytes);
    default:
      fold.integer(fact.validator);
      return foldOfValidator(fold, fact);
  }
}

type OfValidator = Exclude<Fact, FactOf<"sent" | "delivered" | "phase" | "fault" | "submitted">>;

function foldOfValidator(fold: Fold, fact: OfValidator): void {
  switch (fact.type) {
    case "signedVote":
      fold.flag(fact.isResend);
      return foldVote(fold, fact.vote);
    case "saved":
      return foldDurable(fold, fact.durable);
    case "enteredView":
      fold.integer(fact.view);
      fold.name(fact.by);
      return fold.integer(fact.leader);
    case "certified":
      fold.integer(fact.view);
      return fold.hash(fact.blockHash);
    case "certificate":
      return foldCertificate(fold, fact.certificate);
    case "finalized":
      fold.integer(fact.blocks.length);
      for (const block of fact.blocks) foldFinalized(fold, block);
      return;
    case "signedProposal":
      return foldProposal(fold, fact.proposal);
    case "answered":
      fold.integer(fact.client);
      fold.hash(fact.hash);
      return fold.name(fact.refusal?.code ?? "");
    case "dropped":
      fold.hash(fact.hash);
      return fold.name(fact.refusal.code);
    default:
      return foldRare(fold, fact);
  }
}

type Rare = FactOf<
  | "started"
  | "stopped"
  | "refusedStart"
  | "halted"
  | "snapshot"
  | "evidence"
  | "penalized"
  | "diverged"
  | "sizes"
  | "betrayal"
  | "ordered"
  | "opened"
  | "keyLive"
  | "bidMade"
  | "bundleSubmitted"
>;

function foldRare(fold: Fold, fact: Rare): void {
  switch (fact.type) {
    case "started":
      fold.integer(fact.life);
      fold.integer(fact.finalHeight);
      fold.flag(fact.isSigning);
      return fold.value(fact.restoredHeight);
    case "stopped":
      fold.name(fact.why);
      return fold.integer(fact.lostWrites ?? 0);
    case "refusedStart":
      return fold.name(fact.reason);
    case "halted":
      // Error text may name a runtime's own words, and is not the same everywhere: that it halted is enough.
      return;
    case "snapshot":
      return fold.integer(fact.height);
    case "evidence":
      return foldEvidence(fold, fact.evidence);
    case "penalized":
      fold.name(fact.reason);
      return foldSender(fold, fact.sender);
    case "diverged":
      fold.integer(fact.height);
      fold.hash(fact.ours);
      return fold.hash(fact.certified);
    case "sizes":
      fold.integer(fact.inputQueue);
      fold.integer(fact.records);
      fold.integer(fact.pendingBlocks);
      fold.integer(fact.poolTransactions);
      fold.integer(fact.poolBytes);
      fold.integer(fact.votesHeld);
      return fold.value(fact.sealed);
    case "ordered":
      fold.integer(fact.blocks.length);
      for (const { blockHash, height, transactionHashes } of fact.blocks) {
        fold.hash(blockHash);
        fold.integer(height);
        fold.flag(transactionHashes !== undefined);
        foldHashes(fold, transactionHashes ?? []);
      }
      return;
    case "opened":
      return fold.hash(fact.blockHash);
    case "keyLive":
      fold.integer(fact.activationHeight);
      fold.hash(fact.key.keyId);
      fold.flag(fact.secretShare !== undefined);
      if (fact.secretShare !== undefined) fold.bytes(fact.secretShare);
      return fold.value(fact.key);
    case "bidMade":
      fold.integer(fact.leader);
      foldOffered(fold, fact.offered);
      fold.name(fact.inside.type);
      if (fact.inside.type === "groups") for (const group of fact.inside.groups) foldTransactions(fold, group);
      return;
    case "bundleSubmitted":
      fold.integer(fact.searcher);
      foldIntegers(fold, fact.heights);
      fold.name(String(fact.tip));
      return foldTransactions(fold, fact.transactions);
    case "betrayal":
      fold.integer(fact.view);
      fold.name(fact.strategy);
      return fold.name(fact.what);
    default:
      return unreachable(fact);
  }
}

function foldTransit(fold: Fold, fact: FactOf<"sent" | "delivered">): void {
  fold.integer(fact.from);
  fold.integer(fact.to);
  fold.tag(fact.kind);
  fold.integer(fact.view);
  fold.integer(fact.nth);
  foldMessage(fold, fact.message);
}

function foldMessage(fold: Fold, message: WireMessage): void {
  fold.tag(message.type);
  switch (message.type) {
    case "vote":
      return foldOnce(fold, message.vote, foldVote);
    case "proposal":
      return foldOnce(fold, message.proposal, foldProposal);
    case "certificate":
      return foldOnce(fold, message.certificate, foldCertificate);
    case "transactions":
      return foldTransactions(fold, message.transactions);
    case "status":
      return foldStatus(fold, message.status);
    case "request":
      fold.integer(message.requestId);
      return foldRequest(fold, message.request);
    case "response":
      fold.integer(message.requestId);
      return foldResponse(fold, message.response);
    case "bytes":
      return fold.bytes(message.frame);
    case "list":
    case "shares":
    case "seeds":
    case "openingRequest":
    case "proofRequest":
    case "proofs":
      return foldOnce(fold, message, foldSealingMessage);
    case "bid":
      return foldOnce(fold, message, foldOffered);
    default:
      return unreachable(message);
  }
}

/** What a message contains, by the object that carries it: one that is broadcast is sent and delivered many times. */
const contents = new WeakMap<object, readonly number[]>();

function foldOnce<Content extends object>(fold: Fold, content: Content, foldContent: (fold: Fold, content: Content) => void): void {
  let words = contents.get(content);
  if (words === undefined) {
    const own = createFold();
    foldContent(own, content);
    words = own.state();
    contents.set(content, words);
  }
  for (const word of words) fold.integer(word);
}

function foldIntegers(fold: Fold, values: readonly number[]): void {
  fold.integer(values.length);
  for (const value of values) fold.integer(value);
}

function foldRecord(fold: Fold, record: SafetyRecord): void {
  fold.integer(record.epoch);
  fold.integer(record.view);
  fold.hash(record.proposedHash);
  fold.hash(record.votedHash);
  fold.integer(record.votedHeight);
  fold.hash(record.committedHash);
  fold.integer(record.committedHeight);
  fold.flag(record.hasTimedOut);
  foldOptionalCertificate(fold, record.admittedBy);
}

function foldDurable(fold: Fold, { records, blocks, finality, operations, evidence, shares }: Durable): void {
  fold.integer(records.length);
  for (const record of records) foldRecord(fold, record);
  fold.integer(blocks.length);
  for (const { blockHash, block } of blocks) {
    fold.hash(blockHash);
    foldBlock(fold, block);
  }
  fold.integer(finality.length);
  for (const entry of finality) {
    fold.integer(entry.height);
    fold.hash(entry.blockHash);
    fold.integer(entry.view);
    foldCertificate(fold, entry.certificate);
  }
  fold.integer(operations.length);
  for (const entry of operations) {
    fold.integer(entry.height);
    fold.hash(entry.blockHash);
    fold.hash(entry.stateRoot);
    foldReceipts(fold, entry.receipts);
    foldReceipts(fold, entry.bundleReceipts);
    foldOpenings(fold, entry.openings);
  }
  fold.integer(evidence.length);
  for (const proof of evidence) foldEvidence(fold, proof);
  fold.integer(shares.length);
  for (const stored of shares) {
    fold.hash(stored.blockHash);
    fold.integer(stored.height);
    fold.bytes(stored.shares);
  }
}

function foldFinalized(fold: Fold, block: FinalizedBlock): void {
  fold.hash(block.blockHash);
  foldHeader(fold, block.header);
  foldCertificate(fold, block.certificate);
  fold.hash(block.stateRoot);
  foldReceipts(fold, block.receipts);
  fold.value(block.built);
  fold.value(block.bundle);
}

function foldReceipts(fold: Fold, receipts: FinalizedBlock["receipts"]): void {
  fold.integer(receipts.length);
  for (const { hash, code, operationCodes } of receipts) {
    fold.hash(hash);
    fold.integer(code);
    foldIntegers(fold, operationCodes);
  }
}

function foldEvidence(fold: Fold, evidence: Evidence): void {
  fold.name(evidence.type);
  if (evidence.type === "doubleVote") {
    foldVote(fold, evidence.first);
    return foldVote(fold, evidence.second);
  }
  for (const { header, signature } of [evidence.first, evidence.second]) {
    foldHeader(fold, header);
    fold.tail(signature);
  }
}

function foldSender(fold: Fold, sender: Sender): void {
  fold.name(sender.type);
  if (sender.type === "validator") fold.integer(sender.validator);
  if (sender.type !== "self") fold.name(sender.peer);
}
