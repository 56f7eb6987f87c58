/** What clients were told and what came of it: the last invariant of `auditor.ts`, from `submitted`, `answered`, `dropped` and the
 *  audited chain alone. Reads every submission itself: what is malformed or badly signed is a lie, whoever calls it otherwise. */

import { hashTransaction } from "../../crypto/hashes.ts";
import { fromHex } from "../../types/bytes.ts";
import type { TransactionHash } from "../../types/ids.ts";
import { TRANSACTION_BYTES_MAX } from "../../types/limits.ts";
import type { VerifyEd25519 } from "../../types/suites.ts";
import type { TransactionPayload } from "../../types/transaction.ts";
import type { FactOf } from "../simulator/facts.ts";
import { isEnvelope, type ReadEnvelope, readEnvelope } from "./envelope_bytes.ts";
import type { SealedTruth, SealedTruths } from "./sealed_truths.ts";
import { messageOf, readTransaction } from "./transaction_bytes.ts";

/** One transaction that clients submitted. */
export interface Submitted {
  readonly hash: TransactionHash;
  readonly bytes: Uint8Array;
  readonly payload: TransactionPayload | undefined;
  /** The clear part of a sealed transaction. */
  readonly envelope: ReadEnvelope | undefined;
  readonly truth: SealedTruth | undefined;
  /** Undefined where the application's transactions name none. */
  readonly expiryHeight: number | undefined;
  readonly isSigned: boolean;
  readonly client: number;
  readonly firstAtUs: number;
  readonly firstValidator: number;
  submissions: number;
  answers: number;
  /** Codes of all refusals that settle something, by honest validators. */
  readonly refusals: Map<string, { readonly canRetry: boolean; readonly validator: number }>;
  isFinal: boolean;
}

export interface Answers {
  /** Everything well-formed that was submitted, in order. */
  readonly submitted: ReadonlyMap<TransactionHash, Submitted>;
  /** Submissions that running validators have not answered. */
  unanswered(atUs: number): { readonly validator: number; readonly client: number; readonly atUs: number } | undefined;
  noteSubmitted(fact: FactOf<"submitted">): void;
  /** What an honest validator must not have answered is returned. */
  noteAnswered(fact: FactOf<"answered">): string | undefined;
  noteDropped(fact: FactOf<"dropped">): void;
  /** It took effect within a bundle. */
  noteFinal(hash: TransactionHash): void;
  noteUp(validator: number): void;
  noteDown(validator: number): void;
  /** A paused validator is up and says nothing. */
  notePaused(validator: number): void;
  noteHealed(): void;
}

/** Codes that say that the validator has the transaction: no refusal. */
export const HELD_CODES: ReadonlySet<string> = new Set(["duplicate", "alreadyFinal", "alreadyOrdered"]);
/** An answer to what came so shortly before the end may be under way. */
export const ANSWER_WITHIN_US = 5_000_000;

export function createAnswers(options: {
  readonly isLedger: boolean;
  readonly isHonest: (validator: number) => boolean;
  readonly verify: VerifyEd25519;
  readonly truths?: SealedTruths | undefined;
}): Answers {
  const { isLedger, isHonest, verify, truths } = options;
  const submitted = new Map<TransactionHash, Submitted>();
  /** By validator: what it owes an answer to, and since when. */
  const owed = new Map<number, Map<string, number>>();
  const paused = new Set<number>();

  function read(fact: FactOf<"submitted">): Submitted | undefined {
    const { bytes, client, atUs, validator } = fact;
    if (bytes.length === 0 || bytes.length > TRANSACTION_BYTES_MAX) return undefined;
    const envelope = isLedger && truths !== undefined && isEnvelope(bytes) ? readEnvelope(bytes) : undefined;
    const transaction = isLedger && envelope === undefined ? readTransaction(bytes) : undefined;
    if (isLedger && transaction === undefined && envelope === undefined) return undefined;
    const isSigned =
      envelope === undefined
        ? transaction === undefined || verify(fromHex(transaction.payload.sender), messageOf(bytes), transaction.signature)
        : verify(fromHex(envelope.sender), envelope.message, envelope.signature);
    const first = { client, firstAtUs: atUs, firstValidator: validator, submissions: 0, answers: 0 };
    const hash = fact.hash ?? hashTransaction(bytes);
    const payload = transaction?.payload;
    const expiryHeight = envelope?.expiryHeight ?? payload?.expiryHeight;
    const truth = envelope === undefined ? undefined : truths?.of(hash);
    return { ...first, hash, bytes, payload, envelope, truth, expiryHeight, isSigned, refusals: new Map(), isFinal: false };
  }

  return {
    submitted,
    unanswered(atUs) {
      for (const [validator, waiting] of owed) {
        for (const [name, sinceUs] of waiting) {
          if (sinceUs + ANSWER_WITHIN_US < atUs) return { validator, client: Number(name.split("/")[0]), atUs: sinceUs };
        }
      }
      return undefined;
    },
    noteSubmitted(fact) {
      const known = fact.hash === undefined ? undefined : submitted.get(fact.hash);
      const entry = known ?? read(fact);
      if (entry !== undefined) {
        entry.submissions += 1;
        if (known === undefined) submitted.set(entry.hash, entry);
      }
      const { validator, client, atUs } = fact;
      if (!isHonest(validator) || paused.has(validator)) return;
      const waiting = owed.get(validator);
      const name = `${client}/${fact.hash ?? "malformed"}`;
      if (waiting !== undefined && !waiting.has(name)) waiting.set(name, atUs);
    },
    noteAnswered({ validator, client, hash, refusal }) {
      owed.get(validator)?.delete(`${client}/${hash ?? "malformed"}`);
      if (!isHonest(validator)) return undefined;
      if (hash === undefined)
        return refusal === undefined ? `Validator ${validator} accepted malformed bytes of client ${client}.` : undefined;
      const entry = submitted.get(hash);
      if (entry === undefined)
        return `Validator ${validator} took bytes of client ${client} for transaction ${hash}, which nobody submitted.`;
      entry.answers += 1;
      if (refusal !== undefined) {
        entry.refusals.set(refusal.code, { canRetry: refusal.canRetry, validator });
        const isWrong = entry.truth?.type === "refused" && entry.isSigned && !entry.truth.codes.includes(refusal.code);
        return isWrong
          ? `Validator ${validator} refused the flawed envelope ${hash} with ${refusal.code}, which is not what is wrong with it.`
          : undefined;
      }
      if (entry.isSigned && entry.truth?.type === "refused") {
        return `Validator ${validator} accepted the flawed envelope ${hash}, which it has to refuse with ${entry.truth.codes.join(" or ")}.`;
      }
      return entry.isSigned
        ? undefined
        : `Validator ${validator} accepted transaction ${hash} of client ${client}, whose signature is not the sender's.`;
    },
    noteDropped({ validator, hash, refusal }) {
      if (isHonest(validator)) submitted.get(hash)?.refusals.set(refusal.code, { canRetry: refusal.canRetry, validator });
    },
    noteFinal(hash) {
      const entry = submitted.get(hash);
      if (entry !== undefined) entry.isFinal = true;
    },
    noteUp(validator) {
      owed.set(validator, new Map());
      paused.delete(validator);
    },
    noteDown(validator) {
      owed.delete(validator);
    },
    notePaused(validator) {
      paused.add(validator);
      owed.get(validator)?.clear();
    },
    noteHealed() {
      paused.clear();
    },
  };
}

/** Why a transaction that is not final when the run ends should be; undefined when clients know where they stand.
 *  `verdict` is what the model says of it now: the name of a code, "ok", or undefined where there is no model. */
export function lossOf(entry: Submitted, now: { readonly headHeight: number; readonly verdict: string }): string | undefined {
  if (entry.isFinal || !entry.isSigned || entry.truth?.type === "refused") return undefined;
  const told = [...entry.refusals.entries()];
  const claimed = told.find(([code]) => code === "alreadyFinal" || code === "alreadyOrdered");
  if (claimed !== undefined) return `validator ${claimed[1].validator} answered ${claimed[0]}`;
  if (entry.expiryHeight !== undefined && entry.expiryHeight <= now.headHeight) return undefined;
  const reasons = told.filter(([code]) => !HELD_CODES.has(code));
  if (reasons.length === 0) return entry.answers > 0 ? "it was accepted" : "nobody answered";
  if (now.verdict !== "ok") return undefined;
  if (reasons.some(([code]) => TEMPORARY_REASONS.has(code))) return undefined;
  return `it was refused with ${reasons.map(([code]) => code).join(", ")}, and nothing is wrong with it`;
}

/** Refusals for good that were right when they were given, although the transaction could be ordered now: another one of the same
 *  nonce was waiting and came to nothing, or the sender has money by now. */
const TEMPORARY_REASONS: ReadonlySet<string> = new Set(["nonceConflict", "insufficientForFee"]);
