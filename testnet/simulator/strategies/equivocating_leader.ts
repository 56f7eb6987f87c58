/** As leader, proposes two or three different valid blocks, each to its own part of the honest validators, and votes for each part's
 *  block towards that part. R2 admits one vote per view and validator, so at most one of them is certified; R12 makes the
 *  headers evidence when they meet. Traitors always get all of them. */

import type { ValidatorIndex } from "../../../types/ids.ts";
import type { Strategy, TraitorContext, UnsignedProposal } from "../strategy.ts";
import { ballotFor, honestOf, isConspiracy, unchanged } from "./ballots.ts";
import { createDeedLedger } from "./deed_ledger.ts";
import { createShelf } from "./memory.ts";
import { createMirror, type Mirror } from "./mirror.ts";
import { hashOf, variantOf } from "./variants.ts";

/** Which blocks of a view each honest validator gets, by hash. */
type Plan = ReadonlyMap<ValidatorIndex, readonly string[]>;

const VIEWS_MAX = 64;
/** Share of views in which one validator gets two of the blocks, and so the evidence. */
const CARELESS_CHANCE = 0.3;

export function createEquivocatingLeader(): Strategy {
  const deeds = createDeedLedger();
  const mirror = createMirror(deeds);
  const plans = createShelf<number, Plan>(VIEWS_MAX);
  return {
    beforeVote(ballot) {
      deeds.noteMachine(ballot);
      return [ballot];
    },
    beforeProposal(proposal, context) {
      const { view } = proposal.header;
      if (honestOf(context).length < 2 || !context.acts(view)) return [proposal];
      const blocks = [proposal, ...variantsOf(proposal, context)];
      plans.put(view, planFor(blocks, mirror, context));
      context.note(view, `proposes ${blocks.length} blocks`);
      return blocks;
    },
    onSend(message, route, context) {
      if (message.type !== "proposal" || message.proposal.header.proposer !== context.self) return mirror.onSend(message, route, context);
      const blocks = plans.get(message.proposal.header.view)?.get(route.to);
      const isMeantForThem = blocks === undefined || blocks.includes(hashOf(message.proposal));
      return isMeantForThem ? unchanged(message) : [];
    },
    onReceive: (message, from, context) => mirror.onReceive(message, from, context),
  };
}

function variantsOf(proposal: UnsignedProposal, context: TraitorContext): readonly UnsignedProposal[] {
  const canBeThree = !isConspiracy(context) && honestOf(context).length > 2;
  const count = canBeThree && context.stream.chance(0.3) ? 2 : 1;
  return Array.from({ length: count }, (_, index) => variantOf(proposal, index + 1, context.stream));
}

/** Deals the blocks out. Alone: at random; in a conspiracy: always the same halves, so that the split goes on. */
function planFor(blocks: readonly UnsignedProposal[], mirror: Mirror, context: TraitorContext): Plan {
  const honest = isConspiracy(context) ? honestOf(context) : context.stream.shuffled(honestOf(context));
  const plan = new Map<ValidatorIndex, readonly string[]>();
  const isCareless = !isConspiracy(context) && context.stream.chance(CARELESS_CHANCE);
  for (const [index, validator] of honest.entries()) {
    const chosen = blocks[Math.floor((index * blocks.length) / honest.length)] as UnsignedProposal;
    mirror.assign(validator, ballotFor("vote", chosen.header), context);
    plan.set(validator, isCareless && index === 0 ? blocks.map(hashOf) : [hashOf(chosen)]);
  }
  return plan;
}
