/** Forgets what it signed. Its records, and sometimes bodies, never reach the disk, so that after a restart the machine signs again as
 *  if it had not; and within a run it signs views of the past afresh and differently. R9 binds only those who keep it: R2, R4, R5
 *  and quorum intersection must hold without it; R12 may find the pairs. */

import type { Durable } from "../../../replica/interface.ts";
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
const BLOCKS_LOST_CHANCE = 0.3;
const BLOCKS_FORGOTTEN_MAX = 1_024;

type StoredBlocks = Durable["blocks"];

export function createAmnesia(): Strategy {
  const deeds = createDeedLedger();
  /** The Vote ballot of one block per view that came by last. */
  const blocks = createShelf<number, Ballot>(VIEWS_MAX);
  const forgotten = createShelf<BlockHash, StoredBlocks[number]>(BLOCKS_FORGOTTEN_MAX);
  return {
    beforeVote(ballot) {
      deeds.noteMachine(ballot);
      return [ballot];
    },
    onReceive(message, _from, context) {
      if (message.type === "proposal") blocks.put(message.proposal.header.view, ballotFor("vote", message.proposal.header));
      return deeds.convicts(message, context) ? [] : [message];
    },
    onPersist(given, context) {
      const durable = withForgotten(given);
      const view = durable.records.at(-1)?.view ?? context.status.view;
      if (durable.records.length === 0 || !context.acts(view)) return durable;
      context.note(view, `forgets ${durable.records.length} records`);
      const isFinalizing = durable.finality.length > 0;
      return { ...durable, records: [], blocks: isFinalizing ? durable.blocks : forgetBlocks(durable.blocks, context) };
    },
    onView(view, context) {
      const past = view - context.stream.between(1, VIEWS_BACK_MAX);
      const [first] = deeds.signedIn(past);
      if (first === undefined || !context.acts(past)) return;
      signAfresh(otherThan(first, { other: blocks.get(past), context }), context);
    },
  };

  /** A block that becomes final must be there: without it the store would stop, and the traitor would be gone. */
  function withForgotten(durable: Durable): Durable {
    const missing = durable.finality.flatMap(({ blockHash }) => {
      const isGiven = durable.blocks.some((stored) => stored.blockHash === blockHash);
      const block = isGiven ? undefined : forgotten.get(blockHash);
      return block === undefined ? [] : [block];
    });
    return missing.length === 0 ? durable : { ...durable, blocks: [...missing, ...durable.blocks] };
  }

  function forgetBlocks(stored: StoredBlocks, context: TraitorContext): StoredBlocks {
    if (stored.length === 0 || !context.stream.chance(BLOCKS_LOST_CHANCE)) return stored;
    for (const each of stored) forgotten.put(each.blockHash, each);
    return [];
  }

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
