/** What a run does with its builders: start them, feed them, count their bids, kill them half-way. The builders themselves are in `builders.ts`, which is
 *  loaded only for runs that have some. */

import type { BundleTraffic } from "./builders.ts";
import type { Cluster } from "./cluster.ts";
import type { Monitor } from "./monitor.ts";
import type { NetworkFiles } from "./network_files.ts";
import type { TestnetOptions } from "./options.ts";
import type { Output } from "./output.ts";
import { accountRangesOf } from "./parameters.ts";
import type { RpcClient } from "./rpc_client.ts";
import type { BuildersResult } from "./summary.ts";

export interface BuildersContext {
  readonly options: TestnetOptions;
  readonly output: Output;
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
  readonly client: RpcClient;
  readonly cluster: Cluster;
  readonly monitor: Monitor;
}

export interface BuildersRun extends Omit<BuildersResult, "bundles"> {
  readonly traffic: BundleTraffic;
}

/** Starts and registers the builders, then gives them private bundles beside the public load. */
export async function beginBuilders(context: BuildersContext, files: NetworkFiles): Promise<BuildersRun> {
  const { options, output, monitor } = context;
  const { createBundleTraffic, startBuilders } = await import("./builders.ts");
  const shared = { ...context, files, finalHeight: () => monitor.agreement.height };
  output.say("starting and registering the builders");
  for (const { builder, rpc } of await startBuilders(shared)) output.say(`  builder ${builder}: ${rpc}/v1/builder`);
  const { from, count } = accountRangesOf(options).bundles;
  const accounts = files.accounts.slice(from, from + count);
  const traffic = createBundleTraffic(shared, { perSecond: options.bundles, accounts });
  traffic.start();
  return { traffic, bids: 0, registrations: options.builders, killedAt: undefined };
}

/** The run with the bids that its builders have made; as it was when none of them is up. */
export async function withBids(context: Pick<BuildersContext, "cluster" | "client">, run: BuildersRun): Promise<BuildersRun> {
  if (context.cluster.builders().length === 0) return run;
  const { countBids } = await import("./builders.ts");
  return { ...run, bids: await countBids(context) };
}

/** Lets half of the time pass with builders and half without. */
export async function killBuildersHalfway(context: BuildersContext, run: BuildersRun, durationMs: number): Promise<BuildersRun> {
  const { cluster, monitor, output, pause } = context;
  await pause(durationMs / 2);
  const counted = await withBids(context, run);
  await cluster.killBuilders();
  await monitor.takeBlocks();
  const { height, lostViews, byBuilder, bySelf } = monitor.built;
  const built = [...byBuilder.values()].reduce((total, count) => total + count, 0);
  output.say(`killed all builders at height ${height}`);
  output.event({ type: "buildersKilled", height });
  await pause(durationMs / 2);
  return { ...counted, killedAt: { height, lostViews, built, blocks: built + bySelf } };
}
