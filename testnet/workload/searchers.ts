/** Searchers: whoever has builders order groups of transactions that nobody else sees before they run. Groups that should run, with a tip, and groups
 *  that must fail as a whole. From a stream of its own; nobody follows them, since no builder owes anybody a place. */

import { hashTransaction } from "../../crypto/hashes.ts";
import type { ChainId } from "../../types/ids.ts";
import { Height } from "../../types/ids.ts";
import type { Operation } from "../../types/transaction.ts";
import type { Scenario } from "../scenario/manifest.ts";
import { createStream } from "../simulator/streams.ts";
import type { Order } from "./courier.ts";
import { type Actor, createCast, type Ed25519Keys, FEE_ASSET, FUNDS, feeOf, type Searcher } from "./genesis.ts";
import { operation } from "./traffic.ts";
import { encodeTransaction } from "./transaction_bytes.ts";

/** A group for one builder, or the same group for two. */
export interface Search {
  /** Positions of builders in the scenario. */
  readonly builders: readonly number[];
  readonly searcher: number;
  readonly transactions: readonly Uint8Array[];
  readonly heights: readonly [number, number];
  /** What the searcher says that the group brings the builder, fees and transfers together; not always true. */
  readonly tip: bigint;
  /** One of the transactions, which the searcher sends openly as well. */
  readonly open: Order | undefined;
}

export interface Searchers {
  readonly nextDueUs: number | undefined;
  due(nowUs: number, finalHeight: number): readonly Search[];
}

const GROUP_MAX = 3;
const HEIGHTS_MAX = 40;
const OPEN_CHANCE = 0.2;
const TO_ALL_CHANCE = 0.15;
const FAILING_CHANCE = 0.25;
const TIP_CHANCE = 0.6;
const LYING_CHANCE = 0.1;

export function createSearchers(options: {
  readonly scenario: Scenario;
  readonly chainId: ChainId;
  readonly ed25519: Ed25519Keys;
}): Searchers {
  const { scenario, chainId } = options;
  const { builders = [] } = scenario;
  const stream = createStream(scenario.seed, "searchers");
  const { searchers, builders: accounts } = createCast(options);
  const stopsAtUs = scenario.phases.faultsMs * 1_000;
  const perSecond = builders.reduce((sum, { bundlesPerSecond }) => sum + bundlesPerSecond, 0);
  const meanUs = perSecond === 0 ? 0 : Math.max(1, Math.floor(1_000_000 / perSecond));
  let nextUs = perSecond === 0 ? undefined : stream.between(1, 2 * meanUs);

  function search(finalHeight: number): Search {
    const at = stream.below(builders.length);
    const searcher = searchers[at] as Searcher;
    const isFailing = stream.chance(FAILING_CHANCE);
    const from = finalHeight + stream.between(1, 4);
    const heights = [from, from + stream.between(0, HEIGHTS_MAX)] as const;
    const sign = signerOf({ chainId, expiryHeight: Height.of(heights[1] + 10) });
    const [actor, payee] = isFailing ? [searcher.wild, searcher.main] : [searcher.main, searcher.wild];
    const count = stream.between(1, GROUP_MAX);
    const transactions = Array.from({ length: count }, () => sign(actor, [transferOf(payee, BigInt(stream.between(1, 500)))]));
    const tip = stream.chance(TIP_CHANCE) ? BigInt(stream.between(1, 100)) : 0n;
    if (tip > 0n) transactions.push(sign(actor, [transferOf(accounts[at] as Actor, tip)]));
    if (isFailing) transactions.splice(stream.below(transactions.length + 1), 0, sign(actor, [transferOf(payee, FUNDS * 2n)]));
    const isToAll = stream.chance(TO_ALL_CHANCE);
    const lie = stream.chance(LYING_CHANCE) ? 1_000n : 0n;
    const bytes = stream.chance(OPEN_CHANCE) ? stream.pick(transactions) : undefined;
    const client = scenario.workload.clients + builders.length + at;
    const expiryHeight = Height.of(heights[1] + 10);
    const open = bytes === undefined ? undefined : { client, bytes, hash: hashTransaction(bytes), expiryHeight };
    const to = isToAll ? builders.map((_, index) => index) : [at];
    return { builders: to, searcher: at, transactions, heights, open, tip: tip + BigInt(feeOf(1) * count) + lie };
  }

  return {
    get nextDueUs() {
      return nextUs;
    },
    due(nowUs, finalHeight) {
      const found: Search[] = [];
      while (nextUs !== undefined && nextUs <= nowUs) {
        found.push(search(finalHeight));
        nextUs += stream.between(1, 2 * meanUs);
        if (nextUs >= stopsAtUs) nextUs = undefined;
      }
      return found;
    },
  };
}

function signerOf({ chainId, expiryHeight }: { readonly chainId: ChainId; readonly expiryHeight: Height }) {
  return (actor: Actor, operations: readonly Operation[]): Uint8Array => {
    const payload = {
      chainId,
      sender: actor.account,
      nonce: actor.nonce++,
      expiryHeight,
      feeMax: BigInt(feeOf(operations.length)),
      operations,
    };
    return encodeTransaction(payload, actor.sign);
  };
}

const transferOf = ({ account }: Pick<Actor, "account">, amount: bigint): Operation =>
  operation("transfer", { asset: FEE_ASSET, account, amount });
