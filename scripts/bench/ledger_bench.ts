/** What the ledger costs, without signatures and network: per operation, per dirty leaf of the tree, per parse, per snapshot; each
 *  also as a ratio to hashing 64 bytes in the same run, which is what survives a move to another machine.
 *  Run: node scripts/bench/ledger_bench.ts [accounts] */

import process from "node:process";
import { chainIdOf, sha256 } from "../../crypto/hashes.ts";
import { createLedger, type Ledger } from "../../ledger/ledger.ts";
import type { PairHasher } from "../../ledger/pair_hasher.ts";
import { wasmPairHasher } from "../../ledger/pair_hasher_wasm.ts";
import type { ParsedTransaction } from "../../types/application.ts";
import { toHex } from "../../types/bytes.ts";
import type { Genesis } from "../../types/genesis.ts";
import { type AccountId, type ChainId, Epoch, Height, TimestampMs } from "../../types/ids.ts";
import { buildTransaction, OPERATION_KINDS, type Operation } from "../../types/transaction.ts";

/** Microseconds of CPU unless the name says otherwise. `perHash64` is a figure divided by `hash64Us`. */
export interface LedgerBenchReport {
  readonly hasher: string;
  readonly accounts: number;
  readonly hash64Us: number;
  readonly hash64BatchUs: number;
  readonly operationUsIn64: number;
  readonly operationUsIn1: number;
  /** Of one transaction in a simulated group of its own: execution and taking it back, without hashing. */
  readonly simulateUsIn1: number;
  readonly rootUsPerDirtyLeaf: number;
  readonly parseUs64: number;
  readonly parseUs1: number;
  readonly checkUs: number;
  readonly openAccountUs: number;
  readonly snapshotMs: number;
  readonly snapshotMsPerMiB: number;
  readonly copyOnWriteUsPerPage: number;
  readonly restoreMsPerMiB: number;
  readonly perHash64: Readonly<Record<"operationIn64" | "operationIn1" | "rootPerDirtyLeaf", number>>;
}

interface World {
  readonly ledger: Ledger;
  readonly genesis: Genesis;
  readonly chainId: ChainId;
  readonly accounts: readonly AccountId[];
  readonly nonces: Map<number, number>;
}

const FEE_ASSET = 0;
const IDLE: Operation = { kind: 0, flags: 0, index: 0, asset: 0, account: "0".repeat(64) as AccountId, amount: 0n, reference: 0 };

export async function benchLedger(options: { readonly accounts: number }): Promise<LedgerBenchReport> {
  const hasher = await loadHasher();
  const world = createWorld(options.accounts, hasher);
  const hash64Us = medianUs(5, 20_000, () => sha256(new Uint8Array(64)));
  const hash64BatchUs = medianUs(5, 20, () => hasher.hashPairs(PAIRS, PARENTS)) / (PAIRS.length / 64);
  for (let warm = 0; warm < 4; warm++) runBlocks(world, { transactions: 200, operations: 64 });
  const many = medianBlock(world, { transactions: 400, operations: 64 });
  for (let warm = 0; warm < 2; warm++) runBlocks(world, { transactions: 2_000, operations: 1 });
  const single = medianBlock(world, { transactions: 8_000, operations: 1 });
  const simulateUsIn1 = benchSimulation(world);
  const opening = openAccounts(world);
  const snapshot = benchSnapshot(world, hasher);
  const rootUsPerDirtyLeaf = benchRoot(world);
  return {
    hasher: hasher.name,
    accounts: options.accounts,
    hash64Us,
    hash64BatchUs,
    operationUsIn64: many.executeUs / (400 * 64),
    operationUsIn1: single.executeUs / 8_000,
    simulateUsIn1,
    rootUsPerDirtyLeaf,
    parseUs64: many.parseUs / 400,
    parseUs1: single.parseUs / 8_000,
    checkUs: single.checkUs / 8_000,
    openAccountUs: opening,
    ...snapshot,
    perHash64: {
      operationIn64: many.executeUs / (400 * 64) / hash64Us,
      operationIn1: single.executeUs / 8_000 / hash64Us,
      rootPerDirtyLeaf: rootUsPerDirtyLeaf / hash64Us,
    },
  };
}

const PAIRS = new Uint8Array(64 * 1_024);
const PARENTS = new Uint8Array(32 * 1_024);

async function loadHasher(): Promise<PairHasher> {
  try {
    return (await import("../../ledger/pair_hasher_native.ts")).nativePairHasher;
  } catch (cause) {
    process.stderr.write(`no native hasher here: ${String(cause)}\n`);
    return wasmPairHasher;
  }
}

function createWorld(count: number, hasher: PairHasher): World {
  const accounts = Array.from({ length: count }, (_, index) => toHex<AccountId>(sha256(Uint8Array.of(index, index >> 8, index >> 16))));
  const genesis: Genesis = {
    name: "ledger bench",
    application: "ledger",
    timeMs: TimestampMs.of(1_000_000),
    epoch: Epoch.ZERO,
    parameters: {
      deltaMsMin: 1,
      deltaMsMax: 2,
      heartbeatMs: 1,
      feeAsset: FEE_ASSET,
      feePerTransaction: 1,
      feePerOperation: 1,
      sealingSuite: 0,
      keygenWindowMs: 2_000,
      builderBondMin: 1n,
    },
    validators: [
      {
        blsPublicKey: new Uint8Array(48),
        blsPossession: new Uint8Array(96),
        sealingPublicKey: new Uint8Array(32),
        ed25519PublicKey: "11".repeat(32) as Genesis["validators"][number]["ed25519PublicKey"],
        weight: 1,
      },
    ],
    assets: [{ asset: FEE_ASSET, decimals: 2, issuer: "22".repeat(32) as AccountId }],
    balances: accounts.slice(0, 65_536).map((account) => ({ account, asset: FEE_ASSET, amount: 10n ** 15n })),
  };
  const chainId = chainIdOf(genesis);
  const world: World = { ledger: createLedger({ genesis, chainId, hasher }), genesis, chainId, accounts, nonces: new Map() };
  for (let start = 65_536; start < count; start += 64 * 512) {
    const opened = accounts.slice(start, start + 64 * 512);
    const groups = Array.from({ length: Math.ceil(opened.length / 64) }, (_, group) => opened.slice(group * 64, group * 64 + 64));
    execute(
      world,
      groups.map((group, index) =>
        build(
          world,
          index,
          group.map((account) => ({ ...IDLE, kind: OPERATION_KINDS.openAccount, account })),
        ),
      ),
    );
  }
  return world;
}

function build(world: World, sender: number, operations: readonly Operation[]): Uint8Array {
  const nonce = world.nonces.get(sender) ?? 0;
  world.nonces.set(sender, nonce + 1);
  const payload = {
    chainId: world.chainId,
    sender: world.accounts[sender] as AccountId,
    nonce,
    expiryHeight: Height.of(1_000_000),
    feeMax: 10_000n,
    operations,
  };
  return buildTransaction({ payload, sign: () => new Uint8Array(64) });
}

function parse(world: World, bytes: Uint8Array): ParsedTransaction {
  const parsed = world.ledger.parse(bytes);
  if (!parsed.ok) throw new Error(`bench built a transaction that does not parse: ${parsed.refusal.code}`);
  return parsed.transaction;
}

function execute(world: World, transactions: readonly Uint8Array[]): void {
  const height = Height.next(world.ledger.height);
  const parsed = transactions.map((bytes) => parse(world, bytes));
  const { receipts } = world.ledger.execute({ height, timeMs: TimestampMs.of(1_000_000 + height), transactions: parsed, opened: [] });
  const failed = receipts.find((receipt) => receipt.code !== 0);
  if (failed !== undefined) throw new Error(`bench transaction failed: ${world.ledger.describeCode(failed.code)}`);
}

/** One block of transfers between scattered accounts; payees stride over all accounts. */
function runBlocks(world: World, shape: { readonly transactions: number; readonly operations: number }) {
  const { accounts, ledger } = world;
  const funded = Math.min(accounts.length, 65_536);
  let payee = ledger.height * 7_919;
  const bytes = Array.from({ length: shape.transactions }, (_, index) => {
    const sender = (index * 131) % funded;
    const operations = Array.from({ length: shape.operations }, () => {
      payee = (payee + 7_919) % accounts.length;
      if (payee === sender) payee = (payee + 1) % accounts.length;
      return { ...IDLE, kind: OPERATION_KINDS.transfer, account: accounts[payee] as AccountId, amount: 3n };
    });
    return build(world, sender, operations);
  });
  const parsing = elapsedUs(() => bytes.map((each) => parse(world, each)));
  const checking = elapsedUs(() => parsing.value.filter((transaction) => !ledger.check(transaction).ok));
  if (checking.value.length > 0) throw new Error("bench transaction refused");
  const height = Height.next(ledger.height);
  const block = { height, timeMs: TimestampMs.of(1_000_000 + height), transactions: parsing.value, opened: [] };
  const execution = elapsedUs(() => ledger.execute(block));
  if (execution.value.receipts.some((receipt) => receipt.code !== 0)) throw new Error("bench transaction failed");
  return { parseUs: parsing.us, checkUs: checking.us, executeUs: execution.us };
}

/** Medians of several blocks, since other processes share the machine. */
function medianBlock(world: World, shape: { readonly transactions: number; readonly operations: number }) {
  const runs = Array.from({ length: 7 }, () => runBlocks(world, shape));
  return {
    parseUs: median(runs.map(({ parseUs }) => parseUs)),
    checkUs: median(runs.map(({ checkUs }) => checkUs)),
    executeUs: median(runs.map(({ executeUs }) => executeUs)),
  };
}

/** Difference between a block that touches many accounts and one that makes as many transfers between two. */
function benchRoot(world: World): number {
  const { accounts } = world;
  const leaves = Math.min(20_000, accounts.length - 200);
  const measure = (isSpread: boolean): number => {
    const bytes = Array.from({ length: Math.ceil(leaves / 64) }, (_, index) =>
      build(
        world,
        index % 100,
        Array.from({ length: 64 }, (_, operation) => {
          const payee = isSpread ? 200 + (((index * 64 + operation) * 7_919) % (accounts.length - 200)) : 150;
          return { ...IDLE, kind: OPERATION_KINDS.transfer, account: accounts[payee] as AccountId, amount: 1n };
        }),
      ),
    );
    const transactions = bytes.map((each) => parse(world, each));
    const height = Height.next(world.ledger.height);
    return elapsedUs(() => world.ledger.execute({ height, timeMs: TimestampMs.of(1_000_000 + height), transactions, opened: [] })).us;
  };
  measure(true);
  measure(false);
  const [spread, narrow] = [
    median([measure(true), measure(true), measure(true)]),
    median([measure(false), measure(false), measure(false)]),
  ];
  return (spread - narrow) / leaves;
}

function benchSimulation(world: World): number {
  const { ledger, accounts } = world;
  const count = 4_000;
  const groups = Array.from({ length: count }, (_, index) => {
    const account = accounts[(index * 7_919 + 1) % accounts.length] as AccountId;
    const bytes = build(world, index * 3, [{ ...IDLE, kind: OPERATION_KINDS.transfer, account, amount: 3n }]);
    return { transactions: [parse(world, bytes)], isAllOrNone: true };
  });
  const height = Height.next(ledger.height);
  const simulation = { height, timeMs: TimestampMs.of(1_000_000 + height), payee: accounts[0] as AccountId, groups };
  const rounds = Array.from({ length: 7 }, () => elapsedUs(() => ledger.simulate?.(simulation)));
  if (rounds[0]?.value?.every(({ result }) => result.isIncluded) !== true) throw new Error("bench simulation failed");
  return median(rounds.map(({ us }) => us)) / count;
}

function openAccounts(world: World): number {
  const fresh = Array.from({ length: 4_096 }, (_, index) => toHex<AccountId>(sha256(Uint8Array.of(9, 9, index, index >> 8))));
  const bytes = Array.from({ length: 64 }, (_, index) =>
    build(
      world,
      index,
      fresh.slice(index * 64, index * 64 + 64).map((account) => ({ ...IDLE, kind: OPERATION_KINDS.openAccount, account })),
    ),
  );
  return elapsedUs(() => execute(world, bytes)).us / fresh.length;
}

function benchSnapshot(world: World, hasher: PairHasher) {
  const { ledger, genesis, chainId } = world;
  const shape = { transactions: 100, operations: 64 };
  const rounds = Array.from({ length: 5 }, () => {
    const taken = elapsedUs(() => ledger.snapshot());
    const afterSnapshot = runBlocks(world, shape).executeUs;
    return { taken: taken.us, copying: afterSnapshot - runBlocks(world, shape).executeUs };
  });
  const snapshot = ledger.snapshot();
  const mebibytes = snapshot.chunks.reduce((sum, chunk) => sum + chunk.length, 0) / 2 ** 20;
  const target = createLedger({ genesis, chainId, hasher });
  const restoring = elapsedUs(() => target.restore(snapshot));
  if (!restoring.value || target.root !== ledger.root) throw new Error("bench snapshot was not restored");
  const takenMs = median(rounds.map(({ taken }) => taken)) / 1_000;
  return {
    snapshotMs: takenMs,
    snapshotMsPerMiB: takenMs / mebibytes,
    copyOnWriteUsPerPage: median(rounds.map(({ copying }) => copying)) / snapshot.chunks.length,
    restoreMsPerMiB: restoring.us / 1_000 / mebibytes,
  };
}

/** CPU time of this process: the work is synchronous, and neighbours on the machine do not count. */
function elapsedUs<T>(work: () => T): { readonly us: number; readonly value: T } {
  const start = process.cpuUsage();
  const value = work();
  const { user, system } = process.cpuUsage(start);
  return { us: user + system, value };
}

function medianUs(rounds: number, repeats: number, work: () => unknown): number {
  return median(
    Array.from({ length: rounds }, () => {
      const { us } = elapsedUs(() => {
        for (let repeat = 0; repeat < repeats; repeat++) work();
      });
      return us / repeats;
    }),
  );
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[values.length >> 1] as number;
}

if (import.meta.main) {
  const report = await benchLedger({ accounts: Number(process.argv[2] ?? 100_000) });
  process.stdout.write(`${JSON.stringify(report, (_, value) => (typeof value === "number" ? Number(value.toPrecision(4)) : value), 2)}\n`);
}
