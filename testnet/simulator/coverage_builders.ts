/** The points of interest of builders, from facts alone. */

import type { Count } from "./coverage_validator.ts";
import type { Fact, FactOf } from "./facts.ts";

const BOX_FAILURES = 3;
const BOX_WINDOW = 256;

/** Takes every fact; of final blocks the first word of a validator counts. */
export function createBuilderCoverage(count: Count, validators: number): (fact: Fact) => void {
  /** Accounts that bid, by parent. */
  const bidders = new Map<string, Set<string>>();
  /** Validators that a bid reached, by parent. */
  const reached = new Map<string, Set<number>>();
  const failures = new Map<string, number[]>();
  const lives = new Map<number, number>();
  const builtAt = new Map<string, number>();
  let finalHeight = 0;
  let isBuilding = false;

  function onFinal({ header, built, bundle }: FactOf<"finalized">["blocks"][number]): void {
    if (header.height <= finalHeight) return;
    finalHeight = header.height;
    if (built === undefined) {
      if (isBuilding) count("blockSelfBuilt");
      if (reached.get(header.parentHash)?.has(header.proposer) === true) count("bidIgnored");
    } else {
      isBuilding = true;
      count("blockBuilt");
      if (header.transactionCount > header.sealedCount) count("tailFromBuilder");
      if ((builtAt.get(built.builder) ?? 0) > header.executedHeight) count("builtOverUnexecuted");
      builtAt.set(built.builder, header.height);
      if (built.failed) onFailure(built.builder, header.height);
    }
    if (header.bundleCount > 0) count("bundleFinal");
    for (const { result } of bundle ?? []) {
      if (result === "unfit") count("groupUnfit");
      else count(result.isIncluded ? "groupIncluded" : "groupFailed");
    }
  }

  function onFailure(builder: string, height: number): void {
    count("bundleUnreadable");
    const recent = [...(failures.get(builder) ?? []), height].filter((each) => each > height - BOX_WINDOW);
    if (recent.length >= BOX_FAILURES) count("builderBoxed");
    failures.set(builder, recent.length >= BOX_FAILURES ? [] : recent);
  }

  return (fact) => {
    switch (fact.type) {
      case "bidMade": {
        const { parentHash, builder } = fact.offered.bid;
        const all = bidders.get(parentHash) ?? new Set<string>();
        bidders.set(parentHash, all.add(builder));
        if (all.size === 2) count("severalBids");
        if ((lives.get(fact.validator) ?? 1) > 1) {
          lives.set(fact.validator, 1);
          count("builderRestarted");
        }
        return;
      }
      case "delivered":
        if (fact.message.type !== "bid") return;
        reached.set(fact.message.bid.parentHash, (reached.get(fact.message.bid.parentHash) ?? new Set()).add(fact.to));
        return;
      case "started":
        if (fact.validator >= validators) lives.set(fact.validator, fact.life);
        return;
      case "finalized":
        for (const block of fact.blocks) onFinal(block);
        return;
      case "penalized":
        if (fact.reason === "invalidBid") count("badBidRefused");
        return;
      default:
        return;
    }
  };
}
