/** The way of a transaction into the machine: parse, skip what is known, check the signature on a worker, hand over.
 *  Parsing stays on this thread (a few µs each); it is done in slices, so that a large batch never holds up consensus.
 *
 *  A client always gets an answer: accepted, or a refusal with a code. Gossip that is malformed or forged costs its sender
 *  score; gossip beyond the bound is dropped, since a proposed transaction that is missing is fetched by its hash. */

import type { ReplicaInput, TransactionSource } from "../replica/interface.ts";
import type { Application, ParsedTransaction, Refusal, SignatureCheck } from "../types/application.ts";
import type { TransactionHash } from "../types/ids.ts";
import { createRecentSet } from "../types/recent_set.ts";
import type { PenaltyReason, Sender } from "../types/sender.ts";
import type { SubmitResult } from "./rpc/core.ts";
import type { SignatureWorkers } from "./signature_workers.ts";

export interface TransactionIngressOptions {
  readonly application: Pick<Application, "parse">;
  readonly workers: Pick<SignatureWorkers, "verify">;
  readonly isPending: (hash: TransactionHash) => boolean;
  readonly isFinal: (hash: TransactionHash) => boolean;
  readonly submit: (input: ReplicaInput) => void;
  readonly penalize: (sender: Sender, reason: PenaltyReason) => void;
  /** The machine took a client's transaction that came in at `arrivedAtMs` of the monotonic clock. */
  readonly onAccepted: (hash: TransactionHash, arrivedAtMs: number) => void;
  readonly limits: TransactionIngressLimits;
}

export interface TransactionIngressLimits {
  /** Client transactions that wait for their verdict. */
  readonly admissionsMax: number;
  /** Hashes of transactions whose signature was found valid lately: not checked again. */
  readonly verifiedMax: number;
}

export interface TransactionIngress {
  /** One result for each, in order. Never rejects. */
  fromClient(transactions: readonly Uint8Array[]): Promise<readonly SubmitResult[]>;
  /** Gossip: what is pending or was seen lately is skipped. */
  fromGossip(sender: Sender, transactions: readonly Uint8Array[]): void;
  /** An answer to a body request: handed over even when seen before, since a proposal waits for it. */
  fromRequest(source: TransactionSource, transactions: readonly Uint8Array[]): void;
  /** The machine's verdict on a client's transaction. */
  onAdmitted(hash: TransactionHash, refusal: Refusal | undefined): void;
  /** Answers everything that still waits: the node stops. */
  stop(): void;
  readonly droppedBatches: number;
}

/** Transactions parsed before the event loop gets its turn; also the size of one batch for the workers. */
const SLICE = 64;

const BUSY: Refusal = {
  code: "busy",
  canRetry: true,
  advice: "this validator has more to check than it can; send the same bytes again in a moment",
};
const STOPPING: Refusal = { code: "stopping", canRetry: true, advice: "this validator is stopping; send the same bytes to another one" };
const BAD_SIGNATURE: Refusal = {
  code: "badSignature",
  canRetry: false,
  advice: "the Ed25519 signature does not fit sender and payload; sign tag and encoded payload with the sender's key",
};

type Settle = (refusal: Refusal | undefined) => void;

/** Clients that wait for one transaction's verdict. */
interface Admission {
  readonly arrivedAtMs: number;
  readonly settles: Settle[];
}

interface Candidate {
  readonly transaction: ParsedTransaction;
  readonly signature: SignatureCheck | undefined;
}

export function createTransactionIngress(options: TransactionIngressOptions): TransactionIngress {
  const { application, workers, limits } = options;
  const verified = createRecentSet<TransactionHash>(options.limits.verifiedMax);
  const admissions = new Map<TransactionHash, Admission>();
  let admissionCount = 0;
  let droppedBatches = 0;
  let isStopped = false;

  /** Checks the signatures that are not known to be valid; `done` gets the verdicts in order. False: the workers are full. */
  function check(candidates: readonly Candidate[], done: (isValid: readonly boolean[]) => void): boolean {
    const unknown: SignatureCheck[] = [];
    const positions: number[] = [];
    for (const [index, { transaction, signature }] of candidates.entries()) {
      if (signature === undefined || verified.has(transaction.hash)) continue;
      unknown.push(signature);
      positions.push(index);
    }
    return workers.verify(unknown, (verdicts) => {
      const isValid = candidates.map(() => true);
      for (const [index, position] of positions.entries()) {
        const verdict = verdicts[index] === true;
        isValid[position] = verdict;
        const hash = candidates[position]?.transaction.hash;
        if (verdict && hash !== undefined) verified.add(hash);
      }
      done(isValid);
    });
  }

  async function fromClient(encoded: readonly Uint8Array[]): Promise<readonly SubmitResult[]> {
    const arrivedAtMs = performance.now();
    const results: Promise<SubmitResult>[] = [];
    for (let start = 0; start < encoded.length; start += SLICE) {
      if (start > 0) await new Promise<void>((resolve) => setImmediate(resolve));
      results.push(...admitSlice(encoded.slice(start, start + SLICE), arrivedAtMs));
    }
    return Promise.all(results);
  }

  function admitSlice(encoded: readonly Uint8Array[], arrivedAtMs: number): Promise<SubmitResult>[] {
    const candidates: Candidate[] = [];
    const settled: Settle[] = [];
    const results = encoded.map((bytes): Promise<SubmitResult> => {
      const parsed = application.parse(bytes);
      if (!parsed.ok) return Promise.resolve({ hash: undefined, refusal: parsed.refusal });
      const { hash } = parsed.transaction;
      if (options.isPending(hash) || options.isFinal(hash)) return Promise.resolve({ hash, refusal: undefined });
      if (isStopped) return Promise.resolve({ hash, refusal: STOPPING });
      if (admissionCount >= limits.admissionsMax) return Promise.resolve({ hash, refusal: BUSY });
      return new Promise((resolve) => {
        candidates.push(parsed);
        settled.push((refusal) => resolve({ hash, refusal }));
      });
    });
    if (candidates.length > 0) verifyForClients(candidates, settled, arrivedAtMs);
    return results;
  }

  function verifyForClients(candidates: readonly Candidate[], settled: readonly Settle[], arrivedAtMs: number): void {
    const isTaken = check(candidates, (isValid) => {
      const valid: ParsedTransaction[] = [];
      for (const [index, { transaction }] of candidates.entries()) {
        const settle = settled[index];
        if (settle === undefined) continue;
        if (isValid[index] !== true || isStopped) settle(isStopped ? STOPPING : BAD_SIGNATURE);
        else if (awaitVerdict(transaction.hash, settle, arrivedAtMs)) valid.push(transaction);
      }
      if (valid.length > 0) options.submit({ type: "transactions", source: { type: "client" }, transactions: valid });
    });
    if (!isTaken) for (const settle of settled) settle(BUSY);
  }

  /** True when the machine is to be asked; false when it is asked about the same transaction already. */
  function awaitVerdict(hash: TransactionHash, settle: Settle, arrivedAtMs: number): boolean {
    admissionCount += 1;
    const admission = admissions.get(hash);
    if (admission === undefined) admissions.set(hash, { arrivedAtMs, settles: [settle] });
    else admission.settles.push(settle);
    return admission === undefined;
  }

  function fromPeer(source: TransactionSource, encoded: readonly Uint8Array[], isSkipped: (hash: TransactionHash) => boolean): void {
    for (let start = 0; start < encoded.length; start += SLICE) {
      const candidates: Candidate[] = [];
      for (const bytes of encoded.slice(start, start + SLICE)) {
        const parsed = application.parse(bytes);
        if (!parsed.ok) penalizeSource(source);
        else if (!isSkipped(parsed.transaction.hash)) candidates.push(parsed);
      }
      if (candidates.length === 0 || isStopped) continue;
      const isTaken = check(candidates, (isValid) => {
        const transactions = candidates.flatMap(({ transaction }, index) => (isValid[index] === true ? [transaction] : []));
        if (transactions.length < candidates.length) penalizeSource(source);
        if (transactions.length > 0) options.submit({ type: "transactions", source, transactions });
      });
      if (!isTaken) droppedBatches += 1;
    }
  }

  function penalizeSource(source: TransactionSource): void {
    if (source.type === "peer") options.penalize(source.sender, "invalidTransaction");
  }

  return {
    fromClient,
    fromGossip(sender, encoded) {
      fromPeer({ type: "peer", sender }, encoded, (hash) => verified.has(hash) || options.isPending(hash));
    },
    fromRequest(source, encoded) {
      fromPeer(source, encoded, () => false);
    },
    onAdmitted(hash, refusal) {
      const admission = admissions.get(hash);
      if (admission === undefined) return;
      admissions.delete(hash);
      admissionCount -= admission.settles.length;
      if (refusal === undefined) options.onAccepted(hash, admission.arrivedAtMs);
      // "duplicate" says that the pool holds it already: for the client that is acceptance.
      for (const settle of admission.settles) settle(refusal?.code === "duplicate" ? undefined : refusal);
    },
    stop() {
      isStopped = true;
      for (const { settles } of admissions.values()) for (const settle of settles) settle(STOPPING);
      admissions.clear();
      admissionCount = 0;
    },
    get droppedBatches() {
      return droppedBatches;
    },
  };
}
