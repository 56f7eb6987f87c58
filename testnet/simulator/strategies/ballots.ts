/** Small things that many strategies need: who the others are, ballots for blocks, and names for ballots. Nothing here acts. */

import { hashHeader } from "../../../crypto/hashes.ts";
import type { BlockHeader } from "../../../types/block.ts";
import { Epoch, ValidatorIndex } from "../../../types/ids.ts";
import { type Ballot, timeoutBallot, type VoteKind } from "../../../types/vote.ts";
import type { WireMessage } from "../facts.ts";
import type { Outgoing, TraitorContext } from "../strategy.ts";

/** Everybody else, ascending. */
export function othersOf(context: TraitorContext): readonly ValidatorIndex[] {
  return range(context.count).filter((validator) => validator !== context.self);
}

/** Who is no traitor, ascending. */
export function honestOf(context: TraitorContext): readonly ValidatorIndex[] {
  return range(context.count).filter((validator) => !context.traitors.includes(validator));
}

/** Traitors who are many enough to plan together behave so as to break agreement, not to be interesting. */
export function isConspiracy(context: TraitorContext): boolean {
  return context.traitors.length > 1;
}

export function ballotFor(kind: "vote" | "commit", header: BlockHeader): Ballot {
  return { kind, epoch: header.epoch, view: header.view, height: header.height, blockHash: hashHeader(header) };
}

/** The same block under another kind; a timeout names no block. */
export function withKind(ballot: Ballot, kind: VoteKind): Ballot {
  return kind === "timeout" ? timeoutBallot(Epoch.of(ballot.epoch), ballot.view) : { ...ballot, kind };
}

export function ballotName({ kind, view, height, blockHash }: Ballot): string {
  return `${kind}/${view}/${height}/${blockHash}`;
}

export function isSameBallot(left: Ballot, right: Ballot): boolean {
  return ballotName(left) === ballotName(right);
}

/** `message` as it is. */
export function unchanged(message: WireMessage): readonly Outgoing[] {
  return [{ message, delayMs: 0 }];
}

/** Some of `items`, at least one and, where there are two or more, not all. */
export function properSubset<Item>(items: readonly Item[], context: TraitorContext): readonly Item[] {
  if (items.length < 2) return items;
  return context.stream.shuffled(items).slice(0, context.stream.between(1, items.length - 1));
}

function range(count: number): readonly ValidatorIndex[] {
  return Array.from({ length: count }, (_, index) => ValidatorIndex.of(index));
}
