/** Chooses the application that genesis names, and gives the RPC its one query that consensus does not know of. */

import { randomBytes } from "node:crypto";
import { findGenesisFlaw } from "../ledger/genesis_state.ts";
import { createLedger } from "../ledger/ledger.ts";
import { createNullApplication } from "../ledger/null_application.ts";
import type { PairHasher } from "../ledger/pair_hasher.ts";
import { wasmPairHasher } from "../ledger/pair_hasher_wasm.ts";
import type { Application } from "../types/application.ts";
import { toHex } from "../types/bytes.ts";
import type { Genesis } from "../types/genesis.ts";
import type { AccountId, ChainId } from "../types/ids.ts";
import { messageOf, NodeError } from "./errors.ts";
import type { Logger } from "./logger.ts";
import type { AccountAnswer } from "./rpc/core.ts";

export interface NodeApplication {
  readonly application: Application;
  account(query: { readonly account: string; readonly asset: number }): AccountAnswer;
}

/** A fresh application at genesis. Throws NodeError "usage" for a genesis that no application of this release can start from. */
export async function createApplication(genesis: Genesis, chainId: ChainId, log: Logger): Promise<NodeApplication> {
  switch (genesis.application) {
    case "ledger":
      return ledgerApplication(genesis, chainId, await loadPairHasher(log));
    case "null":
      return { application: createNullApplication({ chainId }), account: () => ({ ok: false, reason: "notSupported" }) };
    default:
      throw new NodeError("usage", `genesis names the application "${genesis.application}"; this release runs "ledger" and "null"`);
  }
}

/** Throws NodeError "usage" for a genesis that the application which it names refuses. */
export function requireStartable(genesis: Genesis): void {
  if (genesis.application !== "ledger") return;
  const flaw = findGenesisFlaw(genesis);
  if (flaw !== undefined) throw new NodeError("usage", `genesis: the ledger cannot start from its assets and balances (${flaw})`);
}

function ledgerApplication(genesis: Genesis, chainId: ChainId, hasher: PairHasher): NodeApplication {
  requireStartable(genesis);
  const ledger = createLedger({ genesis, chainId, hasher, indexSeed: randomBytes(32) });
  return {
    application: ledger,
    account(query) {
      const answer = ledger.queryAccount({ account: query.account as AccountId, asset: query.asset });
      return { ok: true, account: { ...query, ...jsonOf(answer), root: ledger.root, height: ledger.height } };
    },
  };
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
