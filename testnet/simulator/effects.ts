/** Performs the effects of one simulated validator's machine: signs, sends, serves clients. The counterpart of node/effects.ts and
 *  node/transaction_ingress.ts, with signature checks that take no time. */

import type { LatestMessages } from "../../node/latest_messages.ts";
import type { Replica, ReplicaEffect, ReplicaInput, ReplicaSnapshot, TransactionSource } from "../../replica/interface.ts";
import type { Store } from "../../storage/interface.ts";
import type { ParsedTransaction, ParseResult, Refusal } from "../../types/application.ts";
import { unreachable } from "../../types/assert.ts";
import type { Proposal } from "../../types/block.ts";
import type { Opportunity } from "../../types/building.ts";
import type { TransactionHash, ValidatorIndex } from "../../types/ids.ts";
import { FRAME_BYTES_MAX } from "../../types/limits.ts";
import { decodeMessage, type Message } from "../../types/message.ts";
import type { PenaltyReason, Sender } from "../../types/sender.ts";
import type { Ballot } from "../../types/vote.ts";
import { nodeCountOf } from "../scenario/check.ts";
import type { WireMessage } from "./facts.ts";
import type { Host } from "./host.ts";
import type { Requests } from "./requests.ts";
import { signProposal, signVote } from "./signing.ts";
import type { TraitorMachine } from "./traitor.ts";

type PerformedEffect = Exclude<ReplicaEffect, { readonly type: "setTimer" | "cancelTimer" }>;

export interface Effects {
  /** `feed` takes what was signed, to be stepped in the same turn. */
  perform(effect: PerformedEffect, feed: (input: ReplicaInput) => void): void;
  fromClient(bytes: Uint8Array, client: number): void;
  fromGossip(sender: Sender, transactions: readonly Uint8Array[]): void;
  /** A raw frame: decoded, or its sender is blamed. */
  fromFrame(sender: Sender, frame: Uint8Array, accept: (message: Message) => void): void;
}

export interface EffectsParts {
  readonly index: ValidatorIndex;
  readonly host: Host;
  readonly traitor: TraitorMachine | undefined;
  readonly latest: LatestMessages;
  readonly requests: Requests;
  readonly replica: Replica;
  readonly store: Pick<Store, "locate">;
  /** Of the live key, where this validator holds one. */
  readonly secretShare: () => Uint8Array | undefined;
  readonly saveSnapshot: (snapshot: ReplicaSnapshot) => void;
  readonly input: (input: ReplicaInput) => void;
  /** A block that a builder may bid for. */
  readonly buildable: (opportunity: Opportunity) => void;
  readonly send: (to: number, message: WireMessage) => void;
}

/** As in p2p/link_roles.ts: builders get proposals and certificates, and the shares and seeds that open blocks; votes, lists and disputes stay among
 *  validators. */
export const isForBuilders = ({ type }: WireMessage): boolean =>
  type === "proposal" || type === "certificate" || type === "shares" || type === "seeds";

/** A seal that cannot be judged: the pool would not take it either. */
const UNKNOWN_KEY: Refusal = { code: "wrongSealingKey", canRetry: false, advice: "ask for the sealing key and seal again" };
const NO_KEY: Refusal = { code: "noSealingKey", canRetry: true, advice: "ask for the sealing key in a moment" };
const BAD_SEAL: Refusal = { code: "badSeal", canRetry: false, advice: "seal again" };
const BAD_SIGNATURE: Refusal = { code: "badSignature", canRetry: false, advice: "sign it with the sender's key" };

export function createEffects(parts: EffectsParts): Effects {
  const { index: validator, host, traitor, replica } = parts;
  const validatorCount = host.world.scenario.weights.length;
  const nodeCount = nodeCountOf(host.world.scenario);
  const waiting = new Map<TransactionHash, number[]>();

  function broadcast(message: Message): void {
    parts.latest.note(message);
    const count = isForBuilders(message) ? nodeCount : validatorCount;
    for (let to = 0; to < count; to++) if (to !== validator) parts.send(to, message);
  }

  function castVote(ballot: Ballot, isResend: boolean, feed: (input: ReplicaInput) => void): void {
    const ballots = traitor === undefined ? [ballot] : traitor.ballots(ballot);
    for (const each of ballots) {
      const vote = signVote(host.world, validator, each);
      host.emit({ type: "signedVote", atUs: host.scheduler.nowUs, validator, vote, isResend });
      broadcast({ type: "vote", vote });
      if (isSameBallot(each, ballot)) feed({ type: "signedVote", vote });
    }
  }

  function castProposal(effect: Extract<ReplicaEffect, { type: "signProposal" }>, feed: (input: ReplicaInput) => void): void {
    const { header, justification, transactionHashes, lists, bid } = effect;
    const unsigned = { header, ...justification, transactionHashes, lists, bid };
    const proposals = traitor === undefined ? [unsigned] : traitor.proposals(unsigned);
    for (const each of proposals) {
      const proposal: Proposal = signProposal(host.world, validator, each);
      host.emit({ type: "signedProposal", atUs: host.scheduler.nowUs, validator, proposal });
      broadcast({ type: "proposal", proposal });
      if (each.header === header) feed({ type: "signedProposal", proposal });
    }
  }

  function penalize(sender: Sender, reason: PenaltyReason): void {
    host.emit({ type: "penalized", atUs: host.scheduler.nowUs, validator, sender, reason });
  }

  function offer(source: TransactionSource, encoded: readonly Uint8Array[], isSkipped: (hash: TransactionHash) => boolean): void {
    const transactions: ParsedTransaction[] = [];
    let isInvalid = false;
    for (const bytes of encoded) {
      const parsed = host.transactions.parse(bytes);
      if (!parsed.ok) isInvalid = true;
      else if (isSkipped(parsed.transaction.hash)) continue;
      else if (!host.transactions.isSigned(parsed)) isInvalid = true;
      else {
        const verdict = host.transactions.sealVerdict(parsed, replica.sealingKey?.key);
        if (verdict === "valid") transactions.push(withOwnShare(parsed.transaction));
        else if (verdict === "invalid") isInvalid = true;
      }
    }
    if (isInvalid && source.type === "peer") penalize(source.sender, "invalidTransaction");
    if (transactions.length > 0) parts.input({ type: "transactions", source, transactions });
  }

  function fromClient(bytes: Uint8Array, client: number): void {
    const parsed = host.transactions.parse(bytes);
    const answer = (hash: TransactionHash | undefined, refusal: Refusal | undefined): void =>
      host.emit({ type: "answered", atUs: host.scheduler.nowUs, validator, client, hash, refusal });
    if (!parsed.ok) return answer(undefined, parsed.refusal);
    const { hash } = parsed.transaction;
    if (replica.isPending(hash) || parts.store.locate(hash) !== undefined) return answer(hash, undefined);
    if (!host.transactions.isSigned(parsed)) return answer(hash, BAD_SIGNATURE);
    const flaw = sealRefusal(parsed);
    if (flaw !== undefined) return answer(hash, flaw);
    const clients = waiting.get(hash);
    if (clients !== undefined) return void clients.push(client);
    waiting.set(hash, [client]);
    parts.input({ type: "transactions", source: { type: "client" }, transactions: [withOwnShare(parsed.transaction)] });
  }

  /** Validators of even index get their shares from workers; the machines of the others compute them. Nobody can tell. */
  function withOwnShare(transaction: ParsedTransaction): ParsedTransaction {
    const { sealed: envelope } = transaction;
    const secretShare = envelope === undefined || validator % 2 === 1 ? undefined : parts.secretShare();
    if (envelope === undefined || secretShare === undefined) return transaction;
    return { ...transaction, ownShare: { keyId: envelope.keyId, share: host.world.suite.shareOf(secretShare, envelope.sealed) } };
  }

  function sealRefusal(parsed: Extract<ParseResult, { ok: true }>): Refusal | undefined {
    const key = replica.sealingKey?.key;
    const verdict = host.transactions.sealVerdict(parsed, key);
    if (verdict === "valid") return undefined;
    if (verdict === "invalid") return BAD_SEAL;
    return key === undefined ? NO_KEY : UNKNOWN_KEY;
  }

  function onAdmitted(hash: TransactionHash, verdict: Refusal | undefined): void {
    const refusal = verdict?.code === "duplicate" ? undefined : verdict;
    for (const client of waiting.get(hash) ?? [])
      host.emit({ type: "answered", atUs: host.scheduler.nowUs, validator, client, hash, refusal });
    waiting.delete(hash);
  }

  return {
    perform(effect, feed) {
      switch (effect.type) {
        case "signVote":
          return castVote(effect.ballot, effect.isResend, feed);
        case "signProposal":
          return castProposal(effect, feed);
        case "broadcastCertificate":
          host.emit({ type: "certificate", atUs: host.scheduler.nowUs, validator, certificate: effect.certificate });
          return broadcast({ type: "certificate", certificate: effect.certificate });
        case "sendDirect":
          if (validator >= validatorCount) return;
          for (let to = 0; to < (isForBuilders(effect.message) ? nodeCount : validatorCount); to++) {
            if (to !== validator && (effect.to === undefined || effect.to === to)) parts.send(to, effect.message);
          }
          return;
        case "gossipTransactions":
          for (let to = 0; to < nodeCount; to++) {
            if (to !== validator) parts.send(to, { type: "transactions", transactions: effect.transactions });
          }
          return;
        case "verifyTransactions":
          return offer(effect.source, effect.transactions, () => false);
        case "request":
          return parts.requests.perform(effect);
        case "admitted":
          return onAdmitted(effect.hash, effect.refusal);
        case "dropped":
          return host.emit({ atUs: host.scheduler.nowUs, validator, ...effect });
        case "ordered":
        case "opened":
        case "finalized":
          return host.emit({ atUs: host.scheduler.nowUs, validator, ...effect });
        case "snapshotDue":
          return parts.saveSnapshot(effect.snapshot);
        case "diverged":
        case "certified":
        case "enteredView":
          return host.emit({ atUs: host.scheduler.nowUs, validator, ...effect });
        case "buildable":
          return parts.buildable(effect.opportunity);
        case "penalize":
          return penalize(effect.sender, effect.reason);
        default:
          return unreachable(effect);
      }
    },
    fromClient,
    fromGossip(sender, transactions) {
      offer({ type: "peer", sender }, transactions, (hash) => replica.isPending(hash) || parts.store.locate(hash) !== undefined);
    },
    fromFrame(sender, frame, accept) {
      const decoded = frame.length > FRAME_BYTES_MAX ? undefined : decodeMessage(frame);
      if (decoded?.ok === true) accept(decoded.message);
      else penalize(sender, "malformedMessage");
    },
  };
}

function isSameBallot(left: Ballot, right: Ballot): boolean {
  return left.kind === right.kind && left.view === right.view && left.blockHash === right.blockHash;
}
