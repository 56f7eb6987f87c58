/** What a Byzantine builder bids instead of an honest bid: one function for each strategy of scenario/manifest.ts. A builder holds its own account's
 *  key and nobody else's; it never votes. */

import { assert } from "../../../types/assert.ts";
import { toHex } from "../../../types/bytes.ts";
import { type AccountId, type BlockHash, type BodyRoot, Height, type TransactionHash } from "../../../types/ids.ts";
import type { BuilderStrategyName } from "../../scenario/manifest.ts";
import type { Stream } from "../streams.ts";
import type { Draft } from "./compose.ts";

export type TraitorBuilder = Exclude<BuilderStrategyName, "plain" | "aggressive">;

export interface Deed {
  readonly draft: Draft;
  readonly delayMs: number;
  /** For the report. */
  readonly what: string;
}

export interface Cheating {
  readonly stream: Stream;
  /** All that it ever bonded. */
  readonly bond: bigint;
  /** Accounts of other builders. */
  readonly others: readonly AccountId[];
  nextSequence(): number;
}

/** What the strategy bids, given what an honest builder would. */
export function traitorDrafts(strategy: TraitorBuilder, honest: Draft, cheating: Cheating): readonly Deed[] {
  return STRATEGIES[strategy](honest, cheating);
}

type Strategy = (honest: Draft, cheating: Cheating) => readonly Deed[];

const now = (what: string, draft: Draft): Deed => ({ draft, delayMs: 0, what });

const STRATEGIES: Readonly<Record<TraitorBuilder, Strategy>> = {
  lateBids: (honest, { stream }) => [{ draft: honest, delayMs: stream.between(20, 1_500), what: "bid after the cut-off" }],
  unheldTails,
  overbidding(honest, { stream, bond, nextSequence }) {
    const values = stream.shuffled([bond, bond + 1n, bond * 1_000n, 2n ** 128n - 1n]).slice(0, stream.between(1, 2));
    return values.map((value) => now("bid what its bond need not cover", { ...honest, value, sequence: nextSequence() }));
  },
  wrongTails,
  brokenBundles(honest, { stream }) {
    if (honest.bundle === undefined) return [now("bid without a bundle", honest)];
    return [now("sealed a bundle that does not pass the check", { ...honest, sealingLie: stream.pick(["flipped", "label"] as const) })];
  },
  rubbishBundles(honest, { stream }) {
    if (honest.bundle === undefined) return [now("bid without a bundle", honest)];
    const sealingLie = stream.pick(["hidden", "exponent", "body", "message"] as const);
    return [now("sealed what is no bundle", { ...honest, sealingLie })];
  },
  badGroups(honest, { stream }) {
    const { bundle } = honest;
    if (bundle === undefined) return [now("bid without a bundle", honest)];
    const groups = [...bundle.groups, ...badGroups(bundle.groups, stream)];
    return [now("sealed groups of transactions that are none", { ...honest, bundle: { ...bundle, groups: stream.shuffled(groups) } })];
  },
  twoFaced(honest) {
    const other: Draft = { ...honest, value: honest.value > 1n ? honest.value - 1n : honest.value + 1n, tail: honest.tail.slice(1) };
    return [now("bid", honest), now("bid again by the same number", other)];
  },
  foreignBids,
};

function unheldTails(honest: Draft, { stream }: Cheating): readonly Deed[] {
  const unheld = toHex<TransactionHash>(stream.bytes(32));
  const [first] = honest.tail;
  const invented = first === undefined ? undefined : { ...first, hash: unheld };
  const tail = invented === undefined ? [] : [...honest.tail, invented];
  return [now("bid with a tail that nobody holds", { ...honest, tail, value: honest.value + 1n })];
}

function wrongTails(honest: Draft, { stream }: Cheating): readonly Deed[] {
  const lies: readonly (() => Draft)[] = [
    () => ({ ...honest, change: (content) => ({ ...content, tailRoot: toHex<BodyRoot>(stream.bytes(32)) }) }),
    () => ({ ...honest, hashes: [...honest.tail].reverse().map(({ hash }) => hash) }),
    () => ({ ...honest, change: (content) => ({ ...content, gas: content.gas + 1 }) }),
    () => ({ ...honest, change: (content) => ({ ...content, tailBytes: content.tailBytes + 1 }) }),
    () => ({ ...honest, tail: [...honest.tail, ...honest.tail.slice(0, 1)] }),
  ];
  return [now("bid with a tail that is not the one that it names", stream.pick(lies)())];
}

function badGroups(groups: readonly (readonly Uint8Array[])[], stream: Stream): (readonly Uint8Array[])[] {
  const [good] = groups.flat();
  const rubbish = [stream.bytes(stream.between(1, 300))];
  if (good === undefined) return [rubbish];
  const forged = Uint8Array.from(good);
  // Within the signature, which stands right after version and offset.
  forged[20] = (forged[20] as number) ^ 0xff;
  const sealedKind = Uint8Array.from(good);
  sealedKind[0] = 2;
  return [rubbish, [forged], [good, forged], [sealedKind]].slice(0, stream.between(1, 4));
}

function foreignBids(honest: Draft, { stream, others }: Cheating): readonly Deed[] {
  const { opportunity } = honest;
  const stranger = others.length > 0 ? stream.pick(others) : toHex<AccountId>(stream.bytes(32));
  const lies: readonly (() => Draft)[] = [
    () => ({ ...honest, opportunity: { ...opportunity, height: Height.next(opportunity.height) } }),
    () => ({ ...honest, opportunity: { ...opportunity, parentHash: toHex<BlockHash>(stream.bytes(32)) } }),
    () => ({ ...honest, account: stranger }),
    () => ({ ...honest, isUnsigned: true }),
  ];
  const lie = stream.pick(lies);
  assert(lie !== undefined, "there are lies");
  return [now("bid for another block or in another name", lie())];
}
