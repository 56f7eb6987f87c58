/** As leader, proposes another sealed lane than its lists give: without some entries, in another order, from too few lists, from lists of an earlier
 *  view, from a list that it changed, without any, or as if there were no key. Everything else of the header fits what it proposes. SL2: voters compute the lane again. */

import { bodyRootOf, listsRootOf } from "../../../crypto/hashes.ts";
import { type TransactionHash, ZERO_HASH } from "../../../types/ids.ts";
import type { InclusionList } from "../../../types/inclusion_list.ts";
import type { KeyId } from "../../../types/sealing.ts";
import type { Strategy, TraitorContext, UnsignedProposal } from "../strategy.ts";

export function createCensoringLeader(): Strategy {
  /** Sizes of sealed transactions that came by, for the header's count of bytes. */
  const sizes = new Map<TransactionHash, number>();
  let earlier: readonly InclusionList[] = [];
  return {
    beforeProposal(proposal, context) {
      const { header, lists } = proposal;
      const before = earlier;
      if (lists.length > 0) earlier = lists;
      if (lists.length === 0 || header.keyId === (ZERO_HASH as string) || !context.acts(header.view)) return [proposal];
      const spoilt = spoil(proposal, before, context);
      if (spoilt === undefined) return [proposal];
      context.note(header.view, `proposes ${spoilt.what}`);
      return [spoilt.proposal];
    },
    onReceive(message) {
      if (message.type === "list") for (const { id, sizeClass } of message.list.entries) sizes.set(id, 227 + 176 + 256 * 2 ** sizeClass);
      return [message];
    },
  };

  function spoil(
    proposal: UnsignedProposal,
    before: readonly InclusionList[],
    context: TraitorContext,
  ): { readonly proposal: UnsignedProposal; readonly what: string } | undefined {
    const { stream } = context;
    const { header, lists, transactionHashes } = proposal;
    const lane = transactionHashes.slice(0, header.sealedCount);
    switch (stream.below(7)) {
      case 0: {
        if (lane.length === 0) return undefined;
        const dropped = stream.pick(lane);
        return {
          proposal: withLane(
            proposal,
            lane.filter((id) => id !== dropped),
            lists,
          ),
          what: "a lane without one of its transactions",
        };
      }
      case 1:
        if (lane.length < 2) return undefined;
        return { proposal: withLane(proposal, [...lane].reverse(), lists), what: "a lane in another order" };
      case 2:
        return { proposal: withLane(proposal, [], lists.slice(1).map(emptied)), what: "too few lists, and empty ones" };
      case 3:
        if (before.length === 0) return undefined;
        return { proposal: withLane(proposal, [], before), what: "lists of an earlier view" };
      case 4:
        return { proposal: withLane(proposal, [], lists.map(emptied)), what: "lists that it emptied" };
      case 5: {
        const denying = withLane(proposal, [], []);
        return {
          proposal: { ...denying, header: { ...denying.header, keyId: ZERO_HASH as string as KeyId } },
          what: "a block that knows no key",
        };
      }
      default:
        return { proposal: withLane(proposal, [], []), what: "no lists" };
    }
  }

  function withLane(proposal: UnsignedProposal, lane: readonly TransactionHash[], lists: readonly InclusionList[]): UnsignedProposal {
    const { header, transactionHashes } = proposal;
    const open = transactionHashes.slice(header.sealedCount);
    const removed = transactionHashes.slice(0, header.sealedCount).filter((id) => !lane.includes(id));
    const hashes = [...lane, ...open];
    return {
      ...proposal,
      lists,
      transactionHashes: hashes,
      header: {
        ...header,
        bodyRoot: bodyRootOf(hashes),
        transactionCount: hashes.length,
        bodyBytes: header.bodyBytes - removed.reduce((sum, id) => sum + (sizes.get(id) ?? 0), 0),
        sealedCount: lane.length,
        listsRoot: listsRootOf(lists),
      },
    };
  }
}

/** Its maker did not sign that. */
const emptied = (list: InclusionList): InclusionList => ({ ...list, entries: [] });
