/** Inclusion lists as they arrive and as they are judged. The keeper is the leader's side: of each validator the newest list for the
 *  views that come. Neither side verifies a signature by itself: the keeper's caller does so before `add`, judging is told how.
 *
 *  N1 bounded: two lists of each validator for the current view and LIST_VIEWS_AHEAD more, each of at most `listEntriesMax` entries. N2 a higher
 *  sequence replaces a lower one; a second list with the same sequence is refused. The newest list that is held counts: under load the very
 *  newest names what is still on its way here, and a leader that waited for all of it would be overtaken by the next list for ever. N3 lists
 *  count only with entries that are held and true, so whoever makes one up spoils its own list and nothing else. N4 exactly n − f lists
 *  count: our own first, then those that name most, then by validator. */

import { assert } from "../types/assert.ts";
import type { ListEntry } from "../types/envelope.ts";
import { type Epoch, type ValidatorIndex, View } from "../types/ids.ts";
import { areIdsDistinct, type InclusionList, listEntriesMax } from "../types/inclusion_list.ts";

/** N1. */
export const LIST_VIEWS_AHEAD = 4;

/** What no list may be, whoever looks at it. */
export type ListFlaw = "wrongEpoch" | "unknownValidator" | "tooManyEntries" | "duplicateEntry";
/** `staleView`, `futureView`, `superseded`: not now; a correct validator's list may meet these. */
export type ListRefusal = ListFlaw | "staleView" | "futureView" | "superseded";
export type ListsRefusal = ListFlaw | "wrongView" | "wrongCount" | "notAscending" | "invalidSignature";

export interface ChooseRequest {
  readonly view: View;
  /** n − f. */
  readonly quorumCount: number;
  /** True when the entry's transaction is held and the entry describes it, and for all that cannot enter the lane whatever it is (ordered, expired). */
  readonly isHeld: (entry: ListEntry) => boolean;
}

export interface InclusionKeeper {
  /** Would `add` refuse it? Cheap: ask before its signature is verified. */
  refusalOf(list: InclusionList): ListRefusal | undefined;
  /** Keeps a list whose signature was verified. `isHeld`: of the list that it replaces, so that one that counts is not lost for one that may
   *  not count yet; left out: nothing but the newest is kept. */
  add(list: InclusionList, isHeld?: (entry: ListEntry) => boolean): ListRefusal | undefined;
  /** Enters a view: lists of earlier ones are dropped. */
  advance(view: View): void;
  /** N3, N4: ascending by validator; undefined while fewer count. */
  choose(request: ChooseRequest): readonly InclusionList[] | undefined;
  /** The lists of a view that do not count yet, with what is not held of them: to be asked of who made the list. */
  missing(
    request: Omit<ChooseRequest, "quorumCount">,
  ): readonly { readonly validator: ValidatorIndex; readonly entries: readonly ListEntry[] }[];
  /** Validators' lists kept, the newest of each alone. */
  readonly count: number;
  /** Lists taken so far. */
  readonly addedCount: number;
}

export function createInclusionKeeper(options: {
  readonly epoch: Epoch;
  readonly validatorCount: number;
  /** Undefined for a node that is no validator. */
  readonly self: ValidatorIndex | undefined;
  readonly view: View;
}): InclusionKeeper {
  const { epoch, validatorCount, self } = options;
  let { view: current } = options;
  let addedCount = 0;
  /** By view, then by validator. */
  const kept = new Map<View, Map<ValidatorIndex, KeptLists>>();

  function refusalOf(list: InclusionList): ListRefusal | undefined {
    if (list.view < current) return "staleView";
    if (list.view > View.plus(current, LIST_VIEWS_AHEAD)) return "futureView";
    const before = kept.get(list.view)?.get(list.validator)?.newest;
    if (before !== undefined && list.sequence <= before.sequence) return "superseded";
    return flawOf(list, { epoch, validatorCount });
  }

  const newestFor = (view: View): InclusionList[] => [...(kept.get(view)?.values() ?? [])].map(({ newest }) => newest);

  /** N2: of each validator the newest list that is held. */
  function heldFor(view: View, isHeld: (entry: ListEntry) => boolean): InclusionList[] {
    return [...(kept.get(view)?.values() ?? [])].flatMap(({ newest, older }) => {
      const held = [newest, older].find((list) => list?.entries.every(isHeld));
      return held === undefined ? [] : [held];
    });
  }

  /** N4. */
  function byPreference(lists: InclusionList[]): readonly InclusionList[] {
    return lists.sort(
      (left, right) =>
        Number(right.validator === self) - Number(left.validator === self) ||
        right.entries.length - left.entries.length ||
        left.validator - right.validator,
    );
  }

  return {
    refusalOf,
    add(list, isHeld) {
      const refusal = refusalOf(list);
      if (refusal !== undefined) return refusal;
      const lists = kept.get(list.view) ?? new Map<ValidatorIndex, KeptLists>();
      const older = olderOf(lists.get(list.validator), isHeld);
      kept.set(list.view, lists.set(list.validator, { newest: list, older }));
      addedCount++;
      return undefined;
    },
    advance(view) {
      assert(view >= current, "views only go up");
      current = view;
      for (const key of kept.keys()) if (key < view) kept.delete(key);
    },
    choose({ view, quorumCount, isHeld }) {
      const chosen = byPreference(heldFor(view, isHeld)).slice(0, quorumCount);
      return chosen.length < quorumCount ? undefined : chosen.sort((left, right) => left.validator - right.validator);
    },
    missing({ view, isHeld }) {
      const lacking = byPreference(newestFor(view)).map(({ validator, entries }) => ({
        validator,
        entries: entries.filter((entry) => !isHeld(entry)),
      }));
      return lacking.filter(({ entries }) => entries.length > 0);
    },
    get count() {
      let count = 0;
      for (const lists of kept.values()) count += lists.size;
      return count;
    },
    get addedCount() {
      return addedCount;
    },
  };
}

interface KeptLists {
  readonly newest: InclusionList;
  /** The newest list before it that was held when it was replaced; while there is none, the oldest, which will be held first. */
  readonly older: InclusionList | undefined;
}

function olderOf(before: KeptLists | undefined, isHeld: ((entry: ListEntry) => boolean) | undefined): InclusionList | undefined {
  if (before === undefined || isHeld === undefined) return undefined;
  const { newest, older } = before;
  return older === undefined || newest.entries.every(isHeld) ? newest : older;
}

export interface JudgeListsInput {
  readonly lists: readonly InclusionList[];
  /** The proposal's. */
  readonly view: View;
  readonly epoch: Epoch;
  /** n − f: exactly so many lists. */
  readonly quorumCount: number;
  readonly validatorCount: number;
  /** Ed25519 by the validator that the list names. Asked last, once for each list. */
  readonly verify: (list: InclusionList) => boolean;
}

/** The voter's side: why the lists of a proposal are none, or undefined. Whether their entries are true shows when bodies are held. */
export function judgeLists(input: JudgeListsInput): ListsRefusal | undefined {
  const { lists, view, quorumCount } = input;
  if (lists.length !== quorumCount) return "wrongCount";
  let validatorBefore = -1;
  for (const list of lists) {
    if (list.validator <= validatorBefore) return "notAscending";
    validatorBefore = list.validator;
    if (list.view !== view) return "wrongView";
    const flaw = flawOf(list, input);
    if (flaw !== undefined) return flaw;
  }
  return lists.every(input.verify) ? undefined : "invalidSignature";
}

function flawOf(
  list: InclusionList,
  { epoch, validatorCount }: { readonly epoch: Epoch; readonly validatorCount: number },
): ListFlaw | undefined {
  if (list.epoch !== epoch) return "wrongEpoch";
  if (list.validator >= validatorCount) return "unknownValidator";
  if (list.entries.length > listEntriesMax(validatorCount)) return "tooManyEntries";
  return areIdsDistinct(list.entries) ? undefined : "duplicateEntry";
}
