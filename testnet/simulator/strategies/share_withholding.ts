/** Keeps its shares, seeds and proofs to itself: from all, or from some. What n − f others have opens every lane without it; where it is the
 *  opener, all-to-all shares stand in for it. */

import type { ValidatorIndex } from "../../../types/ids.ts";
import type { Strategy } from "../strategy.ts";
import { othersOf, unchanged } from "./ballots.ts";

export function createShareWithholding(): Strategy {
  let left: { readonly view: number; readonly from: readonly ValidatorIndex[] } | undefined;
  return {
    onSend(message, { to }, context) {
      const isHelp = message.type === "shares" || message.type === "seeds" || message.type === "proofs";
      const { view } = context.status;
      if (!isHelp || !context.acts(view)) return unchanged(message);
      if (left?.view !== view) {
        const others = othersOf(context);
        left = { view, from: context.stream.chance(0.5) ? others : others.filter(() => context.stream.chance(0.5)) };
      }
      if (!left.from.includes(to)) return unchanged(message);
      context.note(view, `keeps its ${message.type} from ${to}`);
      return [];
    },
  };
}
