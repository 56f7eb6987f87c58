/** A trivial cluster for tests of workload and auditor: one real ledger (or null application), no consensus. It admits, orders by
 *  arrival, executes a block every 50 ms and tells the facts that a simulated cluster of honest validators would tell. Tests plant
 *  lies in the facts on their way to the auditor. */

import { bodyRootOf, chainIdOf, genesisBlockHash, hashHeader } from "../../../crypto/hashes.ts";
import { createLedger } from "../../../ledger/ledger.ts";
import { createNullApplication } from "../../../ledger/null_application.ts";
import type { OperationEntry } from "../../../replica/interface.ts";
import type { CheckedCluster, Checker, Violation } from "../../../testnet/checks/checker.ts";
import type { Scenario } from "../../../testnet/scenario/manifest.ts";
import type { Fact } from "../../../testnet/simulator/facts.ts";
import { createFastSealing } from "../../../testnet/simulator/fast_sealing.ts";
import { createStream } from "../../../testnet/simulator/streams.ts";
import { createAuditor } from "../../../testnet/workload/auditor.ts";
import { createWorkload, WORKLOAD_FEES, type Workload, workloadGenesis } from "../../../testnet/workload/workload.ts";
import type { Application, ParsedTransaction, Refusal } from "../../../types/application.ts";
import { type Block, type BlockHeader, PLAIN_BLOCK } from "../../../types/block.ts";
import type { Genesis } from "../../../types/genesis.ts";
import {
  type BlockHash,
  Epoch,
  Height,
  TimestampMs,
  type TransactionHash,
  ValidatorIndex,
  type ValidatorSetHash,
  View,
} from "../../../types/ids.ts";
import type { Certificate } from "../../../types/vote.ts";
import { createFastBls, createFastEd25519 } from "../../support/fast_bls.ts";

const STEP_US = 10_000;
const BLOCK_US = 50_000;
const GENESIS_TIME_MS = 1_700_000_000_000;
const SETTLE_US = 40_000_000;

export interface SequencerOptions {
  readonly seed: number;
  readonly scenario?: Partial<Scenario>;
  readonly perSecond?: number;
  readonly mix?: Partial<Scenario["workload"]["mix"]>;
  /** What the auditor and the workload hear instead of this fact; an empty list: nothing. */
  readonly tamper?: (fact: Fact) => readonly Fact[];
  /** Accepted, and never ordered. */
  readonly forgets?: (transaction: ParsedTransaction) => boolean;
  /** Ordered twice, by an honest leader. */
  readonly repeats?: (transaction: ParsedTransaction) => boolean;
  readonly isAudited?: boolean;
}

export function scenarioOf({ seed, scenario, perSecond = 200, mix }: SequencerOptions): Scenario {
  const all = { transfer: 3, linked: 2, pend: 3, invalid: 4, duplicate: 1, replay: 2, lie: 2 };
  return {
    version: 1,
    name: "workload test",
    seed,
    weights: [1, 1, 1, 1],
    topology: { type: "uniform", delayMs: [1, 2] },
    protocol: {
      deltaMsMin: 50,
      deltaMsMax: 1_000,
      heartbeatMs: 500,
      proposeDelayMs: 0,
      resendMs: 500,
      blockTransactionsMax: 100,
      poolTransactionsMax: 4_096,
      snapshotBlocks: 100,
      syncMs: [1, 2],
    },
    application: "ledger",
    workload: { clients: 4, perSecond, mix: { ...all, ...mix } },
    faults: [],
    byzantine: [],
    phases: { faultsMs: 6_000, coreHeights: 1, viewsMax: 10, settleMsMax: 1_000 },
    ties: "fifo",
    expect: "pass",
    ...scenario,
  };
}

export class Sequencer {
  readonly scenario: Scenario;
  readonly genesis: Genesis;
  readonly cluster: CheckedCluster;
  readonly workload: Workload;
  readonly checkers: readonly Checker[];
  readonly application: Application;
  readonly violations: Violation[] = [];
  /** Names of the codes seen, by where. */
  readonly codes = { receipts: new Set<string>(), refusals: new Set<string>() };
  readonly submissions: Uint8Array[] = [];
  finalCount = 0;
  readonly #options: SequencerOptions;
  readonly #ed25519 = createFastEd25519();
  readonly #pool = new Map<TransactionHash, ParsedTransaction>();
  readonly #final = new Set<TransactionHash>();
  #parent: { readonly blockHash: BlockHash; readonly header: BlockHeader | undefined };
  nowUs = 0;

  constructor(options: SequencerOptions) {
    this.#options = options;
    const scenario = scenarioOf(options);
    this.scenario = scenario;
    const ed25519 = this.#ed25519;
    this.genesis = genesisOf(scenario, workloadGenesis({ scenario, ed25519 }));
    const chainId = chainIdOf(this.genesis);
    this.#parent = { blockHash: genesisBlockHash(chainId), header: undefined };
    const { genesis } = this;
    this.application = scenario.application === "null" ? createNullApplication({ chainId }) : createLedger({ genesis, chainId });
    this.cluster = {
      weights: scenario.weights,
      domain: { chainId, epoch: Epoch.ZERO, validatorSetHash: "0".repeat(64) as ValidatorSetHash },
      chainId,
      blsPublicKeys: [],
      ed25519PublicKeys: [],
      bls: createFastBls(),
      verifyEd25519: ed25519.verify,
      sealingSuite: createFastSealing(),
      genesisHash: this.#parent.blockHash,
      honest: new Set(scenario.weights.keys()),
      expect: scenario.expect,
    };
    this.workload = createWorkload({ scenario, chainId, stream: createStream(scenario.seed, "workload"), ed25519 });
    this.checkers = options.isAudited === false ? [] : createAuditor({ cluster: this.cluster, scenario, genesis, chainId });
  }

  /** Runs to the end; violations by invariant, first ones only. */
  run(): ReadonlyMap<string, Violation> {
    for (const validator of this.scenario.weights.keys()) {
      this.emit({ type: "started", atUs: 0, validator, life: 1, finalHeight: 0, isSigning: true });
    }
    const endUs = this.scenario.phases.faultsMs * 1_000 + SETTLE_US;
    let isHealed = false;
    while (this.nowUs < endUs && !(isHealed && this.workload.isSettled)) {
      this.nowUs += STEP_US;
      for (const { client, validator, bytes } of this.workload.due(this.nowUs)) this.#submit({ client, validator, bytes });
      if (this.nowUs % BLOCK_US === 0) this.#makeBlock();
      if (!isHealed && this.nowUs >= this.scenario.phases.faultsMs * 1_000) {
        isHealed = true;
        this.emit({ type: "phase", atUs: this.nowUs, phase: "heal", core: [] });
      }
    }
    this.#makeBlock();
    for (const checker of this.checkers) this.#note(checker.finish?.(this.nowUs + 60_000_000));
    return new Map(this.violations.map((violation) => [violation.invariant, violation]));
  }

  emit(fact: Fact): void {
    for (const each of this.#options.tamper?.(fact) ?? [fact]) {
      this.workload.observe(each);
      for (const checker of this.checkers) this.#note(checker.observe(each));
    }
  }

  #note(violation: Violation | undefined): void {
    if (violation !== undefined) this.violations.push(violation);
  }

  #submit({ client, validator, bytes }: { readonly client: number; readonly validator: number; readonly bytes: Uint8Array }): void {
    this.submissions.push(bytes);
    const parsed = this.application.parse(bytes);
    const hash = parsed.ok ? parsed.transaction.hash : undefined;
    const atUs = this.nowUs;
    this.emit({ type: "submitted", atUs, validator, client, bytes, hash });
    const refusal = parsed.ok ? this.#admit(parsed) : parsed.refusal;
    if (refusal !== undefined) this.codes.refusals.add(refusal.code);
    this.emit({ type: "answered", atUs, validator, client, hash, refusal });
  }

  #admit({ transaction, signature }: Extract<ReturnType<Application["parse"]>, { ok: true }>): Refusal | undefined {
    const isSigned = signature === undefined || this.#ed25519.verify(signature.publicKey, signature.message, signature.signature);
    if (!isSigned) return { code: "badSignature", canRetry: false, advice: "" };
    const { hash } = transaction;
    if (this.#pool.has(hash) || this.#final.has(hash)) return undefined;
    const checked = this.application.check(transaction);
    if (!checked.ok) return checked.refusal;
    if (this.#options.forgets?.(transaction) !== true) this.#pool.set(hash, transaction);
    return undefined;
  }

  #makeBlock(): void {
    const transactions: ParsedTransaction[] = [];
    for (const [hash, transaction] of this.#pool) {
      this.#pool.delete(hash);
      const checked = this.application.check(transaction);
      if (checked.ok) transactions.push(transaction, ...(this.#options.repeats?.(transaction) === true ? [transaction] : []));
      else this.emit({ type: "dropped", atUs: this.nowUs, validator: 0, hash, refusal: checked.refusal });
    }
    const header = this.#headerOf(transactions);
    const blockHash = hashHeader(header);
    const { height, timeMs } = header;
    const { stateRoot, receipts } = this.application.execute({ height, timeMs, transactions, opened: [] });
    this.#parent = { blockHash, header };
    this.finalCount += transactions.length;
    for (const { hash } of receipts) this.#final.add(hash);
    for (const { code, operationCodes } of receipts) {
      for (const each of [code, ...operationCodes]) this.codes.receipts.add(this.application.describeCode(each));
    }
    const entry: OperationEntry = { height, blockHash, stateRoot, receipts, bundleReceipts: [], openings: [] };
    const block: Block = {
      header,
      parentCertificate: undefined,
      timeoutCertificates: [],
      transactions: transactions.map(({ bytes }) => bytes),
      lists: [],
      signature: NO_BYTES,
    };
    this.#tell(entry, block);
  }

  #tell(entry: OperationEntry, block: Block): void {
    const { height, blockHash } = entry;
    const { header } = block;
    const atUs = this.nowUs;
    const finality = [{ height, blockHash, view: header.view, certificate: CERTIFICATE }];
    for (const validator of this.scenario.weights.keys()) {
      const durable = {
        records: [],
        blocks: [{ blockHash, block }],
        finality,
        operations: [structuredClone(entry)],
        evidence: [],
        shares: [],
      };
      this.emit({ type: "saved", atUs, validator, durable });
      this.emit({ type: "finalized", atUs, validator, blocks: [{ ...structuredClone(entry), header, certificate: CERTIFICATE }] });
    }
  }

  #headerOf(transactions: readonly ParsedTransaction[]): BlockHeader {
    const { blockHash, header } = this.#parent;
    const height = Height.next(this.application.height);
    return {
      epoch: Epoch.ZERO,
      height,
      view: View.of(height),
      proposer: ValidatorIndex.of(0),
      parentHash: blockHash,
      parentView: header?.view ?? View.ZERO,
      timeMs: TimestampMs.of(GENESIS_TIME_MS + Math.floor(this.nowUs / 1_000) + (this.nowUs % BLOCK_US === 0 ? 0 : 1)),
      bodyRoot: bodyRootOf(transactions.map(({ hash }) => hash)),
      transactionCount: transactions.length,
      bodyBytes: 0,
      executedHeight: this.application.height,
      executedRoot: this.application.root,
      ...PLAIN_BLOCK,
    };
  }
}

const NO_BYTES = new Uint8Array(64);
/** Nobody here looks into certificates. */
const CERTIFICATE = {} as Certificate;

function genesisOf(scenario: Scenario, owned: Pick<Genesis, "assets" | "balances">): Genesis {
  const validator = {
    blsPublicKey: new Uint8Array(48),
    blsPossession: new Uint8Array(96),
    sealingPublicKey: new Uint8Array(32),
    weight: 1,
  };
  return {
    name: "workload test",
    application: scenario.application,
    timeMs: TimestampMs.of(GENESIS_TIME_MS),
    epoch: Epoch.ZERO,
    parameters: {
      deltaMsMin: 1,
      deltaMsMax: 2,
      heartbeatMs: 1,
      ...WORKLOAD_FEES,
      sealingSuite: 0,
      keygenWindowMs: 2_000,
      builderBondMin: 0n,
    },
    validators: scenario.weights.map(() => ({
      ...validator,
      ed25519PublicKey: "11".repeat(32) as Genesis["validators"][number]["ed25519PublicKey"],
    })),
    ...owned,
  };
}
