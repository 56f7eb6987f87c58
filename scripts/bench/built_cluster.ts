/** What builders change for a cluster, within one report: finality with their blocks against self-built ones at equal load, with and without the two
 *  more full nodes that they are on the same cores (`--no-bids`: they follow and bid in vain), the share of blocks that they win, how long bids wait, and views lost when all of them are killed. Validators, builders and clients share this machine's cores. */

import { type ClusterBench, runTestnet } from "./cluster.ts";
import type { Figure } from "./report.ts";

export const BUILT_CLUSTER_BENCH: ClusterBench = {
  name: "built",
  about: "200 transactions per second, built by proposers and by two builders; builders killed half-way",
  run: benchBuiltCluster,
};

const SECONDS_MIN = 20;
const LOAD = 200;

async function benchBuiltCluster(seconds: number, say: (line: string) => void): Promise<Figure[]> {
  const run = (args: string) => {
    say(`  testnet ${args}`);
    return runTestnet(args.split(" "), Math.max(seconds, SECONDS_MIN), say);
  };
  const self = await run(`--load ${LOAD}`);
  const inVain = await run(`--load ${LOAD} --builders 2 --bundles 0 --no-bids`);
  const tails = await run(`--load ${LOAD} --builders 2 --bundles 0`);
  const bundles = await run(`--load ${LOAD} --builders 2`);
  const killed = await run(`--load ${LOAD} --builders 2 --kill-builders`);
  return [
    figure(`finality p50 at ${LOAD}/s, self-built`, self.finalityMs.p50, "ms"),
    figure("finality p50, self-built, two builders beside", inVain.finalityMs.p50, "ms"),
    figure("finality p50, two builders without bundles", tails.finalityMs.p50, "ms"),
    figure("finality p50, two builders with bundles", bundles.finalityMs.p50, "ms"),
    figure(
      "built over self-built on the same processes, without bundles",
      ratio(tails.finalityMs.p50, inVain.finalityMs.p50),
      "×",
      "≤ 1.1",
    ),
    figure("built over self-built on the same processes, with bundles", ratio(bundles.finalityMs.p50, inVain.finalityMs.p50), "×", "≤ 1.1"),
    figure(
      "built, with bundles, over self-built without builders' processes",
      ratio(bundles.finalityMs.p50, self.finalityMs.p50),
      "×",
      "≤ 1.1",
    ),
    figure("blocks by builders, without bundles", share(tails.builders?.builtShare), "%", "≥ 90"),
    figure("blocks by builders, with bundles", share(bundles.builders?.builtShare), "%", "≥ 90"),
    figure("bid to proposal p50", bundles.builders?.bidToProposalMs.p50, "ms"),
    figure("views lost after all builders were killed", killed.builders?.killed?.viewsLostAfter, "views", "0"),
    figure("CPU of a validator for a view, self-built", self.cpuMsPerView, "ms"),
    figure("CPU of a validator for a view, two builders with bundles", bundles.cpuMsPerView, "ms"),
  ];
}

function figure(name: string, value: number | null | undefined, unit: string, target?: string): Figure {
  return { name, value: value ?? null, unit, relativeTo: undefined, target };
}

function ratio(value: number | null, reference: number | null): number | null {
  return value === null || reference === null ? null : value / reference;
}

const share = (fraction: number | null | undefined): number | null => (fraction === undefined || fraction === null ? null : 100 * fraction);
