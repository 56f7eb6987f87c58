/** Which bundles of searchers stand together in a block's bundle, and in which order.
 *
 *  K3 at most BUNDLE_GROUPS_MAX groups, BUNDLE_TRANSACTIONS_MAX transactions, and the message of the largest size class. K4 no nonce stands in two
 *  groups, or in a group and the tail: the better paid stays. K5 best paid for its room first, but never a sender's later nonce before its earlier one:
 *  a group that cannot be placed so is out. */

import { bundleMessageBytes } from "../types/bid.ts";
import { messageBytesOf, SEALED_SIZE_CLASS_MAX } from "../types/envelope.ts";
import type { TransactionHash } from "../types/ids.ts";
import { BUNDLE_GROUPS_MAX, BUNDLE_TRANSACTIONS_MAX } from "../types/limits.ts";
import { type BundleId, type CandidateBundle, type NotIncludedReason, nonceKeyOf, type Rival } from "./bundle.ts";
import { compareDensity, type Dense, groupCostOf } from "./density.ts";
import type { PricedTransaction } from "./tail.ts";

export interface GroupChoice {
  /** In the order in which they run. */
  readonly chosen: readonly CandidateBundle[];
  readonly left: ReadonlyMap<BundleId, NotIncludedReason>;
  /** Transactions of the tail that cannot stand behind the chosen groups (K4, K5). */
  readonly displaced: ReadonlySet<TransactionHash>;
}

/** Bytes of the largest message that a bundle can be. */
export const MESSAGE_BYTES_MAX = messageBytesOf(SEALED_SIZE_CLASS_MAX);
const EMPTY_MESSAGE_BYTES = bundleMessageBytes([]);

/** `tail`: what the tail would hold without any group, with what each brings. */
export function chooseGroups(candidates: readonly CandidateBundle[], tail: readonly PricedTransaction[]): GroupChoice {
  const choice = new Choice(tail);
  for (const group of candidates.map(groupOf).sort(compareGroups)) choice.offer(group);
  return choice;
}

/** Transactions of the tail that cannot stand behind these groups. */
export function displacedBy(bundles: readonly CandidateBundle[], tail: readonly PricedTransaction[]): ReadonlySet<TransactionHash> {
  const choice = new Choice(tail);
  for (const bundle of bundles) choice.displace(groupOf(bundle));
  return choice.displaced;
}

interface Group extends Dense {
  readonly bundle: CandidateBundle;
  readonly messageBytes: number;
  readonly nonceKeys: readonly string[];
  /** Lowest and highest nonce of each sender. */
  readonly nonces: ReadonlyMap<string, { readonly min: number; readonly max: number }>;
}

function groupOf(bundle: CandidateBundle): Group {
  const { transactions, worth } = bundle;
  const nonces = new Map<string, { min: number; max: number }>();
  for (const { sender, nonce } of transactions) {
    const range = nonces.get(sender);
    if (sender !== "") nonces.set(sender, { min: Math.min(nonce, range?.min ?? nonce), max: Math.max(nonce, range?.max ?? nonce) });
  }
  const messageBytes = bundleMessageBytes([transactions.map(({ bytes }) => bytes)]) - EMPTY_MESSAGE_BYTES;
  const cost = groupCostOf({ messageBytes, transactionCount: transactions.length }, MESSAGE_BYTES_MAX);
  return { bundle, gain: worth, cost, messageBytes, nonceKeys: transactions.map(nonceKeyOf), nonces };
}

function compareGroups(left: Group, right: Group): number {
  return compareDensity(left, right) || (left.bundle.id < right.bundle.id ? -1 : 1);
}

class Choice implements GroupChoice {
  readonly left = new Map<BundleId, NotIncludedReason>();
  readonly displaced = new Set<TransactionHash>();
  readonly #groups: Group[] = [];
  readonly #holders = new Map<string, BundleId>();
  readonly #tailBySender = new Map<string, PricedTransaction[]>();
  readonly #tailByHash = new Map<string, PricedTransaction>();
  #transactionCount = 0;
  #messageBytes = EMPTY_MESSAGE_BYTES;

  constructor(tail: readonly PricedTransaction[]) {
    for (const each of tail) {
      const { sender, hash, keygen } = each.transaction;
      if (keygen !== undefined) continue;
      this.#tailByHash.set(hash, each);
      const own = this.#tailBySender.get(sender);
      if (sender === "") continue;
      if (own === undefined) this.#tailBySender.set(sender, [each]);
      else own.push(each);
    }
  }

  get chosen(): readonly CandidateBundle[] {
    return this.#groups.map(({ bundle }) => bundle);
  }

  offer(group: Group): void {
    const reason = this.#reasonAgainst(group);
    if (reason !== undefined) this.left.set(group.bundle.id, reason);
  }

  displace(group: Group): void {
    for (const { transaction } of this.#displacedBy(group)) this.displaced.add(transaction.hash);
  }

  /** Takes the group, or says why not. */
  #reasonAgainst(group: Group): NotIncludedReason | undefined {
    const { bundle, messageBytes, nonceKeys } = group;
    const rival = this.#rivalOf(group);
    if (rival !== undefined) return { type: "conflict", with: rival };
    const isRoomy =
      this.#groups.length < BUNDLE_GROUPS_MAX &&
      this.#transactionCount + nonceKeys.length <= BUNDLE_TRANSACTIONS_MAX &&
      this.#messageBytes + messageBytes <= MESSAGE_BYTES_MAX;
    if (!isRoomy) return { type: "noRoom" };
    const place = this.#placeOf(group);
    if (typeof place === "object") return { type: "conflict", with: place };
    const behind = this.#displacedBy(group);
    const lost = behind.reduce((sum, { gain }) => sum + gain, 0n);
    const [first] = behind;
    if (first !== undefined && bundle.worth <= lost)
      return { type: "conflict", with: { type: "transaction", hash: first.transaction.hash } };
    this.displace(group);
    for (const key of nonceKeys) this.#holders.set(key, bundle.id);
    this.#groups.splice(place, 0, group);
    this.#transactionCount += nonceKeys.length;
    this.#messageBytes += messageBytes;
    return undefined;
  }

  /** K4. */
  #rivalOf({ nonceKeys }: Group): Rival | undefined {
    for (const key of nonceKeys) {
      const id = this.#holders.get(key);
      if (id !== undefined) return { type: "bundle", id };
    }
    return undefined;
  }

  /** K5: as late as the nonces allow; or a group that leaves no place. */
  #placeOf(group: Group): number | Rival {
    let place = this.#groups.length;
    let placeMin = 0;
    for (let index = this.#groups.length - 1; index >= 0; index--) {
      const other = this.#groups[index] as Group;
      const order = orderOf(group, other);
      if (order === "before") place = index;
      else if (order === "after") placeMin = Math.max(placeMin, index + 1);
      if (order === "mixed" || place < placeMin) return { type: "bundle", id: other.bundle.id };
    }
    return place;
  }

  /** What of the tail has a nonce of the group, or a lower one of a sender in it. */
  #displacedBy({ nonces, bundle }: Group): readonly PricedTransaction[] {
    const found = new Set<PricedTransaction>();
    for (const { hash } of bundle.transactions) {
      const same = this.#tailByHash.get(hash);
      if (same !== undefined) found.add(same);
    }
    for (const [sender, { max }] of nonces) {
      for (const each of this.#tailBySender.get(sender) ?? []) if (each.transaction.nonce <= max) found.add(each);
    }
    return [...found].filter(({ transaction }) => !this.displaced.has(transaction.hash));
  }
}

/** Where `group` has to stand as to `other`, by the nonces of the senders that both have. */
function orderOf(group: Group, other: Group): "before" | "after" | "free" | "mixed" {
  let order: "before" | "after" | "free" = "free";
  for (const [sender, { min, max }] of group.nonces) {
    const theirs = other.nonces.get(sender);
    if (theirs === undefined) continue;
    const here = max < theirs.min ? "before" : min > theirs.max ? "after" : "mixed";
    if (here === "mixed" || (order !== "free" && order !== here)) return "mixed";
    order = here;
  }
  return order;
}
