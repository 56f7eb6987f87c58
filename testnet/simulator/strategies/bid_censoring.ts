/** Hears no bids: builds its blocks itself, however much is bid. Nobody is at fault, and nothing may be lost but the bid's value. */

import type { Strategy } from "../strategy.ts";

export function createBidCensoring(): Strategy {
  return {
    onReceive(message, from, context) {
      const { view } = context.status;
      if (message.type !== "bid" || !context.acts(view)) return [message];
      context.note(view, `leaves a bid of ${from} unheard`);
      return [];
    },
  };
}
