/** One validator and builders as processes of a chain that takes builders: files, runs, and what clients send. Of one test file, which removes it all at its end. */

import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { type Account, accountFromSeed } from "../../client/keys.ts";
import { type PreparedTransaction, signOpen } from "../../client/open.ts";
import { transfer } from "../../client/operations.ts";
import type { Rpc } from "../../client/rpc.ts";
import { assert } from "../../types/assert.ts";
import type { AccountId, ChainId } from "../../types/ids.ts";
import { Height } from "../../types/ids.ts";
import { type Ended, runBuilderScript, runValidatorScript } from "./validator_script.ts";

const base = await mkdtemp(join(tmpdir(), "sealstone-builder-"));
t.teardown(() => rm(base, { recursive: true, force: true }));
export const file = (name: string) => join(base, name);
export const writeJson = (name: string, value: unknown): void => writeFileSync(file(name), JSON.stringify(value));
export const FOLLOW = { deadlineMs: 30_000, pauseMsMin: 10, pauseMsMax: 100 };
export const CONFIG = { genesis: "genesis.json", listen: ["/ip4/127.0.0.1/tcp/0"], rpc: { port: 0 } };

const accountOf = (byte: number): Account => {
  const account = accountFromSeed(new Uint8Array(32).fill(byte));
  assert(account !== undefined, "a seed has 32 bytes");
  return account;
};
export const [alice, bob] = [accountOf(1), accountOf(2)];
const ISSUER = "09".repeat(32) as AccountId;

export async function jsonAt(url: string): Promise<Record<string, unknown>> {
  return (await (await fetch(url)).json()) as Record<string, unknown>;
}

export async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export interface Ready {
  readonly rpc: string;
  readonly addresses: readonly string[];
  readonly builder: string;
}

type Run = (arguments_: readonly string[], onLine?: (line: string, stop: () => void) => Promise<void>) => Promise<Ended>;

/** Rejects when `act` does. */
export async function runWith(run: Run, name: string, act: (ready: Ready) => Promise<void>): Promise<Ended> {
  let failure: unknown;
  const ended = await run(["--config", file(name)], async (line, stop) => {
    try {
      await act(JSON.parse(line) as Ready);
    } catch (error) {
      failure = error;
    }
    stop();
  });
  if (failure !== undefined) throw failure;
  return ended;
}

/** Keys of one validator and one builder, and the genesis of a chain that takes builders. */
export async function prepare(t: typeof import("tap").default | import("tap").Test): Promise<string> {
  const validator = await runValidatorScript(["keygen", "--out", file("validator_keys.json"), "--cost", "10"]);
  writeFileSync(file("validator_public.json"), validator.output);
  const made = await runBuilderScript(["keygen", "--out", file("keys.json"), "--cost", "10"]);
  t.equal(made.code, 0, made.errors);
  const { account } = JSON.parse(made.output) as { account: string };
  const parameters = {
    ...{ heartbeatMs: 200, feeAsset: 1, feePerTransaction: 2, feePerOperation: 1 },
    ...{ sealingSuite: 1, keygenWindowMs: 500, builderBondMin: "1000" },
  };
  const balances = [alice.id, bob.id, account as AccountId].map((id) => ({ account: id, asset: 1, amount: "100000" }));
  writeJson("template.json", { parameters, assets: [{ asset: 1, decimals: 2, issuer: ISSUER }], balances });
  const genesis = await runValidatorScript([
    ...["genesis", "--out", file("genesis.json"), "--name", "built", "--template", file("template.json")],
    file("validator_public.json"),
  ]);
  t.equal(genesis.code, 0, genesis.errors);
  writeJson("validator.json", { ...CONFIG, keyFile: "validator_keys.json", dataDirectory: "validator_data", proposeDelayMs: 100 });
  return account;
}

export async function signed(rpc: Rpc, account: Account, nonce: number): Promise<PreparedTransaction> {
  const [genesis, status] = [await rpc.genesis(), await rpc.status()];
  assert(genesis.ok && status.ok, "the node answers");
  const { chainId, finalHeight } = { ...genesis.value, ...status.value } as { chainId: ChainId; finalHeight: Height };
  const operations = [transfer({ to: account === alice ? bob.id : alice.id, asset: 1, amount: 7n })];
  const result = signOpen({ account, chainId, nonce, expiryHeight: Height.plus(finalHeight, 500), feeMax: 100n, operations });
  assert(result.ok, "what the test signs can be signed");
  return result.transaction;
}
