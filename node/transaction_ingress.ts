/** The way of a transaction into the machine, cheap things first: parse, skip what is known, ask the machine what it would refuse anyway
 *  (sealed ones: chain, suite, key, expiry, nonce, fees), then on workers the signature, then the seal; hand over, with our share of what
 *  was sealed where a worker could compute it. Our share of the key goes nowhere but to these workers.
 *  Parsing stays on this thread (a few µs each); it is done in slices, so that a large batch never holds up consensus.
 *
 *  A client always gets an answer: accepted, or a refusal with a code. What a peer sends and is refused is neither kept nor passed on:
 *  gossip that others need is judged here first. It costs the peer score when no honest node could have sent it (`isPeersFault`):
 *  validators at other heights, with other transactions waiting, rightly refuse other things, and a hostile client must not turn them
 *  against each other. Gossip beyond the bound is dropped, since a proposed transaction that is missing is fetched by its hash. */

import { SEALED_REFUSALS } from "../mempool/refusals.ts";
import type { ReplicaInput, TransactionSource } from "../replica/interface.ts";
import type { ParsedTransaction, ParseResult, Refusal } from "../types/application.ts";
import type { Height, TransactionHash } from "../types/ids.ts";
import { SEALED_EXPIRY_HEIGHTS_MAX } from "../types/limits.ts";
import { createRecentSet } from "../types/recent_set.ts";
import type { KeyId } from "../types/sealing.ts";
import type { PenaltyReason, Sender } from "../types/sender.ts";
import type { SubmitResult } from "./rpc/core.ts";
import type { SealingKeyInUse } from "./sealing_setup.ts";
import { type CheckVerdict, INVALID, type WorkerCheck } from "./signature_ring.ts";
import type { SignatureWorkers } from "./signature_workers.ts";
import type { Arrival } from "./transaction_tracker.ts";

export interface TransactionIngressOptions {
  /** Of any kind. */
  readonly parse: (bytes: Uint8Array) => ParseResult;
  /** What the machine would answer whatever signature and seal are; asked before either is checked. */
  readonly refusalOf: (transaction: ParsedTransaction) => Refusal | undefined;
  /** What seals are checked with; undefined when this key is not live here. */
  readonly sealingKey: (keyId: KeyId) => SealingKeyInUse | undefined;
  readonly finalHeight: () => Height;
  /** The highest final height that a peer has told; undefined before any has. */
  readonly peerHeight: () => Height | undefined;
  readonly workers: Pick<SignatureWorkers, "verify">;
  readonly isPending: (hash: TransactionHash) => boolean;
  readonly isFinal: (hash: TransactionHash) => boolean;
  readonly submit: (input: ReplicaInput) => void;
  readonly penalize: (sender: Sender, reason: PenaltyReason) => void;
  /** The machine took a client's transaction that came in at `arrivedAtMs` of the monotonic clock. */
  readonly onAccepted: (hash: TransactionHash, arrival: Arrival) => void;
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
  /** Gossip: what is pending or final is skipped, and what was verified lately is not verified again. Resolves to whether all of it may be passed on: nothing in it costs the
   *  peer score, everything was judged, and something in it is right or known. Never rejects. */
  fromGossip(sender: Sender, transactions: readonly Uint8Array[]): Promise<boolean>;
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

/** Refusals that do not depend on where a node stands: the sealing key is the same for all as long as this release has but one. */
const FAULT_CODES: ReadonlySet<string> = new Set([
  BAD_SIGNATURE.code,
  SEALED_REFUSALS.badSeal.code,
  SEALED_REFUSALS.wrongChain.code,
  SEALED_REFUSALS.unknownSuite.code,
  SEALED_REFUSALS.wrongSealingKey.code,
  SEALED_REFUSALS.gasLimitOutOfRange.code,
  // Asked of sealed ones alone, whose fee stands in the envelope; what a chain asks for is fixed in its genesis.
  "feeTooLow",
]);

type Settle = (refusal: Refusal | undefined) => void;

/** Clients that wait for one transaction's verdict. */
interface Admission {
  readonly arrival: Arrival;
  readonly settles: Settle[];
}

type Candidate = Extract<ParseResult, { readonly ok: true }>;

/** What became of a candidate: the transaction, with our share where it was computed. */
interface Checked {
  readonly transaction: ParsedTransaction;
  readonly refusal: Refusal | undefined;
}

type Judge = (transaction: ParsedTransaction) => Refusal | "known" | undefined;

/** Of transactions of a peer taken together. `wrong`: one of them is a fault or was not judged. `useless`: refused for reasons of our own. */
type PeerVerdict = "wrong" | "useful" | "useless";

function together(left: PeerVerdict, right: PeerVerdict): PeerVerdict {
  if (left === "wrong" || right === "wrong") return "wrong";
  return left === "useful" ? left : right;
}

/** Heights that are final within the time that news of a peer's height may take. */
const HEIGHTS_APART_MAX = 64;

export function createTransactionIngress(options: TransactionIngressOptions): TransactionIngress {
  const { parse, workers, limits } = options;
  const verified = createRecentSet<TransactionHash>(options.limits.verifiedMax);
  const admissions = new Map<TransactionHash, Admission>();
  let admissionCount = 0;
  let droppedBatches = 0;
  let isStopped = false;

  /** Checks signatures, then seals, of what is not known to be valid; `done` gets what became of each, in order. */
  function check(candidates: readonly Candidate[], done: (checked: readonly Checked[]) => void): boolean {
    const checked: Checked[] = candidates.map(({ transaction }) => ({ transaction, refusal: undefined }));
    const unknown = candidates.map(({ transaction }) => !verified.has(transaction.hash));

    function refuse(position: number, refusal: Refusal): void {
      checked[position] = { ...(checked[position] as Checked), refusal };
    }

    function checkAll(
      select: (candidate: Candidate) => WorkerCheck | undefined,
      judge: (verdict: CheckVerdict, position: number) => void,
      then: () => void,
    ): boolean {
      const positions: number[] = [];
      const checks: WorkerCheck[] = [];
      for (const [position, candidate] of candidates.entries()) {
        if (unknown[position] !== true || checked[position]?.refusal !== undefined) continue;
        const check = select(candidate);
        if (check === undefined) continue;
        positions.push(position);
        checks.push(check);
      }
      return workers.verify(checks, (verdicts) => {
        for (const [index, position] of positions.entries()) judge(verdicts[index] ?? INVALID, position);
        then();
      });
    }

    function checkSeals(): boolean {
      for (const [position, { seal }] of candidates.entries()) {
        const isSealable = seal === undefined || options.sealingKey(seal.keyId) !== undefined;
        if (!isSealable && checked[position]?.refusal === undefined) refuse(position, SEALED_REFUSALS.noSealingKey);
      }
      const judge = ({ isValid, share }: CheckVerdict, position: number): void => {
        const { transaction, seal } = candidates[position] as Candidate;
        if (!isValid) refuse(position, SEALED_REFUSALS.badSeal);
        // The check carried our share of the key that the seal names, whatever key is live by now.
        else if (seal !== undefined && share !== undefined) {
          checked[position] = { transaction: { ...transaction, ownShare: { keyId: seal.keyId, share } }, refusal: undefined };
        }
      };
      return checkAll(sealCheckOf, judge, conclude);
    }

    function conclude(): void {
      for (const { transaction, refusal } of checked) if (refusal === undefined) verified.add(transaction.hash);
      done(checked);
    }

    return checkAll(
      ({ signature }) => signature,
      ({ isValid }, position) => {
        if (!isValid) refuse(position, BAD_SIGNATURE);
      },
      () => {
        if (candidates.every(({ seal }) => seal === undefined)) return conclude();
        if (checkSeals()) return;
        for (const [position, { seal }] of candidates.entries()) {
          if (seal !== undefined && checked[position]?.refusal === undefined) refuse(position, BUSY);
        }
        done(checked);
      },
    );
  }

  function sealCheckOf({ seal }: Candidate): WorkerCheck | undefined {
    const key = seal === undefined ? undefined : options.sealingKey(seal.keyId);
    if (seal === undefined || key === undefined) return undefined;
    return { publicKey: key.publicKey, label: seal.label, sealed: seal.sealed, secretShare: key.secretShare };
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
      const parsed = parse(bytes);
      if (!parsed.ok) return Promise.resolve({ hash: undefined, refusal: parsed.refusal });
      const { hash } = parsed.transaction;
      if (options.isPending(hash) || options.isFinal(hash)) return Promise.resolve({ hash, refusal: undefined });
      const refusal = options.refusalOf(parsed.transaction);
      if (refusal !== undefined) return Promise.resolve({ hash, refusal });
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
    const isTaken = check(candidates, (checked) => {
      const valid: ParsedTransaction[] = [];
      for (const [index, { transaction, refusal }] of checked.entries()) {
        const settle = settled[index];
        if (settle === undefined) continue;
        if (isStopped) settle(STOPPING);
        else if (refusal !== undefined) settle(refusal);
        else if (awaitVerdict(transaction, settle, arrivedAtMs)) valid.push(transaction);
      }
      if (valid.length > 0) options.submit({ type: "transactions", source: { type: "client" }, transactions: valid });
    });
    if (!isTaken) for (const settle of settled) settle(BUSY);
  }

  /** True when the machine is to be asked; false when it is asked about the same transaction already. */
  function awaitVerdict({ hash, sealed }: ParsedTransaction, settle: Settle, atMs: number): boolean {
    admissionCount += 1;
    const admission = admissions.get(hash);
    const arrival = { atMs, isSealed: sealed !== undefined };
    if (admission === undefined) admissions.set(hash, { arrival, settles: [settle] });
    else admission.settles.push(settle);
    return admission === undefined;
  }

  /** `judge`: undefined takes it, "known" passes it over, a refusal drops it. Resolves as `fromGossip` says. */
  async function fromPeer(source: TransactionSource, encoded: readonly Uint8Array[], judge: Judge): Promise<boolean> {
    const verdicts: Promise<PeerVerdict>[] = [];
    for (let start = 0; start < encoded.length; start += SLICE) {
      const candidates: Candidate[] = [];
      let verdict: PeerVerdict = "useless";
      for (const bytes of encoded.slice(start, start + SLICE)) {
        const parsed = parse(bytes);
        const judged = parsed.ok ? judge(parsed.transaction) : parsed.refusal;
        if (parsed.ok && judged === undefined) candidates.push(parsed);
        else if (judged === "known") verdict = together(verdict, "useful");
        else if (judged !== undefined && (!parsed.ok || isPeersFault(judged, parsed.transaction))) {
          penalizeSource(source);
          verdict = "wrong";
        }
      }
      const first = verdict;
      verdicts.push(checkSlice(source, candidates).then((second) => together(first, second)));
    }
    return (await Promise.all(verdicts)).reduce(together, "useless") === "useful";
  }

  function checkSlice(source: TransactionSource, candidates: readonly Candidate[]): Promise<PeerVerdict> {
    if (candidates.length === 0) return Promise.resolve("useless");
    if (isStopped) return Promise.resolve("wrong");
    return new Promise((resolve) => {
      const isTaken = check(candidates, (checked) => {
        const transactions = checked.flatMap(({ transaction, refusal }) => (refusal === undefined ? [transaction] : []));
        const isForged = checked.some(({ transaction, refusal }) => isPeersFault(refusal, transaction));
        if (isForged) penalizeSource(source);
        if (transactions.length > 0) options.submit({ type: "transactions", source, transactions });
        if (isForged || checked.some(({ refusal }) => refusal === BUSY)) resolve("wrong");
        else resolve(transactions.length > 0 ? "useful" : "useless");
      });
      if (isTaken) return;
      droppedBatches += 1;
      resolve("wrong");
    });
  }

  /** Would an honest node have refused it as well, wherever it stands? */
  function isPeersFault(refusal: Refusal | undefined, { expiryHeight }: ParsedTransaction): boolean {
    if (refusal === undefined) return false;
    const { code } = refusal;
    // Whoever was cut off holds what has expired meanwhile; and it is we who are behind when all others' heights are too far.
    if (code === "expired") return expiryHeight + SEALED_EXPIRY_HEIGHTS_MAX < options.finalHeight();
    if (code !== SEALED_REFUSALS.expiryTooFar.code) return FAULT_CODES.has(code);
    const nearMax = expiryHeight - SEALED_EXPIRY_HEIGHTS_MAX - HEIGHTS_APART_MAX;
    if (nearMax <= options.finalHeight()) return false;
    const peerHeight = options.peerHeight();
    return peerHeight !== undefined && nearMax > peerHeight;
  }

  function penalizeSource(source: TransactionSource): void {
    if (source.type === "peer") options.penalize(source.sender, "invalidTransaction");
  }

  return {
    fromClient,
    fromGossip(sender, encoded) {
      return fromPeer({ type: "peer", sender }, encoded, (transaction) => {
        const { hash } = transaction;
        // What was verified and is not held was refused for lack of room, or overtaken: a repetition must reach the machine.
        return options.isPending(hash) || (verified.has(hash) && options.isFinal(hash)) ? "known" : options.refusalOf(transaction);
      });
    },
    fromRequest(source, encoded) {
      // A proposal waits for it, whatever the pool would say.
      void fromPeer(source, encoded, () => undefined);
    },
    onAdmitted(hash, refusal) {
      const admission = admissions.get(hash);
      if (admission === undefined) return;
      admissions.delete(hash);
      admissionCount -= admission.settles.length;
      if (refusal === undefined) options.onAccepted(hash, admission.arrival);
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
