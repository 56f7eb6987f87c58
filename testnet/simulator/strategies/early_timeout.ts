/** Times out on entering a view that another leads. R5: only the leader's own Timeout is a reason for ours, and fewer than a quorum of
 *  others' are none, or one validator could end every view. It casts no commit vote there, so that it contradicts itself nowhere. */

import { Epoch, View } from "../../../types/ids.ts";
import { timeoutBallot } from "../../../types/vote.ts";
import type { Strategy } from "../strategy.ts";
import { honestOf } from "./ballots.ts";
import { createDeedLedger } from "./deed_ledger.ts";
import { createShelf } from "./memory.ts";

const VIEWS_MAX = 64;

export function createEarlyTimeout(): Strategy {
  const deeds = createDeedLedger();
  const left = createShelf<number, true>(VIEWS_MAX);
  return {
    beforeVote(ballot) {
      if (ballot.kind === "commit" && left.has(ballot.view)) return [];
      deeds.noteMachine(ballot);
      return [ballot];
    },
    onReceive: (message, _from, context) => (deeds.convicts(message, context) ? [] : [message]),
    onView(view, context) {
      if (context.status.leader === context.self || !context.acts(view)) return;
      left.put(view, true);
      const ballot = timeoutBallot(Epoch.ZERO, View.of(view));
      deeds.noteOwn(ballot);
      const vote = context.signVote(ballot);
      context.note(view, `times out in the view of leader ${context.status.leader} at once`);
      for (const to of honestOf(context)) context.send(to, { type: "vote", vote }, 0);
    },
  };
}
