/** Votes, commit votes and timeouts on their way to a certificate.
 *  R10: one slot per (validator, view, kind). R11: votes wait unverified under their authenticated sender and are verified
 *  once, as an aggregate, at quorum; when that fails, bisection finds the bad ones, which are dropped and blamed, and the
 *  aggregate is made anew from the rest. R3: a quorum is counted by weight. Never decides which views are kept. */

import { assert } from "../types/assert.ts";
import type { ValidatorIndex, View } from "../types/ids.ts";
import type { Sender } from "../types/sender.ts";
import { ballotSigningBytes } from "../types/signing.ts";
import { isQuorum, Signers } from "../types/validator_set.ts";
import type { Ballot, Certificate, SignedVote, VoteKind } from "../types/vote.ts";
import type { CertificateContext } from "./certificate_check.ts";

/** A vote in its slot, and who handed it to us. */
export interface Slot {
  readonly vote: SignedVote;
  readonly from: Sender;
  /** Whether this one signature was verified by itself (or is our own). */
  isVerified: boolean;
}

export interface Certified {
  /** Undefined when bad signatures left less than a quorum. */
  readonly certificate: Certificate | undefined;
  /** Slots that were emptied because their signature is wrong. */
  readonly bad: readonly Slot[];
}

export interface VoteCollector {
  slot(kind: VoteKind, view: View, validator: ValidatorIndex): Slot | undefined;
  /** Fills an empty slot. */
  put(slot: Slot): void;
  /** Empties a slot whose signature proved wrong. */
  drop(slot: Slot): void;
  hasQuorum(ballot: Ballot): boolean;
  /** R3: makes the certificate of a ballot that has a quorum. */
  certify(ballot: Ballot): Certified;
  verify(vote: SignedVote): boolean;
  /** Forgets whole views, so that their slots can be filled again only by what the caller lets in. */
  forgetWhere(isOver: (view: View) => boolean): void;
  prune(finalView: View): void;
  /** Number of filled slots. */
  readonly count: number;
}

interface Tally {
  readonly slots: Map<ValidatorIndex, Slot>;
  weight: number;
}

interface KindSlots {
  readonly slots: Map<ValidatorIndex, Slot>;
  readonly tallies: Map<string, Tally>;
}

type ViewSlots = Readonly<Record<VoteKind, KindSlots>>;

export function createVoteCollector(context: CertificateContext): VoteCollector {
  const { domain, validators, bls } = context;
  const views = new Map<View, ViewSlots>();
  let count = 0;

  const weightOf = (validator: ValidatorIndex): number => validators.set.validators[validator]?.weight ?? 0;
  const publicKeyOf = (validator: ValidatorIndex): Uint8Array => {
    const known = validators.set.validators[validator];
    assert(known !== undefined, "a vote in a slot is by a member of the set");
    return known.blsPublicKey;
  };
  const tallyOf = (ballot: Ballot): Tally | undefined => views.get(ballot.view)?.[ballot.kind].tallies.get(ballotKey(ballot));

  function drop(slot: Slot): void {
    const { ballot, validator } = slot.vote;
    const tally = tallyOf(ballot);
    if (tally?.slots.get(validator) !== slot) return;
    tally.slots.delete(validator);
    count--;
    tally.weight -= weightOf(validator);
    views.get(ballot.view)?.[ballot.kind].slots.delete(validator);
  }

  function forget(view: View): void {
    const kinds = views.get(view);
    if (kinds !== undefined) count -= kinds.vote.slots.size + kinds.commit.slots.size + kinds.timeout.slots.size;
    views.delete(view);
  }

  function verify(vote: SignedVote): boolean {
    return bls.verify(publicKeyOf(vote.validator), ballotSigningBytes(domain, vote.ballot), vote.signature);
  }

  function isAggregateRight(slots: readonly Slot[], message: Uint8Array): boolean {
    const aggregate = bls.aggregate(slots.map(({ vote }) => vote.signature));
    const publicKeys = slots.map(({ vote }) => publicKeyOf(vote.validator));
    return aggregate !== undefined && bls.verifyAggregate(publicKeys, message, aggregate);
  }

  /** Finds wrong signatures by halving; a half that holds as an aggregate is left alone. */
  function findBad(slots: readonly Slot[], message: Uint8Array): readonly Slot[] {
    const [first] = slots;
    if (first === undefined) return [];
    if (slots.length === 1) {
      first.isVerified ||= verify(first.vote);
      return first.isVerified ? [] : [first];
    }
    if (isAggregateRight(slots, message)) return [];
    const middle = slots.length >> 1;
    return [...findBad(slots.slice(0, middle), message), ...findBad(slots.slice(middle), message)];
  }

  function certify(ballot: Ballot): Certified {
    const message = ballotSigningBytes(domain, ballot);
    const bad: Slot[] = [];
    while (hasQuorum(ballot)) {
      const slots = [...(tallyOf(ballot)?.slots.values() ?? [])];
      const signature = bls.aggregate(slots.map(({ vote }) => vote.signature));
      const isTrusted = slots.every(({ isVerified }) => isVerified);
      const publicKeys = slots.map(({ vote }) => publicKeyOf(vote.validator));
      if (signature !== undefined && (isTrusted || bls.verifyAggregate(publicKeys, message, signature))) {
        const signers = Signers.of(slots.map(({ vote }) => vote.validator));
        return { certificate: { ballot, signers, signature }, bad };
      }
      const middle = slots.length >> 1;
      const found = [...findBad(slots.slice(0, middle), message), ...findBad(slots.slice(middle), message)];
      assert(found.length > 0, "an aggregate fails only by a signature in one of its halves");
      for (const slot of found) drop(slot);
      bad.push(...found);
    }
    return { certificate: undefined, bad };
  }

  function hasQuorum(ballot: Ballot): boolean {
    return isQuorum(tallyOf(ballot)?.weight ?? 0, validators.totalWeight);
  }

  return {
    slot: (kind, view, validator) => views.get(view)?.[kind].slots.get(validator),
    put(slot) {
      const { ballot, validator } = slot.vote;
      const viewSlots = views.get(ballot.view) ?? emptyView();
      views.set(ballot.view, viewSlots);
      const { slots, tallies } = viewSlots[ballot.kind];
      assert(!slots.has(validator), "R10: a slot is filled once");
      slots.set(validator, slot);
      count++;
      const key = ballotKey(ballot);
      const tally = tallies.get(key) ?? { slots: new Map(), weight: 0 };
      tallies.set(key, tally);
      tally.slots.set(validator, slot);
      tally.weight += weightOf(validator);
    },
    drop,
    hasQuorum,
    certify,
    verify,
    forgetWhere(isOver) {
      for (const view of views.keys()) if (isOver(view)) forget(view);
    },
    prune(finalView) {
      for (const view of views.keys()) if (view < finalView) forget(view);
    },
    get count() {
      return count;
    },
  };
}

/** Two ballots of one kind and view are the same iff they name the same block. */
function ballotKey(ballot: Ballot): string {
  return ballot.kind === "timeout" ? "" : `${ballot.height}:${ballot.blockHash}`;
}

function emptyView(): ViewSlots {
  const empty = (): KindSlots => ({ slots: new Map(), tallies: new Map() });
  return { vote: empty(), commit: empty(), timeout: empty() };
}
