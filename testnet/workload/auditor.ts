/** The auditor: executes every final block with an independent model and holds what validators report against it. Four checkers over
 *  one audit, which hears each fact once. It uses facts alone, never the workload's own notes, and none of the validators' code that
 *  parses, judges or executes transactions.
 *
 *  outcomes: receipts, operation codes and state roots of every honest validator, in `saved` and in `finalized`, equal the model's
 *  (roots at the heights where the model's is computed: after ROOT_TRANSACTIONS transactions, and at the head in the end), and what a
 *  validator answers at admission equals the model's verdict when both stand at the same height.
 *  conservation: debits equal credits in the model; from receipts alone nobody overdraws and nothing is posted twice; balances and
 *  supplies of the two computations agree.
 *  bonds: see bond_rules.ts. executedOnce: see executed_once.ts; and nobody honest proposes what it reported as final.
 *  everyTransactionAnswered: what is malformed, badly signed or never submitted is never accepted and never final. At the end each
 *  submission to a validator that ran on has its answer, and each well-formed, well-signed transaction, if submitted at all, is
 *    final, or past its expiry height at the head, or
 *    refused by an honest validator (answer or drop) while the model's verdict at the head is a code too, or
 *    refused for a reason that has passed since: nonceConflict or insufficientForFee.
 *  What one validator reported as final it does not refuse; what it accepted, it drops with a reason when its chain passes the expiry height (promises.ts).
 *  So a transaction that was accepted and forgotten, that nobody answered, or that was refused although nothing is wrong with it,
 *  is a violation, whoever crashed meanwhile: clients ask again. Blocks off the first final chain are left to the agreement checker. */

import { describeCode, TRANSACTION_CODES } from "../../ledger/result_codes.ts";
import type { Genesis } from "../../types/genesis.ts";
import type { ChainId } from "../../types/ids.ts";
import type { CheckedCluster, Checker, Invariant, Violation } from "../checks/checker.ts";
import type { Scenario } from "../scenario/manifest.ts";
import type { Fact, FactOf } from "../simulator/facts.ts";
import { type Answers, createAnswers, lossOf } from "./answers.ts";
import { type AuditedBids, createAuditedBids } from "./audited_bids.ts";
import {
  type AuditedHeight,
  builtDifference,
  bundleDifference,
  difference,
  predictedBundle,
  predictedReceipts,
  type Report,
} from "./audited_height.ts";
import { flawOfFinal, isKeygenMessage, isPromised, judgedOf, sealedOf } from "./audited_transaction.ts";
import { type BondRules, createBondRules } from "./bond_rules.ts";
import { createExecutedOnce } from "./executed_once.ts";
import { type ChainBlock, createFinalChain, type FinalChain } from "./final_chain.ts";
import { type AuditedBlock, createPredictor, type Predictor } from "./predictors.ts";
import { createPromises } from "./promises.ts";
import { createReceiptLedger, imbalance, type ReceiptLedger } from "./receipt_ledger.ts";
import type { SealedTruths } from "./sealed_truths.ts";

export interface AuditorOptions {
  readonly cluster: CheckedCluster;
  readonly scenario: Scenario;
  readonly genesis: Genesis;
  readonly chainId: ChainId;
  /** What clients sealed; left out where nothing is sealed. */
  readonly truths?: SealedTruths;
}

/** The model's root is computed once so many transactions were executed since the last time. */
const ROOT_TRANSACTIONS = 256;
/** Heights within which the first report of a height comes. */
const REPORTS_WITHIN = 64;
/** Heights kept for validators that catch up. */
const HEIGHTS_KEPT = 4_096;

/** The invariants of the header, over one shared audit. */
export function createAuditor(options: AuditorOptions): readonly Checker[] {
  const audit = new Audit(options);
  return AUDITED.map((invariant) => ({
    invariant,
    interests: INTERESTS,
    hearsBuilders: true,
    observe(fact) {
      audit.take(fact);
      return audit.found(invariant);
    },
    finish(atUs) {
      audit.finish(atUs);
      return audit.found(invariant);
    },
  }));
}

const AUDITED = ["outcomes", "bonds", "conservation", "executedOnce", "everyTransactionAnswered"] as const satisfies readonly Invariant[];
const INTERESTS = [
  "submitted",
  "answered",
  "dropped",
  "signedProposal",
  "bidMade",
  "saved",
  "finalized",
  "started",
  "stopped",
  "fault",
  "phase",
  "refusedStart",
  "halted",
] as const;
type Audited = (typeof AUDITED)[number];
const TRANSACTION_CODE_NAMES: ReadonlySet<string> = new Set(Object.keys(TRANSACTION_CODES));

class Audit {
  readonly #cluster: CheckedCluster;
  readonly #isLedger: boolean;
  readonly #predictor: Predictor;
  readonly #chain: FinalChain;
  readonly #answers: Answers;
  readonly #receipts: ReceiptLedger;
  readonly #once = createExecutedOnce();
  readonly #bids: AuditedBids;
  readonly #bonds: BondRules;
  readonly #promises = createPromises((hash) => this.#answers.submitted.get(hash)?.isFinal === true);
  readonly #heights = new Map<number, AuditedHeight>();
  /** Executed height of each validator, as its effects tell. */
  readonly #executed = new Map<number, number>();
  readonly #found = new Map<Audited, Violation>();
  readonly #told = new Set<Audited>();
  /** Reports of heights whose block is not known yet. */
  #early: Report[] = [];
  #followed = 0;
  #sinceRoot = 0;
  #isStuck = false;
  #isFinished = false;
  #last: Fact | undefined;

  constructor({ cluster, scenario, genesis, chainId, truths }: AuditorOptions) {
    this.#cluster = cluster;
    this.#isLedger = scenario.application === "ledger";
    this.#predictor = createPredictor(genesis, chainId);
    const isHonest = (validator: number): boolean => this.#isHonest(validator);
    this.#answers = createAnswers({
      isLedger: this.#isLedger,
      isHonest,
      verify: cluster.verifyEd25519,
      truths: scenario.sealing === undefined ? undefined : truths,
    });
    this.#chain = createFinalChain((hash) => this.#answers.submitted.get(hash)?.bytes);
    this.#receipts = createReceiptLedger(genesis);
    const proposers = genesis.validators.map(({ ed25519PublicKey }) => ed25519PublicKey);
    this.#bonds = createBondRules({ bondMin: genesis.parameters.builderBondMin });
    this.#bids = createAuditedBids({ proposers, verify: cluster.verifyEd25519 });
  }

  /** A machine without a strategy. One on a store that was rolled back contradicts what it signed, not what it executes. */
  #isHonest(validator: number): boolean {
    const { honest, suspects } = this.#cluster;
    return honest.has(validator) || suspects?.has(validator) === true;
  }

  /** Each invariant speaks once. */
  found(invariant: Audited): Violation | undefined {
    const violation = this.#found.get(invariant);
    if (violation === undefined || this.#told.has(invariant)) return undefined;
    this.#told.add(invariant);
    return violation;
  }

  take(fact: Fact): void {
    if (fact === this.#last) return;
    this.#last = fact;
    switch (fact.type) {
      case "submitted":
        return this.#answers.noteSubmitted(fact);
      case "answered":
        return this.#onAnswered(fact);
      case "bidMade":
        return this.#bids.noteBid(fact);
      case "signedProposal":
        return this.#isHonest(fact.validator) ? this.#onProposal(fact) : undefined;
      case "dropped":
        this.#promises.noteDropped(fact);
        return this.#answers.noteDropped(fact);
      case "saved":
        return this.#isHonest(fact.validator) ? this.#onSaved(fact) : undefined;
      case "finalized":
        return this.#isHonest(fact.validator) ? this.#onFinalized(fact) : undefined;
      case "started":
        this.#executed.set(fact.validator, fact.finalHeight);
        this.#promises.noteLife(fact.validator);
        return this.#answers.noteUp(fact.validator);
      case "stopped":
      case "halted":
      case "refusedStart":
        return this.#answers.noteDown(fact.validator);
      case "fault":
        if (fact.fault.action.type === "pause" && fact.edge === "begin") this.#answers.notePaused(fact.fault.action.validator);
        return;
      case "phase":
        return fact.phase === "heal" ? this.#answers.noteHealed() : undefined;
      default:
        return;
    }
  }

  finish(atUs: number): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    if (!this.#isStuck) this.#finishChain(atUs);
    if (this.#cluster.expect === "break") return;
    const owed = this.#answers.unanswered(atUs);
    if (owed !== undefined) {
      const detail = `Validator ${owed.validator} never answered what client ${owed.client} submitted at ${owed.atUs} µs, although it ran on.`;
      this.#report("everyTransactionAnswered", { kind: "liveness", atUs, validators: [owed.validator], detail });
    }
    if (!this.#isStuck) this.#findLoss(atUs);
  }

  #report(invariant: Audited, violation: Omit<Violation, "invariant">): void {
    if (!this.#found.has(invariant)) this.#found.set(invariant, { invariant, ...violation });
  }

  #onSaved(fact: FactOf<"saved">): void {
    const { durable, validator, atUs } = fact;
    this.#promised(this.#bonds.noteSaved(fact), fact);
    if (durable.blocks.length > 0 || durable.finality.length > 0) this.#chain.noteSaved(fact);
    if (durable.finality.length > 0) this.#advance(validator, atUs);
    for (const entry of durable.operations) this.#compare({ validator, atUs, entry });
  }

  #promised(detail: string | undefined, { validator, atUs }: { readonly validator: number; readonly atUs: number }): void {
    if (detail !== undefined) this.#report("bonds", { kind: "safety", atUs, validators: [validator], detail });
  }

  #onProposal(fact: FactOf<"signedProposal">): void {
    const { validator, atUs } = fact;
    const again = this.#promises.noteProposal(fact);
    if (again !== undefined) this.#report("executedOnce", { kind: "safety", atUs, validators: [validator], detail: again });
  }

  #onFinalized(fact: FactOf<"finalized">): void {
    const { blocks, validator, atUs } = fact;
    const silent = this.#promises.noteFinalized(fact);
    if (silent !== undefined) this.#report("everyTransactionAnswered", { kind: "liveness", atUs, validators: [validator], detail: silent });
    for (const block of blocks) this.#chain.noteFinalized(block);
    this.#advance(validator, atUs);
    for (const { header, blockHash, stateRoot, receipts, built, bundle = [] } of blocks) {
      const bundleReceipts = bundle.flatMap(({ result }) => (result !== "unfit" && result.isIncluded ? result.receipts : []));
      const entry = { height: header.height, blockHash, stateRoot, receipts, bundleReceipts, openings: [] };
      this.#compare({ validator, atUs, entry, built: { told: built } });
      this.#executed.set(validator, header.height);
    }
  }

  #advance(validator: number, atUs: number): void {
    for (
      let block = this.#isStuck ? undefined : this.#chain.next();
      block !== undefined;
      block = this.#isStuck ? undefined : this.#chain.next()
    ) {
      this.#execute(block, { validator, atUs });
    }
    if (this.#early.length === 0) return;
    const early = this.#early;
    this.#early = [];
    for (const report of early) this.#compare(report);
  }

  #execute(block: ChainBlock, by: { readonly validator: number; readonly atUs: number }): void {
    const { header, blockHash } = block;
    const transactions: AuditedBlock["transactions"][number][] = [];
    for (const { hash, bytes } of block.transactions) {
      const known = this.#answers.submitted.get(hash);
      if (known === undefined && isKeygenMessage(this.#cluster, bytes)) {
        transactions.push({ hash, payload: undefined, isKeygen: true });
        continue;
      }
      const flaw = flawOfFinal(known, bytes, { isLedger: this.#isLedger });
      if (flaw !== undefined) {
        const detail = `The final block ${blockHash} at height ${header.height} holds transaction ${hash}, ${flaw}.`;
        this.#report("everyTransactionAnswered", { kind: "safety", atUs: by.atUs, validators: [by.validator], detail });
        if (known === undefined && this.#isLedger) this.#isStuck = true;
      }
      if (known !== undefined) known.isFinal = true;
      transactions.push({ hash, payload: known?.payload, sealed: known === undefined ? undefined : sealedOf(known) });
    }
    if (this.#isStuck) return;
    const origin = this.#bids.originOf(header);
    if (origin.type === "unknown") {
      this.#isStuck = true;
      const detail = `The final block ${blockHash} at height ${header.height} is built from bid ${header.bidHash}, which nobody made.`;
      return this.#report("outcomes", { kind: "safety", atUs: by.atUs, validators: [by.validator], detail });
    }
    const audited: AuditedBlock = { header, blockHash, transactions, ...(origin.type === "self" ? {} : origin) };
    const expected = this.#predictor.execute(audited);
    if (this.#predictor.model !== undefined) this.#promised(this.#bonds.noteExecuted(this.#predictor.model), by);
    this.#sinceRoot += transactions.length;
    const isRootDue = !this.#isLedger || this.#sinceRoot >= ROOT_TRANSACTIONS;
    if (isRootDue) this.#sinceRoot = 0;
    this.#heights.set(header.height, {
      block: audited,
      expected,
      root: isRootDue ? this.#predictor.root() : undefined,
      reported: undefined,
    });
    for (const { hash } of predictedBundle({ block: audited, expected })) this.#answers.noteFinal(hash);
    this.#heights.delete(header.height - HEIGHTS_KEPT);
  }

  /** outcomes: one validator's report of one height. */
  #compare(report: Report): void {
    const { validator, atUs, entry } = report;
    if (this.#isStuck) return;
    if (entry.height > this.#predictor.height) {
      if (this.#early.length < HEIGHTS_KEPT) this.#early.push(report);
      return;
    }
    const height = this.#heights.get(entry.height);
    if (height === undefined || height.block.blockHash !== entry.blockHash) return;
    const flaw = height.reported?.receipts === entry.receipts ? undefined : difference(height, entry.receipts);
    const wrongRoot =
      height.root !== undefined && height.root !== entry.stateRoot ? `state root ${entry.stateRoot}, predicted ${height.root}` : undefined;
    const wrongBuilt = report.built === undefined ? undefined : builtDifference(height.block.built, report.built.told);
    const what = flaw ?? bundleDifference(height, entry.bundleReceipts) ?? wrongBuilt ?? wrongRoot;
    if (what !== undefined) {
      const detail = `Validator ${validator} at height ${entry.height}: ${what}.`;
      this.#report("outcomes", { kind: "safety", atUs, validators: [validator], detail });
    }
    height.reported ??= entry;
    this.#follow([validator], atUs);
  }

  /** conservation and executedOnce: the reported receipts, height by height. */
  #follow(validators: readonly number[], atUs: number): void {
    for (let next = this.#heights.get(this.#followed + 1); next !== undefined; next = this.#heights.get(this.#followed + 1)) {
      // A report that a crash swallowed is made up for by the prediction, once nobody can bring it any more.
      const isOver = this.#isFinished || this.#followed + REPORTS_WITHIN < this.#predictor.height;
      const { block } = next;
      const receipts = next.reported?.receipts ?? (isOver ? predictedReceipts(next) : undefined);
      if (receipts === undefined) return;
      this.#followed += 1;
      const isHonestProposer = this.#cluster.honest.has(block.header.proposer);
      const bundleReceipts = next.reported?.bundleReceipts ?? predictedBundle(next);
      const twice = this.#once.take({ block, receipts, bundleReceipts, isHonestProposer });
      if (twice !== undefined) this.#report("executedOnce", { kind: "safety", atUs, validators, detail: twice });
      const made = this.#isLedger ? this.#receipts.take(block, receipts, bundleReceipts) : undefined;
      if (made !== undefined) this.#report("conservation", { kind: "safety", atUs, validators, detail: `${made}.` });
      if (next.root !== undefined) this.#balance(validators, atUs);
    }
  }

  /** conservation: the model in itself, and against the balances that receipts lead to. */
  #balance(validators: readonly number[], atUs: number): void {
    const { model } = this.#predictor;
    if (model === undefined || this.#followed !== model.height) return;
    const detail = imbalance(model, this.#receipts);
    if (detail !== undefined) this.#report("conservation", { kind: "safety", atUs, validators, detail });
  }

  #onAnswered(fact: FactOf<"answered">): void {
    const { atUs, validator, hash, refusal } = fact;
    const wrong = this.#answers.noteAnswered(fact);
    if (wrong !== undefined) this.#report("everyTransactionAnswered", { kind: "safety", atUs, validators: [validator], detail: wrong });
    const entry = hash === undefined ? undefined : this.#answers.submitted.get(hash);
    if (!this.#isHonest(validator)) return;
    const refused = this.#promises.noteAnswered(fact, entry?.expiryHeight);
    if (refused !== undefined) this.#report("everyTransactionAnswered", { kind: "safety", atUs, validators: [validator], detail: refused });
    const judged = entry === undefined ? undefined : judgedOf(entry);
    if (judged === undefined || entry?.isSigned !== true || this.#isStuck) return;
    if (this.#executed.get(validator) !== this.#predictor.height || this.#chain.missing !== undefined) return;
    const verdict = describeCode(this.#predictor.judge(judged));
    // Acceptance is a verdict only when the validator cannot have had the transaction already.
    const isFirst = entry.submissions === 1 && entry.answers === 1 && entry.firstValidator === validator;
    const isWrong =
      refusal === undefined
        ? isFirst && verdict !== "ok"
        : TRANSACTION_CODE_NAMES.has(refusal.code) && refusal.code !== verdict && !isPromised(entry, refusal.code);
    if (!isWrong) return;
    const detail = `Validator ${validator} answered ${refusal?.code ?? "accepted"} to transaction ${hash}; after height ${this.#predictor.height} the verdict is ${verdict}.`;
    this.#report("outcomes", { kind: refusal === undefined ? "safety" : "liveness", atUs, validators: [validator], detail });
  }

  #finishChain(atUs: number): void {
    const { missing } = this.#chain;
    if (missing !== undefined) {
      const detail = `Height ${missing} is final, and no honest validator ever saved its block or reported it with known transactions.`;
      this.#report("outcomes", { kind: "safety", atUs, validators: [], detail });
      return;
    }
    const head = this.#heights.get(this.#predictor.height);
    if (head === undefined) return;
    const root = this.#predictor.root();
    if (head.reported !== undefined && head.reported.stateRoot !== root) {
      const detail = `At the head, height ${this.#predictor.height}: state root ${head.reported.stateRoot}, predicted ${root}.`;
      this.#report("outcomes", { kind: "safety", atUs, validators: [], detail });
    }
    this.#follow([], atUs);
    this.#balance([], atUs);
  }

  #findLoss(atUs: number): void {
    const headHeight = this.#predictor.height;
    for (const entry of this.#answers.submitted.values()) {
      if (entry.isFinal || !entry.isSigned) continue;
      const verdict = describeCode(this.#predictor.judge(judgedOf(entry)));
      const loss = lossOf(entry, { headHeight, verdict });
      if (loss === undefined) continue;
      const since = `submitted first at ${entry.firstAtUs} µs to validator ${entry.firstValidator}`;
      const detail = `Transaction ${entry.hash} of client ${entry.client}, ${since}, is not final at height ${headHeight}: ${loss}; the verdict is ${verdict}.`;
      return this.#report("everyTransactionAnswered", { kind: "liveness", atUs, validators: [], detail });
    }
  }
}
