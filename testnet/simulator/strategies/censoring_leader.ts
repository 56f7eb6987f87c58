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
  const done = new Map<string, number>();
  let earlier: readonly InclusionList[] = [];
  return {
    beforeProposal(proposal, context) {
      const { header, lists } = proposal;
      const before = earlier;
      if (lists.length > 0) earlier = lists;
      if (lists.length === 0 || header.keyId === (ZERO_HASH as string) || !context.acts(header.view)) return [proposal];
      const spoilt = spoil(proposal, before, context);
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
  ): { readonly proposal: UnsignedProposal; readonly what: string } {
    const { stream } = context;
    const { header, lists, transactionHashes } = proposal;
    const lane = transactionHashes.slice(0, header.sealedCount);
    const [first, ...others] = lane;
    const spoils = [
      { proposal: withLane(proposal, lane, lists.slice(1)), what: "too few lists" },
      { proposal: withLane(proposal, [], lists.map(emptied)), what: "lists that it emptied" },
      { proposal: withLane(proposal, [], []), what: "no lists" },
      { proposal: withKeyId(withLane(proposal, [], []), ZERO_HASH as string as KeyId), what: "a block that knows no key" },
    ];
    if (before.length > 0) spoils.push({ proposal: withLane(proposal, [], before), what: "lists of an earlier view" });
    if (first !== undefined) {
      const dropped = stream.pick(lane);
      const kept = lane.filter((id) => id !== dropped);
      spoils.push({ proposal: withLane(proposal, kept, lists), what: "a lane without one of its transactions" });
    }
    if (first !== undefined && others.length > 0) {
      spoils.push({ proposal: withLane(proposal, [...others, first], lists), what: "a lane whose first comes last" });
      spoils.push({ proposal: withLane(proposal, lane.toReversed(), lists), what: "a lane in reverse order" });
    }
    // What it did least, so that a run of few turns sees every kind.
    const fewest = Math.min(...spoils.map(({ what }) => done.get(what) ?? 0));
    const spoilt = stream.pick(spoils.filter(({ what }) => (done.get(what) ?? 0) === fewest));
    done.set(spoilt.what, fewest + 1);
    return spoilt;
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

const withKeyId = (proposal: UnsignedProposal, keyId: KeyId): UnsignedProposal => ({ ...proposal, header: { ...proposal.header, keyId } });

/** Its maker did not sign that. */
const emptied = (list: InclusionList): InclusionList => ({ ...list, entries: [] });
