/** Forgets what it signed. Its records, and sometimes bodies, never reach the disk, so that after a restart the machine signs again as
 *  if it had not; and within a run it signs views of the past afresh and differently. R9 binds only those who keep it: R2, R4, R5
 *  and quorum intersection must hold without it; R12 may find the pairs. */

import type { BlockHash } from "../../../types/ids.ts";
import type { Ballot } from "../../../types/vote.ts";
import type { Strategy, TraitorContext } from "../strategy.ts";
import { ballotFor, honestOf, properSubset, withKind } from "./ballots.ts";
import { createDeedLedger } from "./deed_ledger.ts";
import { inventHash } from "./inventions.ts";
import { createShelf } from "./memory.ts";

const VIEWS_MAX = 64;
/** How far back a view may lie that is signed again. */
const VIEWS_BACK_MAX = 6;
const BLOCKS_LOST_CHANCE = 0.1;

export function createAmnesia(): Strategy {
  const deeds = createDeedLedger();
  /** The Vote ballot of one block per view that came by last. */
  const blocks = createShelf<number, Ballot>(VIEWS_MAX);
  return {
    beforeVote(ballot) {
      deeds.noteMachine(ballot);
      return [ballot];
    },
    onReceive(message, _from, context) {
      if (message.type === "proposal") blocks.put(message.proposal.header.view, ballotFor("vote", message.proposal.header));
      return deeds.convicts(message, context) ? [] : [message];
    },
    onPersist(durable, context) {
      const view = durable.records.at(-1)?.view ?? context.status.view;
      if (durable.records.length === 0 || !context.acts(view)) return durable;
      context.note(view, `forgets ${durable.records.length} records`);
      // A final block must stay: without it the store would not start again, and the traitor would be gone.
      const losesBlocks = durable.blocks.length > 0 && durable.finality.length === 0 && context.stream.chance(BLOCKS_LOST_CHANCE);
      return { ...durable, records: [], blocks: losesBlocks ? [] : durable.blocks };
    },
    onView(view, context) {
      const past = view - context.stream.between(1, VIEWS_BACK_MAX);
      const [first] = deeds.signedIn(past);
      if (first === undefined || !context.acts(past)) return;
      signAfresh(otherThan(first, { other: blocks.get(past), context }), context);
    },
  };

  function signAfresh(ballot: Ballot, context: TraitorContext): void {
    if (!deeds.contradicts(ballot) || deeds.hasSigned(ballot)) return;
    deeds.noteOwn(ballot);
    context.note(ballot.view, `signs a ${ballot.kind} of a past view afresh`);
    const vote = context.signVote(ballot);
    for (const to of properSubset(honestOf(context), context)) context.send(to, { type: "vote", vote }, 0);
  }
}

function otherThan(first: Ballot, { other, context }: { readonly other: Ballot | undefined; readonly context: TraitorContext }): Ballot {
  if (first.kind === "commit") return withKind(first, "timeout");
  if (first.kind === "timeout") return other === undefined ? invented(first, "commit", context) : withKind(other, "commit");
  if (other !== undefined && other.blockHash !== first.blockHash) return other;
  return invented(first, "vote", context);
}

function invented(ballot: Ballot, kind: "vote" | "commit", context: TraitorContext): Ballot {
  const height = ballot.kind === "timeout" ? context.status.height : ballot.height;
  return { ...ballot, kind, height, blockHash: inventHash<BlockHash>(context.stream) };
}
