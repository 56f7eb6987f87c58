/** Sends leaders inclusion lists that hide what it holds, name what does not exist, describe wrongly what does, or are not its own. Signed where
 *  it can sign. Lists of others make up for what it leaves out; what it makes up spoils its own list and nothing else. */

import type { ListEntry } from "../../../types/envelope.ts";
import { Height, type TransactionHash, ValidatorIndex, View } from "../../../types/ids.ts";
import { type InclusionList, signList, type UnsignedInclusionList } from "../../../types/inclusion_list.ts";
import type { Strategy, TraitorContext } from "../strategy.ts";
import { unchanged } from "./ballots.ts";
import { inventHash } from "./inventions.ts";
import { createAlbum } from "./memory.ts";

export function createCensoringLists(): Strategy {
  /** What its own lists named before: final mostly. */
  const named = createAlbum<ListEntry>({ earlyMax: 4, lateMax: 8 });
  return {
    onSend(message, { to }, context) {
      const { sealing, status } = context;
      if (message.type !== "list" || sealing === undefined || !context.acts(status.view)) return unchanged(message);
      for (const entry of message.list.entries) named.add(entry);
      const { list, what } = wrongList(message.list, { context, former: named.pickLate(context.stream) });
      context.note(status.view, `sends ${to} a list ${what}`);
      return unchanged({ type: "list", list });
    },
  };
}

function wrongList(
  list: InclusionList,
  { context, former }: { readonly context: TraitorContext; readonly former: ListEntry | undefined },
): { readonly list: InclusionList; readonly what: string } {
  const { stream, sealing } = context;
  const resigned = (change: Partial<UnsignedInclusionList>): InclusionList => {
    const { signature: _, ...unsigned } = { ...list, ...change };
    if (sealing === undefined) return list;
    return signList({ domain: sealing.domain, list: unsigned, sign: sealing.sign });
  };
  const { entries } = list;
  switch (stream.below(8)) {
    case 0:
      return { list: resigned({ entries: [] }), what: "that is empty" };
    case 1:
      return { list: resigned({ entries: entries.filter(() => stream.chance(0.5)) }), what: "that hides something" };
    case 2:
      return { list: resigned({ entries: [...entries, madeUp(context)] }), what: "of what does not exist" };
    case 3:
      return { list: resigned({ entries: entries.map((entry) => misdescribed(entry, context)) }), what: "that describes wrongly" };
    case 4:
      return { list: resigned({ view: View.plus(list.view, stream.between(1, 3)) }), what: "for another view" };
    case 5: {
      const validator = ValidatorIndex.of((list.validator + 1) % context.count);
      return { list: { ...list, validator }, what: "in another's name" };
    }
    case 6: {
      const isNew = former !== undefined && entries.every(({ id }) => id !== former.id);
      return { list: resigned({ entries: isNew ? [former, ...entries] : entries }), what: "of what it named before" };
    }
    default:
      return { list: { ...list, entries: [] }, what: "that its signature does not fit" };
  }
}

function madeUp({ stream, status }: TraitorContext): ListEntry {
  const expiryHeight = Height.plus(status.finalHeight, stream.between(1, 100));
  return { id: inventHash<TransactionHash>(stream), expiryHeight, feeClass: stream.below(20), sizeClass: stream.below(3) };
}

function misdescribed(entry: ListEntry, { stream }: TraitorContext): ListEntry {
  if (stream.chance(0.5)) return { ...entry, feeClass: (entry.feeClass + stream.between(1, 20)) % 50 };
  return { ...entry, expiryHeight: Height.plus(entry.expiryHeight, stream.between(1, 5)) };
}
