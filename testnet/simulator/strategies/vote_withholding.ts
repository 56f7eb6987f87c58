/** Keeps its votes, commit votes or timeouts back, from everybody or from some, as it likes in each view. Others must reach their
 *  quorum without it (R3) or leave the view (R5, R6), and whoever lacks a certificate gets it forwarded (R3). */

import type { ValidatorIndex } from "../../../types/ids.ts";
import type { MessageKind } from "../../scenario/manifest.ts";
import type { Strategy, TraitorContext } from "../strategy.ts";
import { othersOf, properSubset, unchanged } from "./ballots.ts";
import { createShelf } from "./memory.ts";

interface Plan {
  readonly kinds: readonly MessageKind[];
  readonly deprived: readonly ValidatorIndex[];
}

const VIEWS_MAX = 64;
const CHOICES: readonly (readonly MessageKind[])[] = [
  ["vote"],
  ["commit"],
  ["timeout"],
  ["vote", "commit"],
  ["commit", "timeout"],
  ["vote", "commit", "timeout"],
];

export function createVoteWithholding(): Strategy {
  const plans = createShelf<number, Plan>(VIEWS_MAX);
  return {
    onSend(message, { to, kind }, context) {
      if (message.type !== "vote" || message.vote.validator !== context.self) return unchanged(message);
      const { view } = message.vote.ballot;
      if (!context.acts(view)) return unchanged(message);
      const plan = plans.ensure(view, () => planFor(context));
      if (!plan.kinds.includes(kind) || !plan.deprived.includes(to)) return unchanged(message);
      context.note(view, `withholds its ${kind} from ${to}`);
      return [];
    },
  };
}

function planFor(context: TraitorContext): Plan {
  const others = othersOf(context);
  return {
    kinds: context.stream.pick(CHOICES),
    deprived: context.stream.chance(0.5) ? others : properSubset(others, context),
  };
}
