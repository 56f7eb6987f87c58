/** What a run tells people and scripts at its beginning, once the cluster moves, and at its end. */

import { join, relative } from "node:path";
import process from "node:process";
import type { Cluster } from "./cluster.ts";
import type { NetworkFiles } from "./network_files.ts";
import type { TestnetOptions } from "./options.ts";
import type { Output } from "./output.ts";
import { FEE_ASSET, PREFUNDED_AMOUNT, TESTNET_PASSPHRASE } from "./parameters.ts";

interface ReportContext {
  readonly options: TestnetOptions;
  readonly output: Output;
}

const ACCOUNTS_SHOWN = 3;

export function announceStart({ options, output }: ReportContext): void {
  const until = options.durationMs === undefined ? "until Ctrl-C" : `for ${options.durationMs / 1_000} s`;
  const open = options.load === 0 ? "no load" : `${options.load} transactions/s`;
  const load = options.sealed === 0 ? open : `${open} and ${options.sealed} sealed ones/s`;
  output.say(`starting ${options.validators} validators on ${options.runtime}, application ${options.application}, ${load}, ${until}`);
  output.event({ type: "start", ...options, durationMs: options.durationMs ?? null, dataDirectory: options.dataDirectory ?? null });
}

export function announceCluster(
  { output }: ReportContext,
  { cluster, files, firstFinalMs }: { readonly cluster: Cluster; readonly files: NetworkFiles; readonly firstFinalMs: number },
): void {
  const { accounts, accountsPath, directory, genesis } = files;
  const serving = cluster.serving();
  output.say(`first final block ${Math.round(firstFinalMs)} ms after the start`);
  for (const { validator, rpc } of serving) output.say(`  validator ${validator} (${cluster.runtimeOf(validator)}): ${rpc}/v1/status`);
  if (genesis.balances.length > 0) {
    output.say(`  ${accounts.length} accounts with ${PREFUNDED_AMOUNT} of asset ${FEE_ASSET} each; ids and seeds in ${accountsPath}`);
    for (const { account } of accounts.slice(0, ACCOUNTS_SHOWN)) output.say(`    ${account}`);
  }
  output.event({
    type: "cluster",
    directory,
    chainName: genesis.name,
    accounts: accounts.slice(0, ACCOUNTS_SHOWN).map(({ account }) => account),
    accountCount: accounts.length,
    accountsPath,
    validators: serving.map(({ validator, rpc }) => ({ validator, rpc, runtime: cluster.runtimeOf(validator) })),
  });
}

export function announceEnd(
  { options, output }: ReportContext,
  left: { readonly directory: string | undefined; readonly validators: number },
): void {
  if (!options.keep || left.directory === undefined) return;
  const config = relative(process.cwd(), join(left.directory, "v0", "config.json"));
  output.say(`kept: ${left.directory} (${left.validators} validators; the logs are v*/log)`);
  output.say(`run one by hand: SEALSTONE_PASSPHRASE=${TESTNET_PASSPHRASE} npm run validator -- --config ${config}`);
  output.event({ type: "kept", directory: left.directory });
}
