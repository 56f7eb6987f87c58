/** Proposes, waits until others have voted, then times out its own view early and so tries to take the block back. R5: the leader's
 *  own Timeout is a reason for others to time out, but never after a commit vote; R8: what is final stays in every later chain. */

import type { ValidatorIndex, View } from "../../../types/ids.ts";
import { timeoutBallot } from "../../../types/vote.ts";
import type { Strategy, TraitorContext, UnsignedProposal } from "../strategy.ts";
import { othersOf, properSubset } from "./ballots.ts";
import { createDeedLedger } from "./deed_ledger.ts";
import { createShelf } from "./memory.ts";

interface Plan {
  readonly epoch: UnsignedProposal["header"]["epoch"];
  readonly view: View;
  /** What it waits for, and how often. */
  readonly trigger: "vote" | "commit";
  readonly countNeeded: number;
  readonly recipients: readonly ValidatorIndex[];
  readonly heard: Set<ValidatorIndex>;
  isDone: boolean;
}

const VIEWS_MAX = 64;

export function createRevokedBlock(): Strategy {
  const deeds = createDeedLedger();
  const plans = createShelf<number, Plan>(VIEWS_MAX);
  return {
    beforeVote(ballot) {
      deeds.noteMachine(ballot);
      return [ballot];
    },
    beforeProposal(proposal, context) {
      const { view } = proposal.header;
      if (!plans.has(view) && context.acts(view)) plans.put(view, planFor(proposal, context));
      return [proposal];
    },
    onReceive(message, from, context) {
      if (deeds.convicts(message, context)) return [];
      if (message.type !== "vote" || message.vote.validator !== from) return [message];
      const { kind, view } = message.vote.ballot;
      const plan = plans.get(view);
      if (plan === undefined || plan.isDone || kind !== plan.trigger) return [message];
      plan.heard.add(from);
      if (plan.heard.size >= plan.countNeeded) revoke(plan, context);
      return [message];
    },
  };

  function revoke(plan: Plan, context: TraitorContext): void {
    plan.isDone = true;
    const ballot = timeoutBallot(plan.epoch, plan.view);
    const vote = context.signVote(ballot);
    deeds.noteOwn(ballot);
    context.note(plan.view, `times out its own block after ${plan.heard.size} ${plan.trigger} ballots, towards ${plan.recipients.length}`);
    for (const to of plan.recipients) context.send(to, { type: "vote", vote }, 0);
  }
}

function planFor({ header }: UnsignedProposal, context: TraitorContext): Plan {
  const others = othersOf(context);
  const { stream } = context;
  return {
    epoch: header.epoch,
    view: header.view,
    trigger: stream.chance(0.7) ? "vote" : "commit",
    countNeeded: stream.between(1, Math.max(1, Math.min(others.length, Math.ceil((2 * context.count) / 3)))),
    recipients: stream.chance(0.5) ? others : properSubset(others, context),
    heard: new Set(),
    isDone: false,
  };
}
