/** Facts as NDJSON: one compact line each, for scripts and for `grep`. Hashes and ids are cut to 12 digits and bodies are left out, so
 *  a line says what happened and cannot be read back as a fact. */

import type { Durable } from "../../replica/interface.ts";
import { unreachable } from "../../types/assert.ts";
import { NO_BID } from "../../types/bid.ts";
import type { BlockHeader, Proposal } from "../../types/block.ts";
import type { BuiltBlock } from "../../types/builder.ts";
import type { BundleGroup } from "../../types/building.ts";
import type { Evidence } from "../../types/evidence.ts";
import type { SyncRequest, SyncResponse } from "../../types/sync.ts";
import type { Ballot, Certificate, SignedVote } from "../../types/vote.ts";
import type { BundleInside, Fact, WireMessage } from "../simulator/facts.ts";
import { CERTIFICATE_NAMES } from "./describe_fact.ts";
import { shortHash } from "./words.ts";

/** Values that JSON.stringify writes as they are. */
type Json = string | number | boolean | undefined | readonly Json[] | { readonly [key: string]: Json };

/** One line of JSON, without its line feed. `type` and `atUs` come first; absent fields are left out. */
export function factToJson(fact: Fact): string {
  const { type, atUs, ...rest } = fact;
  return JSON.stringify({ type, atUs, ...rest, ...ownFieldsOf(fact) });
}

/** All facts as NDJSON lines, each with its line feed. */
export function* factLines(facts: Iterable<Fact>): Generator<string> {
  for (const fact of facts) yield `${factToJson(fact)}\n`;
}

/** The fields that are too large as they are; an undefined one is left out. */
function ownFieldsOf(fact: Fact): { readonly [key: string]: Json } {
  switch (fact.type) {
    case "sent":
    case "delivered":
      return { message: messageJson(fact.message) };
    case "signedVote":
      return { vote: voteJson(fact.vote) };
    case "signedProposal":
      return { proposal: proposalJson(fact.proposal) };
    case "saved":
      return { durable: durableJson(fact.durable) };
    case "certified":
      return { blockHash: shortHash(fact.blockHash) };
    case "certificate":
      return { certificate: certificateJson(fact.certificate) };
    case "finalized":
      return {
        blocks: fact.blocks.map(({ blockHash, header, stateRoot, receipts, built, bundle }) => ({
          height: header.height,
          view: header.view,
          block: shortHash(blockHash),
          stateRoot: shortHash(stateRoot),
          transactions: receipts.length,
          ...(built === undefined ? {} : { built: builtJson(built) }),
          ...(bundle === undefined ? {} : { bundle: bundle.map(groupResultOf) }),
        })),
      };
    case "ordered":
      return { blocks: fact.blocks.map(({ blockHash, height }) => ({ height, block: shortHash(blockHash) })) };
    case "keyLive":
      return {
        key: { keyId: shortHash(fact.key.keyId), threshold: fact.key.threshold },
        secretShare: undefined,
        hasShare: fact.secretShare !== undefined,
      };
    case "opened":
      return { blockHash: shortHash(fact.blockHash) };
    case "evidence":
      return { evidence: evidenceJson(fact.evidence) };
    case "diverged":
      return { ours: shortHash(fact.ours), certified: shortHash(fact.certified) };
    case "submitted":
      return { bytes: fact.bytes.length, hash: optionalHash(fact.hash) };
    case "answered":
      return { hash: optionalHash(fact.hash), refusal: fact.refusal?.code };
    case "dropped":
      return { hash: shortHash(fact.hash), refusal: fact.refusal.code };
    case "bidMade":
      return { offered: messageJson({ type: "bid", ...fact.offered }), inside: insideJson(fact.inside) };
    case "bundleSubmitted":
      return { transactions: fact.transactions.length, tip: String(fact.tip) };
    case "phase":
    case "fault":
    case "started":
    case "stopped":
    case "refusedStart":
    case "halted":
    case "snapshot":
    case "enteredView":
    case "penalized":
    case "sizes":
    case "betrayal":
      return {};
    default:
      return unreachable(fact);
  }
}

const optionalHash = (hash: string | undefined): string | undefined => (hash === undefined ? undefined : shortHash(hash));

function messageJson(message: WireMessage): Json {
  switch (message.type) {
    case "proposal":
      return proposalJson(message.proposal);
    case "vote":
      return voteJson(message.vote);
    case "certificate":
      return certificateJson(message.certificate);
    case "transactions":
      return { transactions: message.transactions.length };
    case "status": {
      const { view, finalHeight, oldestHeight } = message.status;
      return { view, finalHeight, oldestHeight };
    }
    case "request":
      return { requestId: message.requestId, ...requestJson(message.request) };
    case "response":
      return { requestId: message.requestId, ...responseJson(message.response) };
    case "bytes":
      return { bytes: message.frame.length };
    case "list": {
      const { view, validator, entries } = message.list;
      return { view, by: validator, entries: entries.length };
    }
    case "bid": {
      const { height, parentHash, builder, sequence, value, expiryView, bundle, tailCount } = message.bid;
      const names = { height, parent: shortHash(parentHash), builder: shortHash(builder) };
      return { ...names, sequence, value: String(value), expiryView, bundleBytes: bundle.length, tail: tailCount };
    }
    case "shares":
      return { block: shortHash(message.blockHash), positions: message.shares.map(({ position }) => position) };
    case "seeds": {
      const opened = message.openings.map(({ position, opening }) => (opening.type === "seed" ? position : `${position} failed`));
      return { block: shortHash(message.blockHash), opened };
    }
    case "openingRequest":
    case "proofRequest":
      return { block: shortHash(message.blockHash), positions: [...message.positions] };
    case "proofs":
      return { block: shortHash(message.blockHash), batches: message.batches.length };
    default:
      return unreachable(message);
  }
}

const insideJson = (inside: BundleInside): Json => (inside.type === "groups" ? inside.groups.map(({ length }) => length) : inside.type);

const builtJson = ({ builder, value, failed }: BuiltBlock): Json => ({ builder: shortHash(builder), value: String(value), failed });

function groupResultOf({ hashes, result }: BundleGroup): Json {
  if (result === "unfit") return { hashes: hashes.map(shortHash), result };
  return { hashes: hashes.map(shortHash), result: result.isIncluded ? "included" : `failed at ${result.position}` };
}

const ballotJson = ({ kind, view, height, blockHash }: Ballot): { readonly [key: string]: Json } =>
  kind === "timeout" ? { kind, view } : { kind, view, height, block: shortHash(blockHash) };

const voteJson = (vote: SignedVote): Json => ({ ...ballotJson(vote.ballot), by: vote.validator });

const certificateJson = ({ ballot }: Certificate): Json => ({ ...ballotJson(ballot), kind: CERTIFICATE_NAMES[ballot.kind] });

const headerJson = (header: BlockHeader): Json => {
  const { height, view, proposer, parentHash, parentView, timeMs, transactionCount, executedHeight, bidHash, bundleCount } = header;
  return {
    height,
    view,
    proposer,
    parent: shortHash(parentHash),
    parentView,
    timeMs,
    transactions: transactionCount,
    executedHeight,
    ...(bidHash === NO_BID ? {} : { bid: shortHash(bidHash), bundles: bundleCount }),
  };
};

const proposalJson = ({ header, timeoutCertificates }: Proposal): Json => ({ header: headerJson(header), tcs: timeoutCertificates.length });

function requestJson(request: SyncRequest): { readonly [key: string]: Json } {
  switch (request.type) {
    case "status":
      return { wants: request.type };
    case "finalBlocks":
      return { wants: request.type, fromHeight: request.fromHeight, count: request.count };
    case "block":
      return { wants: request.type, block: shortHash(request.hash) };
    case "timeoutCertificates":
      return { wants: request.type, fromView: request.fromView, toView: request.toView };
    case "transactions":
      return { wants: request.type, hashes: request.hashes.length };
    default:
      return unreachable(request);
  }
}

function responseJson(response: SyncResponse): { readonly [key: string]: Json } {
  switch (response.type) {
    case "status":
      return { has: response.type, view: response.status.view, finalHeight: response.status.finalHeight };
    case "finalBlocks": {
      const { blocks, trailingHeaders } = response;
      return { has: response.type, fromHeight: blocks[0]?.header.height, count: blocks.length, trailingHeaders: trailingHeaders.length };
    }
    case "block":
      return { has: response.type, height: response.block?.header.height };
    case "timeoutCertificates":
      return { has: response.type, count: response.certificates.length };
    case "transactions":
      return { has: response.type, count: response.transactions.length };
    default:
      return unreachable(response);
  }
}

function durableJson({ records, blocks, finality, operations, evidence }: Durable): Json {
  return {
    records: records.map(({ view, proposedHash, votedHash, committedHash, hasTimedOut }) => ({
      view,
      proposed: shortHash(proposedHash),
      voted: shortHash(votedHash),
      committed: shortHash(committedHash),
      hasTimedOut,
    })),
    blocks: blocks.map(({ blockHash }) => shortHash(blockHash)),
    finality: finality.map(({ height, view, blockHash }) => ({ height, view, block: shortHash(blockHash) })),
    operations: operations.map(({ height, stateRoot }) => ({ height, stateRoot: shortHash(stateRoot) })),
    evidence: evidence.map(evidenceJson),
  };
}

function evidenceJson(evidence: Evidence): Json {
  if (evidence.type === "doubleVote") return { type: evidence.type, first: voteJson(evidence.first), second: voteJson(evidence.second) };
  return { type: evidence.type, first: headerJson(evidence.first.header), second: headerJson(evidence.second.header) };
}
