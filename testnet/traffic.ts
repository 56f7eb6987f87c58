/** Builds the load of one run: what is submitted, and the generator that submits it. */

import { randomBytes } from "node:crypto";
import { chainIdOf } from "../crypto/hashes.ts";
import { createLoad, type Load, type LoadTarget } from "./load.ts";
import type { NetworkFiles } from "./network_files.ts";
import type { TestnetOptions } from "./options.ts";
import { accountRangesOf } from "./parameters.ts";
import type { RpcClient } from "./rpc_client.ts";
import { createPayloadSource, createTransferSource, type TransactionSource } from "./transactions.ts";

export interface Traffic {
  readonly source: TransactionSource;
  readonly load: Load;
}

export interface TrafficContext {
  readonly options: TestnetOptions;
  readonly files: NetworkFiles;
  readonly client: RpcClient;
  readonly targets: () => readonly LoadTarget[];
  readonly finalized: () => number;
}

/** Nothing is submitted before `load.start()`. */
export function createTraffic(context: TrafficContext): Traffic {
  const { options, files } = context;
  const source =
    options.application === "null"
      ? createPayloadSource({ runSeed: new Uint8Array(randomBytes(16)), payloadBytes: options.payloadBytes })
      : createTransferSource({
          chainId: chainIdOf(files.genesis),
          // The rest of them send sealed transactions: a nonce belongs to one of the two.
          accounts: files.accounts.slice(0, accountRangesOf(options).open.count),
          lanes: options.validators,
          operationsPerTransaction: options.operationsPerTransaction,
        });
  const { client, targets, finalized } = context;
  return { source, load: createLoad({ source, client, rate: options.load, lanes: options.validators, targets, finalized }) };
}
