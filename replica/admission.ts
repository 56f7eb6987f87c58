/** What comes to be ordered: from clients and peers, judged cheaply, pooled, passed on. Signatures and seals were checked by the driver.
 *  Nothing is refused without a reason, and nothing that is refused is kept or passed on. */

import type { AddResult } from "../mempool/open_pool.ts";
import type { SealedAdmission } from "../mempool/sealed_pool.ts";
import type { CheckResult, ParsedTransaction, Refusal } from "../types/application.ts";
import { Height } from "../types/ids.ts";
import { offerToBodies } from "./body_flow.ts";
import { armTimer, type Context } from "./context.ts";
import { drainFinalQueue } from "./final_flow.ts";
import type { ReplicaInput } from "./interface.ts";
import { flawOfKeygen, refusalOfKeygen } from "./keygen_flow.ts";
import { keepDropped, keepListed } from "./list_flow.ts";
import { keyIdAt } from "./sealing.ts";

export function acceptTransactions(context: Context, input: Extract<ReplicaInput, { type: "transactions" }>): void {
  offerToBodies(context, input.transactions);
  drainFinalQueue(context);
  const isClient = input.source.type === "client";
  const gossip: Uint8Array[] = [];
  for (const transaction of input.transactions) {
    const refusal = admit(context, transaction, isClient ? "client" : "peer");
    if (!isClient) continue;
    context.outbox.effects.push({ type: "admitted", hash: transaction.hash, refusal });
    if (refusal !== undefined) continue;
    gossip.push(transaction.bytes);
    context.republisher.note(transaction.hash, context.nowMs);
  }
  if (gossip.length === 0) return;
  context.outbox.effects.push({ type: "gossipTransactions", transactions: gossip });
  armTimer(context, "republish", context.config.republishMs);
}

export function republish(context: Context): void {
  const transactions = context.republisher.takeDue(context.nowMs);
  if (transactions.length > 0) context.outbox.effects.push({ type: "gossipTransactions", transactions });
  if (context.republisher.isWaiting) armTimer(context, "republish", context.config.republishMs);
}

const ALREADY_FINAL: Refusal = { code: "alreadyFinal", canRetry: false, advice: "it is final; ask for its status by hash" };
const EVICTED: Refusal = { code: "evicted", canRetry: true, advice: "the pool was full; submit it again later" };

function admit(context: Context, transaction: ParsedTransaction, source: "client" | "peer"): Refusal | undefined {
  if (context.recentlyFinal.has(transaction.hash)) return ALREADY_FINAL;
  if (transaction.keygen !== undefined) {
    const refusal = refusalOfKeygen(context, transaction, transaction.keygen);
    if (refusal !== undefined) return refusal;
  }
  const added = transaction.sealed === undefined ? addOpen(context, transaction, source) : addSealed(context, transaction);
  if (!added.ok) return added.refusal;
  for (const evicted of added.evicted) {
    keepDropped(context, evicted);
    context.outbox.effects.push({ type: "dropped", hash: evicted.hash, refusal: EVICTED });
  }
  return undefined;
}

function addOpen(context: Context, transaction: ParsedTransaction, source: "client" | "peer"): AddResult {
  const checked = transaction.keygen === undefined ? context.application.check(transaction) : OK;
  return checked.ok ? context.pool.add(transaction, source) : checked;
}

const OK: CheckResult = { ok: true };

function addSealed(context: Context, transaction: ParsedTransaction): AddResult {
  const admission = admissionOf(context);
  if (context.sealing === undefined || admission === undefined) return { ok: false, refusal: SEALING_OFF };
  const added = context.sealing.pool.add(transaction, admission);
  if (!added.ok) keepListed(context.sealing, transaction, admission);
  return added;
}

/** How sealed transactions are judged at our head; undefined where there are none. */
function admissionOf({ sealing, application, execution }: Context): SealedAdmission | undefined {
  const { height } = execution.final;
  if (sealing === undefined || application.checkSealed === undefined) return undefined;
  return { height: Height.next(height), keyId: keyIdAt(sealing, height), checkPayable: application.checkSealed };
}

export function refusalOf(context: Context, transaction: ParsedTransaction): Refusal | undefined {
  if (transaction.keygen !== undefined) return flawOfKeygen(context, transaction.keygen);
  if (transaction.sealed === undefined) return undefined;
  const admission = admissionOf(context);
  if (context.sealing === undefined || admission === undefined) return SEALING_OFF;
  return context.sealing.pool.refusalOf(transaction, admission);
}

const SEALING_OFF: Refusal = { code: "sealingOff", canRetry: false, advice: "This chain takes no sealed transactions. Send an open one." };
