/** Speaks in each view only to some validators, about everything: proposals, votes, certificates, transactions, sync. The others must get
 *  what they need from third parties (R3 forwards certificates, R7 fetches blocks), and no view may hang on it (R5). */

import type { ValidatorIndex } from "../../../types/ids.ts";
import type { Strategy } from "../strategy.ts";
import { othersOf, properSubset, unchanged } from "./ballots.ts";
import { createShelf } from "./memory.ts";

const VIEWS_MAX = 64;

export function createSelectiveSending(): Strategy {
  const favoured = createShelf<number, readonly ValidatorIndex[]>(VIEWS_MAX);
  return {
    onSend(message, { to, kind }, context) {
      const { view } = context.status;
      if (!context.acts(view)) return unchanged(message);
      const friends = favoured.ensure(view, () => properSubset(othersOf(context), context));
      if (friends.includes(to)) return unchanged(message);
      context.note(view, `keeps its ${kind} from ${to}`);
      return [];
    },
  };
}
