/** Chooses the application that genesis names, and gives the RPC its one query that consensus does not know of. */

import { createLedger } from "../ledger/ledger.ts";
import { createNullApplication } from "../ledger/null_application.ts";
import type { Application } from "../types/application.ts";
import { toHex } from "../types/bytes.ts";
import type { Genesis } from "../types/genesis.ts";
import type { AccountId, ChainId } from "../types/ids.ts";
import { NodeError } from "./errors.ts";
import type { AccountAnswer } from "./rpc/core.ts";

export interface NodeApplication {
  readonly application: Application;
  account(query: { readonly account: string; readonly asset: number }): AccountAnswer;
}

/** A fresh application at genesis. Throws NodeError "usage" for a name that this release does not know. */
export function createApplication(genesis: Genesis, chainId: ChainId): NodeApplication {
  switch (genesis.application) {
    case "ledger": {
      const ledger = createLedger({ genesis, chainId });
      return {
        application: ledger,
        account: ({ account, asset }) => ({
          ok: true,
          account: { ...jsonOf(ledger.queryAccount({ account: account as AccountId, asset })), root: ledger.root, height: ledger.height },
        }),
      };
    }
    case "null":
      return { application: createNullApplication({ chainId }), account: () => ({ ok: false, reason: "notSupported" }) };
    default:
      throw new NodeError("usage", `genesis names the application "${genesis.application}"; this release runs "ledger" and "null"`);
  }
}

/** Bytes as hex and amounts as decimal strings, at any depth. */
function jsonOf(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, jsonValue(item)]));
}

function jsonValue(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(jsonValue);
  return typeof value === "object" && value !== null ? jsonOf(value) : value;
}
