/** The builder on one simulated node: hears of opportunities from the machine beside it, keeps the groups that searchers gave it, and pushes bids
 *  to leaders over the node's links. Honest ones are the shipped builder; traitors bid by `traitor_drafts.ts`. What it has in memory dies with
 *  its node's life. */

import { RANDOMNESS_BYTES } from "../../../builder/make_bid.ts";
import { hashTransaction } from "../../../crypto/hashes.ts";
import type { ParsedTransaction } from "../../../types/application.ts";
import type { BuildingMaterial, Opportunity } from "../../../types/building.ts";
import { toHex } from "../../../types/bytes.ts";
import type { AccountId } from "../../../types/ids.ts";
import { BUNDLE_TRANSACTIONS_MAX } from "../../../types/limits.ts";
import type { BuilderPlan } from "../../scenario/manifest.ts";
import type { SimulatedCluster } from "../cluster.ts";
import type { Fact } from "../facts.ts";
import { createStream, type Stream } from "../streams.ts";
import type { World } from "../world.ts";
import { composeBid, type Draft } from "./compose.ts";
import { createShippedBuilder, type MadeBid, type ShippedBuilder } from "./shipped.ts";
import { type Deed, traitorDrafts } from "./traitor_drafts.ts";

/** A group that a searcher wants in a block of these heights. */
export interface SearcherGroup {
  readonly searcher: number;
  readonly transactions: readonly Uint8Array[];
  readonly heights: readonly [number, number];
  /** What it says that it brings the builder. */
  readonly tip: bigint;
}

export interface BuilderDesk {
  onBuildable(opportunity: Opportunity): void;
  submit(group: SearcherGroup): void;
  /** Of its own node: lives, and what became final. */
  observe(fact: Fact): void;
}

const GROUPS_MAX = 256;
/** After something came in the block under way is looked at again. */
const REBID_MS = 20;
/** Groups in one bundle. */
const BUNDLE_GROUPS = 6;

export function createBuilderDesk(parts: {
  readonly cluster: () => SimulatedCluster;
  readonly world: World;
  /** Its node. */
  readonly index: number;
  readonly plan: BuilderPlan;
  readonly secretKey: Uint8Array;
}): BuilderDesk {
  const { world, index, plan, secretKey } = parts;
  const stream = createStream(world.scenario.seed, `builder/${index}`);
  const timing = createStream(world.scenario.seed, `builder/${index}/timing`);
  const account = toHex<AccountId>(world.ed25519.publicKeyOf(secretKey));
  const others = world.builderSecretKeys.map((key) => toHex<AccountId>(world.ed25519.publicKeyOf(key))).filter((each) => each !== account);
  let groups: SearcherGroup[] = [];
  let sequence = 0;

  const isTraitor = plan.strategy !== "plain" && plan.strategy !== "aggressive";
  let shipped: ShippedBuilder | undefined;
  /** Of the shipped builder: the block under way, and whether it will be looked at again. */
  let current: Opportunity | undefined;
  let isDue = false;

  const nextSequence = (): number => ++sequence;
  const nodeOf = () => parts.cluster().nodes[index];

  function later(delayMs: number, act: () => void): void {
    const life = nodeOf()?.life;
    parts.cluster().scheduler.after(Math.round(delayMs * 1_000), () => {
      const node = nodeOf();
      if (node?.life === life && node?.state === "up") act();
    });
  }

  function build(opportunity: Opportunity): void {
    const material = nodeOf()?.replica?.materialFor(account, opportunity);
    if (material === undefined) return;
    const honest = honestDraft(opportunity, material);
    const { strategy, bond, chance } = plan;
    const isActing = stream.chance(chance);
    if (!isActing && honest.value > material.spendable) return;
    const deeds: readonly Deed[] =
      isActing && strategy !== "plain" && strategy !== "aggressive"
        ? traitorDrafts(strategy, honest, { stream, bond: BigInt(bond), others, nextSequence })
        : [{ draft: honest, delayMs: 0, what: "" }];
    for (const deed of deeds) later(deed.delayMs, () => push(deed, isActing));
  }

  function push({ draft, what }: Deed, isActing: boolean): void {
    const { cluster } = parts;
    const { offered, inside } = composeBid({ world, secretKey, stream }, draft);
    const { leader, view } = draft.opportunity;
    const atUs = cluster().scheduler.nowUs;
    cluster().emit({ type: "bidMade", atUs, validator: index, leader, offered, inside });
    if (isActing) cluster().emit({ type: "betrayal", atUs, validator: index, strategy: plan.strategy, view, what });
    cluster().transmit(index, leader, { type: "bid", ...offered });
  }

  function honestDraft(opportunity: Opportunity, { transactions, key }: BuildingMaterial): Draft {
    const tail = plainTail(transactions, world.scenario.protocol.blockTransactionsMax);
    const wanted = key === undefined ? [] : groupsFor(groups, opportunity.height, stream);
    const gain = BigInt(3 * tail.length + 10 * wanted.length);
    const value = gain / 2n;
    const bundle = key === undefined || wanted.length === 0 ? undefined : { key, groups: wanted };
    return { opportunity, account, sequence: nextSequence(), value: value > 0n ? value : 1n, tail, bundle };
  }

  function startShipped(): void {
    current = undefined;
    isDue = false;
    shipped =
      plan.strategy === "plain" || plan.strategy === "aggressive"
        ? createShippedBuilder({ world, strategy: plan.strategy, account, secretKey, parse: (bytes) => parts.cluster().parse(bytes) })
        : undefined;
  }

  function schedule(delayMs: number): void {
    if (isDue) return;
    isDue = true;
    later(delayMs, () => {
      isDue = false;
      consider();
    });
  }

  function consider(): void {
    const node = nodeOf();
    const opportunity = current;
    const material = opportunity === undefined ? undefined : node?.replica?.materialFor(account, opportunity);
    const simulate = node?.application?.simulate;
    if (opportunity === undefined || node === undefined || material === undefined || simulate === undefined) return;
    const request = { opportunity, material, simulate, nowMs: node.clock.now(), randomness: stream.bytes(RANDOMNESS_BYTES) };
    offer(opportunity, shipped?.consider(request));
  }

  function offer({ leader }: Opportunity, made: MadeBid | undefined): void {
    if (made === undefined) return;
    const cluster = parts.cluster();
    cluster.emit({ type: "bidMade", atUs: cluster.scheduler.nowUs, validator: index, leader, ...made });
    cluster.transmit(index, leader, { type: "bid", ...made.offered });
  }

  function onOwn(fact: Fact): void {
    if (fact.type === "started") {
      groups = [];
      startShipped();
    }
    if (fact.type !== "finalized") return;
    for (const block of fact.blocks) shipped?.onFinal(block);
    const height = fact.blocks.at(-1)?.header.height ?? 0;
    if (current !== undefined && current.height <= height) current = undefined;
    const included = new Set(fact.blocks.flatMap(({ bundle }) => (bundle ?? []).flatMap(({ hashes }) => hashes)));
    groups = groups.filter(
      ({ heights, transactions }) => heights[1] > height && !transactions.some((bytes) => included.has(hashTransaction(bytes))),
    );
  }

  return {
    onBuildable(opportunity) {
      const [min, max] = plan.buildMs;
      const delayMs = min + timing.real() * (max - min);
      if (isTraitor) return later(delayMs, () => build(opportunity));
      current = opportunity;
      offer(opportunity, shipped?.resend(opportunity, nodeOf()?.replica?.sealingKey?.key.keyId));
      schedule(delayMs);
    },
    submit(group) {
      const cluster = parts.cluster();
      if (nodeOf()?.state !== "up") return;
      cluster.emit({ type: "bundleSubmitted", atUs: cluster.scheduler.nowUs, validator: index, ...group });
      shipped?.submit(group);
      if (current !== undefined) schedule(REBID_MS);
      groups.push(group);
      if (groups.length > GROUPS_MAX) groups.shift();
    },
    observe(fact) {
      if ("validator" in fact && fact.validator === index) onOwn(fact);
      else if (fact.type === "delivered" && fact.to === index && fact.kind === "transactions" && current !== undefined) schedule(REBID_MS);
    },
  };
}

/** Open transactions alone, none twice of one sender and nonce. */
function plainTail(transactions: readonly ParsedTransaction[], countMax: number): readonly ParsedTransaction[] {
  const seen = new Set<string>();
  const tail: ParsedTransaction[] = [];
  for (const transaction of transactions) {
    const name = transaction.keygen === undefined ? `${transaction.sender}/${transaction.nonce}` : transaction.hash;
    if (tail.length === countMax) break;
    if (transaction.sealed !== undefined || seen.has(name)) continue;
    seen.add(name);
    tail.push(transaction);
  }
  return tail;
}

function groupsFor(groups: readonly SearcherGroup[], height: number, stream: Stream): readonly (readonly Uint8Array[])[] {
  const due = groups.filter(({ heights }) => heights[0] <= height && height <= heights[1]);
  const chosen: (readonly Uint8Array[])[] = [];
  let count = 0;
  for (const { transactions } of stream.shuffled(due)) {
    if (chosen.length === BUNDLE_GROUPS || count + transactions.length > BUNDLE_TRANSACTIONS_MAX) break;
    chosen.push(transactions);
    count += transactions.length;
  }
  return chosen;
}
