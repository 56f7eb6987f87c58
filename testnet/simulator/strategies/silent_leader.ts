/** Proposes nothing when it leads. R5 ends its view after 2Δ, R6 moves everybody on, and the schedule's pauses make it lead less. */

import type { Strategy } from "../strategy.ts";

export function createSilentLeader(): Strategy {
  return {
    beforeProposal(proposal, context) {
      const { view } = proposal.header;
      if (!context.acts(view)) return [proposal];
      context.note(view, "proposes nothing");
      return [];
    },
  };
}
