/** Golden roots of the ledger: a fixed script of blocks that uses every operation, and the root, codes and a proof after each.
 *  Write the file anew, after a deliberate change of format only: node test/conformance/ledger_golden.ts --write */

import { writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { sha256 } from "../../crypto/hashes.ts";
import { LEDGER_LIMITS } from "../../ledger/limits.ts";
import type { TransactionReceipt } from "../../types/application.ts";
import { toHex } from "../../types/bytes.ts";
import { type AccountId, Height } from "../../types/ids.ts";
import { BUILDER_UNBONDING_HEIGHTS } from "../../types/limits.ts";
import type { Operation } from "../../types/transaction.ts";
import {
  ALICE,
  BOB,
  CAROL,
  FEE_ASSET,
  ISSUER,
  LedgerWorld,
  operation,
  type RunResult,
  type SealedPlan,
  testGenesis,
  transfer,
  VALIDATOR_ACCOUNT,
} from "../ledger/ledger_world.ts";

export const LEDGER_GOLDEN_FILE = path.join(import.meta.dirname, "ledger_golden.json");

interface GoldenBlock {
  readonly stateRoot: string;
  readonly codes: readonly (readonly [transaction: number, operations: readonly number[]])[];
}

export interface LedgerGolden {
  readonly chainId: string;
  readonly genesisRoot: string;
  readonly blocks: readonly GoldenBlock[];
  /** A chain that takes builders. */
  readonly built: { readonly genesisRoot: string; readonly blocks: readonly GoldenBlock[]; readonly manifest: string };
  /** A block that Bob built, with a bundle of three groups of which the second fails. */
  readonly bundled: {
    readonly block: GoldenBlock;
    readonly groups: readonly (GoldenBlock["codes"] | { readonly position: number; readonly failed: GoldenBlock["codes"][number] })[];
    readonly changedBuilders: readonly string[];
  };
  /** SHA-256 of the proofs of Alice's account and of an absent one, after the last block. */
  readonly proofs: readonly string[];
  readonly manifest: string;
}

type Script = readonly (readonly [sender: AccountId, operations: readonly Operation[]])[];

const linked = { flags: 1 };
const pend = (amount: bigint, reference: number): Operation => operation("pend", { asset: FEE_ASSET, account: BOB, amount, reference });

/** Blocks of transactions, and the ms that each comes after the one before. */
const SCRIPT: readonly (readonly [afterMs: number, transactions: Script])[] = [
  [
    100,
    [[ALICE, [transfer(BOB, 1_234n), operation("openAccount", { asset: FEE_ASSET, account: CAROL }), transfer(CAROL, 2n ** 16n - 1n)]]],
  ],
  [
    100,
    [
      [ALICE, [operation("registerAsset", { asset: 1, amount: 18n }), operation("openAccount", { asset: 1, account: BOB })]],
      [ALICE, [transfer(BOB, 2n ** 127n, { asset: 1 }), transfer(BOB, 2n ** 127n, { asset: 1 }), transfer(BOB, 2n ** 64n, { asset: 1 })]],
      [BOB, [pend(5n, 10), operation("transfer")]],
    ],
  ],
  [100, [[ALICE, [pend(500n, 150), pend(600n, 0), pend(700n, 150), pend(800n, 1_000)]]]],
  [
    100,
    [
      [
        BOB,
        [
          operation("post", { account: ALICE, reference: 3, index: 0, amount: 499n }),
          operation("void", { account: ALICE, reference: 3, index: 1 }),
        ],
      ],
    ],
  ],
  [100, [[CAROL, [transfer(BOB, 1n, linked), transfer(ISSUER, 2n, linked), transfer(ALICE, 10n ** 9n), transfer(ALICE, 3n)]]]],
  [0, []],
  [100, Array.from({ length: 40 }, (_, index): Script[number] => [BOB, [transfer(ALICE, BigInt(index) + 1n)]])],
];

/** The sealed lane of the last block: two contents, one of which FAILED, then one too many operations. */
const LANE: readonly SealedPlan[] = [
  { sender: ALICE, content: [transfer(BOB, 11n, linked), transfer(CAROL, 12n), pend(13n, 400)], gasLimit: 5, fee: 77 },
  { sender: BOB, content: "badBody" },
  { sender: BOB, content: [transfer(ALICE, 1n), transfer(ALICE, 2n)], gasLimit: 1 },
];

export function ledgerGolden(): LedgerGolden {
  const world = new LedgerWorld({ limits: LEDGER_LIMITS });
  const genesisRoot = world.ledger.root;
  const blocks = SCRIPT.map(([afterMs, transactions]): GoldenBlock => {
    const { receipts, stateRoot } = world.run(
      transactions.map(([sender, operations]) => world.payload(sender, operations)),
      afterMs,
    );
    return goldenBlock({ stateRoot, receipts });
  });
  const lane = world.run(
    [world.payload(CAROL, [transfer(ALICE, 1n)])],
    100,
    LANE.map((plan) => world.sealed(plan)),
  );
  blocks.push(goldenBlock(lane));
  const queries = [
    { account: ALICE, asset: FEE_ASSET },
    { account: ALICE, asset: 2 },
  ];
  const proofs = queries.map((query) => toHex(sha256(world.ledger.queryAccount(query).proof)));
  const [built, bundled] = [builtGolden(), bundledGolden()];
  return { chainId: world.chainId, genesisRoot, blocks, built, bundled, proofs, manifest: toHex(sha256(world.ledger.snapshot().manifest)) };
}

/** Registration, a block that Bob built and whose bundle failed, unbonding, and the bond back when its heights have passed. */
function builtGolden(): LedgerGolden["built"] {
  const world = new LedgerWorld({ genesis: testGenesis({ builderBondMin: 1_000n }), limits: LEDGER_LIMITS });
  const genesisRoot = world.ledger.root;
  const register = operation("builderRegister", { account: CAROL, amount: 5_000n, asset: 0xc0a80001, index: 8_080 });
  const open = operation("openAccount", { asset: FEE_ASSET, account: CAROL });
  const results = [world.run([world.payload(BOB, [register]), world.payload(ALICE, [open])])];
  const sealed = world.sealed({ sender: ALICE, content: [transfer(CAROL, 9n)] });
  const block = { builder: BOB, value: 321n, proposer: VALIDATOR_ACCOUNT, failed: true };
  results.push(world.run([world.payload(ALICE, [transfer(BOB, 1n)])], 10, [sealed], block));
  results.push(world.run([world.payload(BOB, [operation("builderUnbond"), operation("builderWithdraw")])]));
  for (let height = 1; height < BUILDER_UNBONDING_HEIGHTS; height++) world.run([]);
  const manifest = toHex(sha256(world.ledger.snapshot().manifest));
  const last = world.payload(BOB, [operation("builderWithdraw")], { expiryHeight: Height.of(2_000) });
  results.push(world.run([last]));
  return { genesisRoot, blocks: results.map(goldenBlock), manifest };
}

function bundledGolden(): LedgerGolden["bundled"] {
  const world = new LedgerWorld({ genesis: testGenesis({ builderBondMin: 1_000n }), limits: LEDGER_LIMITS });
  const register = operation("builderRegister", { account: CAROL, amount: 5_000n });
  world.run([world.payload(BOB, [register, operation("openAccount", { asset: FEE_ASSET, account: CAROL })])]);
  const groups = [
    [world.payload(ALICE, [transfer(CAROL, 70n), pend(9n, 500)]), world.payload(BOB, [transfer(ALICE, 8n)])],
    [world.payload(ISSUER, [operation("registerAsset", { asset: 3, amount: 2n })]), world.payload(ALICE, [transfer(ALICE, 1n)])],
    [world.payload(ALICE, [register])],
  ];
  const { result, bundle } = world.runBundle({
    groups,
    lane: [world.sealed({ sender: ALICE, content: [transfer(BOB, 3n)] })],
    payloads: [world.payload(CAROL, [transfer(ALICE, 2n)])],
    built: { builder: BOB, value: 55n, proposer: VALIDATOR_ACCOUNT, failed: false },
  });
  const codesOf = ({ code, operationCodes }: TransactionReceipt) => [code, operationCodes] as const;
  return {
    block: goldenBlock(result),
    groups: bundle.map((group) =>
      group.isIncluded ? group.receipts.map(codesOf) : { position: group.position, failed: codesOf(group.failed) },
    ),
    changedBuilders: (result.builders ?? []).map(({ account, before }) => `${account} ${before?.bond ?? "new"}`),
  };
}

function goldenBlock({ stateRoot, receipts }: Pick<RunResult, "stateRoot" | "receipts">): GoldenBlock {
  return { stateRoot, codes: receipts.map(({ code, operationCodes }) => [code, operationCodes] as const) };
}

if (import.meta.main && process.argv.includes("--write")) {
  writeFileSync(LEDGER_GOLDEN_FILE, `${JSON.stringify(ledgerGolden(), null, 2)}\n`);
}
