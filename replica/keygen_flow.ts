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
  if (!parsed.ok || noteWaiting(context, parsed.transaction, due.message) !== undefined) return;
  if (!context.pool.add(parsed.transaction, "client").ok) return;
  context.outbox.effects.push({ type: "gossipTransactions", transactions: [due.bytes] });
  context.republisher.note(hash, context.nowMs);
  armTimer(context, "republish", context.config.republishMs);
}

/** Changes nothing; undefined says that the message may count. */
export function flawOfKeygen({ sealing }: Context, message: SignedKeygenMessage): Refusal | undefined {
  if (sealing === undefined) return refusalFor("keygenOff");
  const verdict = sealing.keygen.check(message);
  if (verdict === "counted") return undefined;
  // Answers come after the deals, so one that comes too early may count yet; what comes too late never will.
  const isEarly = verdict === "wrongPhase" && sealing.keygen.live === undefined && message.message.body.kind !== "deal";
  return isEarly ? undefined : refusalFor(verdict);
}

/** undefined: pooled. A message of a phase that others have reached before us waits. */
export function refusalOfKeygen(context: Context, transaction: ParsedTransaction, message: SignedKeygenMessage): Refusal | undefined {
  return flawOfKeygen(context, message) ?? noteWaiting(context, transaction, message);
}

/** After every executed block: a message that cannot count any more would wait for ever, and look like work. */
export function dropLateMessages(context: Context): void {
  for (const [validator, waiting] of context.keygenWaiting) {
    for (const hash of waiting) {
      const message = context.pool.get(hash)?.keygen;
      const flaw = message === undefined ? undefined : flawOfKeygen(context, message);
      if (message !== undefined && flaw === undefined) continue;
      waiting.delete(hash);
      context.pool.remove([hash]);
      if (flaw !== undefined) context.outbox.effects.push({ type: "dropped", hash, refusal: flaw });
    }
    if (waiting.size === 0) context.keygenWaiting.delete(validator);
  }
}

function noteWaiting(context: Context, transaction: ParsedTransaction, message: SignedKeygenMessage): Refusal | undefined {
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
