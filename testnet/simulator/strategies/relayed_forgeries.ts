/** Forges ballots that the honest are just about to sign, and sends them to everybody before the real ones can arrive: the leader's Timeout
 *  on entering a view, all others' votes and commit votes on seeing its block. R11: a vote that somebody else passes on is verified
 *  before it takes a slot, or it would keep the real one out; R5 the leader's Timeout counts only when it is the leader's. */

import { Epoch, type ValidatorIndex, View } from "../../../types/ids.ts";
import { type Ballot, timeoutBallot } from "../../../types/vote.ts";
import type { Strategy, TraitorContext } from "../strategy.ts";
import { ballotFor, honestOf } from "./ballots.ts";
import { inventBlsSignature } from "./inventions.ts";

/** By then the others have entered the view too, so that the timeout is one of their own view. */
const TIMEOUT_DELAY_MS: readonly [number, number] = [2, 8];

export function createRelayedForgeries(): Strategy {
  return {
    // Its own are kept back, so that each of the others' counts.
    beforeVote: (ballot, context) => (ballot.kind !== "timeout" && context.acts(ballot.view) ? [] : [ballot]),
    onReceive(message, from, context) {
      if (message.type !== "proposal" || message.proposal.header.proposer !== from) return [message];
      const { header } = message.proposal;
      if (!context.acts(header.view)) return [message];
      context.note(header.view, "passes on votes for the block that nobody has signed yet");
      for (const victim of honestOf(context))
        for (const kind of ["vote", "commit"] as const) forge(victim, ballotFor(kind, header), { delayMs: 0, context });
      return [message];
    },
    onView(view, context) {
      const { leader } = context.status;
      if (leader === context.self || !context.acts(view)) return;
      context.note(view, `passes on a timeout of leader ${leader}`);
      forge(leader, timeoutBallot(Epoch.ZERO, View.of(view)), { delayMs: context.stream.between(...TIMEOUT_DELAY_MS), context });
    },
  };
}

/** To everybody but the victim, who knows what it signed. */
function forge(
  victim: ValidatorIndex,
  ballot: Ballot,
  { delayMs, context }: { readonly delayMs: number; readonly context: TraitorContext },
): void {
  const isOwn = context.stream.chance(0.5);
  const signature = isOwn ? context.signVote(ballot).signature : inventBlsSignature(context.stream);
  for (const to of honestOf(context)) {
    if (to !== victim) context.send(to, { type: "vote", vote: { ballot, validator: victim, signature } }, delayMs);
  }
}
