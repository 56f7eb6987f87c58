/** Chooses the application that genesis names, and gives the RPC its one query that consensus does not know of. */

import { randomBytes } from "node:crypto";
import { findGenesisFlaw, type GenesisFlaw } from "../ledger/genesis_state.ts";
import { createLedger } from "../ledger/ledger.ts";
import { createNullApplication } from "../ledger/null_application.ts";
import type { PairHasher } from "../ledger/pair_hasher.ts";
import { wasmPairHasher } from "../ledger/pair_hasher_wasm.ts";
import type { TransactionCodeName } from "../ledger/result_codes.ts";
import type { Application } from "../types/application.ts";
import type { Builder } from "../types/builder.ts";
import { toHex } from "../types/bytes.ts";
import type { Genesis } from "../types/genesis.ts";
import type { AccountId, ChainId } from "../types/ids.ts";
import { messageOf, NodeError } from "./errors.ts";
import type { Logger } from "./logger.ts";
import type { AccountAnswer } from "./rpc/core.ts";

export interface NodeApplication {
  readonly application: Application;
  /** Does this result code say that a sealed transaction paid and had no content that could run? */
  isFailedContent(code: number): boolean;
  account(query: { readonly account: string; readonly asset: number }): AccountAnswer;
}

/** A fresh application at genesis. Throws NodeError "usage" for a genesis that no application of this release can start from. */
export async function createApplication(genesis: Genesis, chainId: ChainId, log: Logger): Promise<NodeApplication> {
  switch (genesis.application) {
    case "ledger":
      return ledgerApplication(genesis, chainId, await loadPairHasher(log));
    case "null":
      requireStartable(genesis);
      return {
        application: createNullApplication({ chainId }),
        isFailedContent: () => false,
        account: () => ({ ok: false, reason: "notSupported" }),
      };
    default:
      throw new NodeError("usage", `genesis names the application "${genesis.application}"; this release runs "ledger" and "null"`);
  }
}

/** What to change, for whoever writes the genesis. */
const GENESIS_FLAWS: Readonly<Record<GenesisFlaw, string>> = {
  wrongApplication: 'set "application" to "ledger"',
  duplicateAsset: "list each asset once",
  tooManyDecimals: "give the asset fewer decimals",
  feeAssetMissing: 'list the asset that "parameters.feeAsset" names under "assets"',
  accountZero: "the all-zero account belongs to nobody; name another one",
  unknownAsset: 'list every asset that a balance names under "assets"',
  issuerBalance: "an issuer needs no balance in its own asset, since it issues by transfer; drop that balance or change the issuer",
  zeroBalance: "drop balances of 0",
  duplicateBalance: "list each account once for each asset",
  reservedAccount: "the account in which bonds of builders lie belongs to nobody; name another issuer, account or validator key",
  supplyOverflow: "the balances of one asset add up to 2^128 or more; lower them",
};

/** Throws NodeError "usage" for a genesis that the application which it names refuses. */
export function requireStartable(genesis: Genesis): void {
  if (genesis.application !== "ledger") {
    if (genesis.parameters.builderBondMin === 0n) return;
    throw new NodeError("usage", 'genesis: builders need the application "ledger"; set parameters.builderBondMin to "0" for another one');
  }
  const flaw = findGenesisFlaw(genesis);
  if (flaw !== undefined) throw new NodeError("usage", `genesis: the ledger cannot start from it (${flaw}): ${GENESIS_FLAWS[flaw]}`);
}

/** Names of the ledger's codes for sealed transactions without content: FAILED, each with its reason. */
const FAILED_CONTENT: ReadonlySet<string> = new Set<TransactionCodeName>(["badSeed", "badBody", "contentMalformed", "gasLimitExceeded"]);

function ledgerApplication(genesis: Genesis, chainId: ChainId, hasher: PairHasher): NodeApplication {
  requireStartable(genesis);
  const ledger = createLedger({ genesis, chainId, hasher, indexSeed: randomBytes(32) });
  return {
    application: ledger,
    isFailedContent: (code) => FAILED_CONTENT.has(ledger.describeCode(code)),
    account(query) {
      const owner = query.account as AccountId;
      const answer = ledger.queryAccount({ account: owner, asset: query.asset });
      const builder = builderJson(ledger.builderOf?.(owner));
      return { ok: true, account: { ...query, ...jsonOf(answer), builder, root: ledger.root, height: ledger.height } };
    },
  };
}

/** What the account is as a builder; it has no proof. Null: it is none. */
function builderJson(record: Builder | undefined): Record<string, unknown> | null {
  if (record === undefined) return null;
  const { bond, feeRecipient, endpoint, unbondingHeight, boxedUntil } = record;
  return jsonOf({ bond, feeRecipient, endpoint, unbondingHeight, boxedUntil });
}

/** The native hasher where it loads; the portable one gives the same roots more slowly. */
async function loadPairHasher(log: Logger): Promise<PairHasher> {
  try {
    return (await import("../ledger/pair_hasher_native.ts")).nativePairHasher;
  } catch (error) {
    log.warn({ reason: messageOf(error) }, "native hashing (hashtree) does not load; the portable hasher is used");
    return wasmPairHasher;
  }
}

/** Bytes as hex, amounts as decimal strings, absence as null, at any depth. */
function jsonOf(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, jsonValue(item)]));
}

function jsonValue(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(jsonValue);
  return typeof value === "object" && value !== null ? jsonOf(value) : value;
}
