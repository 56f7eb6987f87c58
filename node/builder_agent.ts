/** Runs a builder beside the machine of a full node: a block that may be built comes in, a bid goes to its leader, and again when what waits has
 *  changed, at a bounded pace. What to pack and how much to bid is the builder's (`builder/`); when to ask it is decided here.
 *
 *  Bounds: one opportunity at a time, the latest, which is looked at at once; more bids for it no closer together than `rebidMs`, nor than `REST_FACTOR`
 *  times what the last one took, so that building leaves the processor to following the chain. To one leader no more bytes than it takes from a builder's
 *  link, which would be a flood: before that the agent waits, and bids later with what waits then. Never blocks, and never touches the machine's state. */

import type { BlockBuilder, ConsiderRequest } from "../builder/interface.ts";
import { RANDOMNESS_BYTES } from "../builder/make_bid.ts";
import { type Budget, createBudget } from "../p2p/rate_limiter.ts";
import type { FinalizedBlock, Opportunity, Replica } from "../replica/interface.ts";
import type { Bid, OfferedBid } from "../types/bid.ts";
import type { AccountId, TimestampMs, ValidatorIndex } from "../types/ids.ts";

export interface BuilderAgentOptions {
  readonly account: AccountId;
  readonly builder: Pick<BlockBuilder, "consider" | "resend" | "onFinal">;
  readonly replica: Pick<Replica, "materialFor" | "sealingKey">;
  readonly simulate: ConsiderRequest["simulate"];
  readonly send: (leader: ValidatorIndex, offered: OfferedBid) => void;
  readonly now: () => TimestampMs;
  /** Monotonic. */
  readonly elapsedMs: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly rebidMs: number;
  /** Of bids to one leader: so much a second, a second's worth and the bid that begins in it at once. */
  readonly bytesPerSecond: number;
}

export interface LastBid {
  readonly bid: Bid;
  readonly leader: ValidatorIndex;
}

export interface BuilderAgent {
  onBuildable(opportunity: Opportunity): void;
  onFinal(blocks: readonly FinalizedBlock[]): void;
  /** A transaction or a bundle came in: the block under way may be worth more now. */
  onArrival(): void;
  stop(): void;
  /** Sent since the start; undefined before the first. */
  readonly lastBid: LastBid | undefined;
}

const REST_FACTOR = 3;
/** At least what a bid takes without its bundle, and one hash. */
const BID_BYTES = 512;
const HASH_BYTES = 32;

export function createBuilderAgent(options: BuilderAgentOptions): BuilderAgent {
  const { account, builder, replica, elapsedMs } = options;
  let current: Opportunity | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let restUntilMs = 0;
  let lastBid: LastBid | undefined;
  let isStopped = false;

  const budgets = createBudgets(options);

  function send({ leader }: Opportunity, offered: OfferedBid): void {
    lastBid = { bid: offered.bid, leader };
    budgets.spend(leader, BID_BYTES + offered.bid.bundle.length + offered.tailHashes.length * HASH_BYTES);
    options.send(leader, offered);
  }

  function schedule(afterMs: number): void {
    if (isStopped || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      consider();
    }, afterMs);
  }

  function consider(): void {
    const opportunity = current;
    if (opportunity === undefined || isStopped) return;
    const waitMs = budgets.waitMs(opportunity.leader);
    if (waitMs > 0) return schedule(waitMs);
    const startMs = elapsedMs();
    const material = replica.materialFor(account, opportunity);
    if (material === undefined) return;
    const randomness = options.randomBytes(RANDOMNESS_BYTES);
    const offered = builder.consider({ opportunity, material, simulate: options.simulate, nowMs: options.now(), randomness });
    if (offered !== undefined) send(opportunity, offered);
    const endMs = elapsedMs();
    restUntilMs = endMs + Math.max(options.rebidMs, REST_FACTOR * (endMs - startMs));
  }

  return {
    onBuildable(opportunity) {
      if (isStopped) return;
      current = opportunity;
      // What stands already can go to a new leader before anything is packed anew.
      const standing = builder.resend({ opportunity, keyId: replica.sealingKey?.key.keyId });
      if (standing !== undefined && budgets.waitMs(opportunity.leader) === 0) send(opportunity, standing);
      clearTimeout(timer);
      timer = undefined;
      schedule(0);
    },
    onFinal(blocks) {
      for (const block of blocks) {
        builder.onFinal(block);
        if (current !== undefined && current.height <= block.header.height) current = undefined;
      }
    },
    onArrival() {
      if (current !== undefined) schedule(Math.max(options.rebidMs, restUntilMs - elapsedMs()));
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
    get lastBid() {
      return lastBid;
    },
  };
}

interface Budgets {
  /** Until the next bid to `leader` may leave; 0: now. */
  waitMs(leader: ValidatorIndex): number;
  spend(leader: ValidatorIndex, byteCount: number): void;
}

/** Of each leader, and of validators there are few. */
function createBudgets({ bytesPerSecond, elapsedMs }: Pick<BuilderAgentOptions, "bytesPerSecond" | "elapsedMs">): Budgets {
  const budgets = new Map<ValidatorIndex, Budget>();

  function budgetOf(leader: ValidatorIndex): Budget {
    const budget = budgets.get(leader) ?? createBudget({ perSecond: bytesPerSecond, nowMs: elapsedMs() });
    budgets.set(leader, budget);
    return budget;
  }

  return {
    waitMs: (leader) => budgetOf(leader).waitMs(elapsedMs()),
    spend: (leader, byteCount) => budgetOf(leader).spend(byteCount, elapsedMs()),
  };
}
