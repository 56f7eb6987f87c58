/** Executes one final block: key generation messages go to the key generation, everything else to the application, and the receipts come
 *  back in the order of the block. The same for blocks that become final now, that catch-up brings and that a restart replays.
 *  B7: a built block pays its proposer, whatever the bundle turned out to be. */

import type { Keygen } from "../mempool/keygen_interface.ts";
import type { Application, BuilderChange, GroupResult, ParsedTransaction, TransactionReceipt } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import { type Bid, hasBundle } from "../types/bid.ts";
import { type BlockHeader, openingCountOf } from "../types/block.ts";
import type { BuiltBlock } from "../types/builder.ts";
import type { AccountId, StateRoot } from "../types/ids.ts";
import type { SignedKeygenMessage } from "../types/keygen.ts";
import type { OpenResult } from "../types/sealing.ts";
import type { VerifyEd25519 } from "../types/suites.ts";
import type { ValidatorSet } from "../types/validator_set.ts";
import { type OpenedBundle, readBundle } from "./bundle.ts";
import type { BundleGroup } from "./interface.ts";
import type { ParseTransaction } from "./parse.ts";

export interface ApplicableBlock {
  readonly header: BlockHeader;
  readonly transactions: readonly ParsedTransaction[];
  readonly bid: Bid | undefined;
  /** What the sealed lane turned out to be, one per sealed transaction, and then the bundle. */
  readonly opened: readonly OpenResult[];
}

/** What blocks are executed with. */
export interface ExecutionParts {
  readonly application: Application;
  readonly keygen: Keygen | undefined;
  readonly parse: ParseTransaction;
  readonly verifyEd25519: VerifyEd25519;
  readonly validators: ValidatorSet;
}

export interface AppliedBlock {
  readonly stateRoot: StateRoot;
  readonly receipts: readonly TransactionReceipt[];
  /** Of the bundle's transactions that were included, in the order in which they ran. */
  readonly bundleReceipts: readonly TransactionReceipt[];
  /** These transactions themselves. */
  readonly bundleTransactions: readonly ParsedTransaction[];
  readonly built: BuiltBlock | undefined;
  readonly bundle: readonly BundleGroup[] | undefined;
  readonly changes: readonly BuilderChange[];
}

/** A key generation message that counted has this code; one that did not, a bare 1. */
const KEYGEN_CODES = { counted: 0, ignored: 1 } as const;

export function applyBlock(parts: ExecutionParts, block: ApplicableBlock): AppliedBlock {
  const { application, keygen } = parts;
  const { header, transactions, opened } = block;
  const { height, timeMs, sealedCount } = header;
  assert(opened.length === openingCountOf(header), "a block is executed when its sealed lane and its bundle are opened");
  const messages: SignedKeygenMessage[] = [];
  const ledgerTransactions: ParsedTransaction[] = [];
  for (const transaction of transactions) {
    if (transaction.keygen === undefined) ledgerTransactions.push(transaction);
    else messages.push(transaction.keygen);
  }
  const bundle = bundleOf(parts, block);
  const groups = bundle?.groups.flatMap((group) => (group.transactions === undefined ? [] : [group.transactions]));
  const built = builtOf(parts.validators, block, bundle);
  const lane = opened.slice(0, sealedCount);
  const result = application.execute({ height, timeMs, transactions: ledgerTransactions, opened: lane, built, bundle: groups });
  const verdicts = keygen?.apply({ height, timeMs, messages }) ?? [];
  const told = bundle === undefined ? undefined : tellGroups(bundle, result.bundle ?? []);
  return {
    stateRoot: result.stateRoot,
    receipts: messages.length === 0 ? result.receipts : mergeReceipts(transactions, result.receipts, verdicts),
    bundleReceipts: told === undefined ? [] : told.flatMap(({ result: of }) => (of !== "unfit" && of.isIncluded ? of.receipts : [])),
    bundleTransactions: groups?.flatMap((group, index) => (result.bundle?.[index]?.isIncluded === true ? group : [])) ?? [],
    built,
    bundle: told,
    changes: result.builders ?? [],
  };
}

function bundleOf(parts: ExecutionParts, { header, bid, opened }: ApplicableBlock): OpenedBundle | undefined {
  if (!hasBundle(bid)) return undefined;
  return readBundle(opened[header.sealedCount] as OpenResult, { ...parts, height: header.height });
}

function builtOf(validators: ValidatorSet, { header, bid }: ApplicableBlock, bundle: OpenedBundle | undefined): BuiltBlock | undefined {
  if (bid === undefined) return undefined;
  const proposer = validators.validators[header.proposer];
  assert(proposer !== undefined, "a final block's proposer is in the set");
  const { builder, value } = bid;
  return { builder, value, proposer: proposer.ed25519PublicKey as string as AccountId, failed: bundle?.hasFailed === true };
}

/** The results of the groups that ran, among those that could not. */
function tellGroups({ groups }: OpenedBundle, results: readonly GroupResult[]): readonly BundleGroup[] {
  let next = 0;
  return groups.map(({ hashes, transactions }) => ({
    hashes,
    result: transactions === undefined ? "unfit" : (results[next++] as GroupResult),
  }));
}

function mergeReceipts(
  transactions: readonly ParsedTransaction[],
  receipts: readonly TransactionReceipt[],
  verdicts: readonly string[],
): readonly TransactionReceipt[] {
  let nextReceipt = 0;
  let nextVerdict = 0;
  return transactions.map((transaction): TransactionReceipt => {
    if (transaction.keygen === undefined) return receipts[nextReceipt++] as TransactionReceipt;
    const code = verdicts[nextVerdict++] === "counted" ? KEYGEN_CODES.counted : KEYGEN_CODES.ignored;
    return { hash: transaction.hash, code, operationCodes: [] };
  });
}
