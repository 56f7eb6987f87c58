/** Key generation in the machine: our due message goes into the pool and to the others like a client's transaction, until it is final. */

import { hashTransaction } from "../crypto/hashes.ts";
import type { ParsedTransaction, Refusal } from "../types/application.ts";
import type { TransactionHash } from "../types/ids.ts";
import type { SignedKeygenMessage } from "../types/keygen.ts";
import { armTimer, type Context } from "./context.ts";

/** Messages of one validator that may wait in the pool: of this phase and of the next, before we have reached it ourselves. */
const WAITING_PER_VALIDATOR_MAX = 4;

/** At the start and after every executed block. */
export function submitDueMessage(context: Context): void {
  const due = context.sealing?.keygen.due();
  if (due === undefined) return;
  const hash = hashTransaction(due.bytes);
  if (context.pool.has(hash)) return;
  const parsed = context.parse(due.bytes);
  if (!parsed.ok || !context.pool.add(parsed.transaction, "client").ok) return;
  context.outbox.effects.push({ type: "gossipTransactions", transactions: [due.bytes] });
  context.republisher.note(hash, context.nowMs);
  armTimer(context, "republish", context.config.republishMs);
}

/** Changes nothing; undefined says that the message may count. */
export function flawOfKeygen({ sealing }: Context, message: SignedKeygenMessage): Refusal | undefined {
  if (sealing === undefined) return refusalFor("keygenOff");
  const verdict = sealing.keygen.check(message);
  return verdict === "counted" || verdict === "wrongPhase" ? undefined : refusalFor(verdict);
}

/** undefined: pooled. A message of a phase that others have reached before us waits. */
export function refusalOfKeygen(context: Context, transaction: ParsedTransaction, message: SignedKeygenMessage): Refusal | undefined {
  const flaw = flawOfKeygen(context, message);
  if (flaw !== undefined) return flaw;
  const waiting = context.keygenWaiting.get(message.message.validator) ?? new Set<TransactionHash>();
  for (const hash of waiting) if (!context.pool.has(hash)) waiting.delete(hash);
  if (waiting.size >= WAITING_PER_VALIDATOR_MAX && !waiting.has(transaction.hash)) return refusalFor("overLimit");
  context.keygenWaiting.set(message.message.validator, waiting.add(transaction.hash));
  return undefined;
}

const refusalFor = (reason: string): Refusal => ({
  code: `keygen.${reason}`,
  canRetry: false,
  advice: "Key generation messages are made by validators for the phase that the chain is in; nothing is to be sent again.",
});
