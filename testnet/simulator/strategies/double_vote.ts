/** Votes and commit-votes for several blocks of one view, and signs commit votes next to timeouts. Towards each validator it takes that
 *  one's side (mirror.ts), or it sends two ballots to everybody. R2, R4 and R5 keep honest validators from following; R12 turns
 *  the pairs into evidence; with a weight of W/3 or more in this strategy, agreement breaks. */

import type { BlockHash } from "../../../types/ids.ts";
import type { Ballot } from "../../../types/vote.ts";
import type { Strategy, TraitorContext } from "../strategy.ts";
import { ballotFor, honestOf, isConspiracy, withKind } from "./ballots.ts";
import { createDeedLedger, type DeedLedger } from "./deed_ledger.ts";
import { inventHash } from "./inventions.ts";
import { createShelf, type Shelf } from "./memory.ts";
import { createMirror } from "./mirror.ts";

const VIEWS_MAX = 64;
const BLOCKS_PER_VIEW_MAX = 4;
/** Share of views in which a lone traitor shows both ballots to everybody instead of one to each side. */
const OPEN_CHANCE = 0.6;

interface Memory {
  readonly deeds: DeedLedger;
  /** Votable blocks of a view, as their Vote ballots. */
  readonly blocks: Shelf<number, Ballot[]>;
  readonly isOpen: Shelf<number, boolean>;
}

export function createDoubleVote(): Strategy {
  const memory: Memory = { deeds: createDeedLedger(), blocks: createShelf(VIEWS_MAX), isOpen: createShelf(VIEWS_MAX) };
  const { deeds } = memory;
  const mirror = createMirror(deeds);
  return {
    beforeVote(ballot, context) {
      deeds.noteMachine(ballot);
      if (isConspiracy(context) || !context.acts(ballot.view) || !isOpenView(memory, ballot.view, context)) return [ballot];
      const second = contradictionOf(ballot, memory, context);
      if (deeds.hasSigned(second)) return [ballot];
      deeds.noteOwn(second);
      context.note(ballot.view, `signs ${second.kind} next to ${ballot.kind}`);
      return [ballot, second];
    },
    onSend(message, route, context) {
      const isOpen = message.type === "vote" && memory.isOpen.get(message.vote.ballot.view) === true;
      return isOpen ? [{ message, delayMs: 0 }] : mirror.onSend(message, route, context);
    },
    onReceive(message, from, context) {
      if (message.type === "proposal") voteForAll(memory, ballotFor("vote", message.proposal.header), context);
      return mirror.onReceive(message, from, context);
    },
  };
}

function isOpenView({ isOpen }: Memory, view: number, context: TraitorContext): boolean {
  return isOpen.ensure(view, () => context.stream.chance(OPEN_CHANCE));
}

/** A ballot that an honest validator never signs together with `ballot`. */
function contradictionOf(ballot: Ballot, { blocks, deeds }: Memory, context: TraitorContext): Ballot {
  const known = (blocks.get(ballot.view) ?? []).find(({ blockHash }) => blockHash !== ballot.blockHash);
  switch (ballot.kind) {
    case "vote":
      return known ?? { ...ballot, blockHash: inventHash<BlockHash>(context.stream) };
    case "commit":
      return withKind(ballot, "timeout");
    case "timeout": {
      const voted = deeds.signedIn(ballot.view).find(({ kind }) => kind === "vote") ?? known;
      const height = context.status.height;
      return voted === undefined
        ? { ...ballot, kind: "commit", height, blockHash: inventHash<BlockHash>(context.stream) }
        : withKind(voted, "commit");
    }
  }
}

/** Votes for every further block of a view, whoever proposed it, current view or past; for one more than its own it asks nobody. */
function voteForAll({ blocks, deeds }: Memory, ballot: Ballot, context: TraitorContext): void {
  const known = blocks.ensure(ballot.view, () => []);
  if (known.length >= BLOCKS_PER_VIEW_MAX || known.some(({ blockHash }) => blockHash === ballot.blockHash)) return;
  known.push(ballot);
  // In a conspiracy each side hears only the votes of its own branch, and its own votes say which that is.
  if (isConspiracy(context) || !deeds.contradicts(ballot) || !context.acts(ballot.view)) return;
  deeds.noteOwn(ballot);
  context.note(ballot.view, "votes for one more block of the view");
  const vote = context.signVote(ballot);
  for (const to of honestOf(context)) context.send(to, { type: "vote", vote }, 0);
}
