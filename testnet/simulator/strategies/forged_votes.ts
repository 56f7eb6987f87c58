/** Claims votes, timeouts, certificates and proposals of others, with signatures that are made up, taken from other ballots, or its own.
 *  R11: whoever passes on a vote of another has it verified before it may take a slot; R12 accuses nobody without two good
 *  signatures; R5: a leader's Timeout counts only when it is the leader's. Has no key but its own, so none may ever pass. */

import { hashHeader } from "../../../crypto/hashes.ts";
import type { Proposal } from "../../../types/block.ts";
import { type BlockHash, Epoch, Height, TimestampMs, type ValidatorIndex, View } from "../../../types/ids.ts";
import { Signers } from "../../../types/validator_set.ts";
import { type Ballot, type SignedVote, timeoutBallot } from "../../../types/vote.ts";
import type { WireMessage } from "../facts.ts";
import type { Strategy, TraitorContext } from "../strategy.ts";
import { ballotFor, othersOf } from "./ballots.ts";
import { inventBlsSignature, inventCertificate, inventEd25519Signature, inventHash } from "./inventions.ts";
import { type Album, createAlbum } from "./memory.ts";

interface Seen {
  readonly votes: Album<SignedVote>;
  readonly proposals: Album<Proposal>;
}

const FORGERIES_MIN = 4;
const FORGERIES_MAX = 16;

export function createForgedVotes(): Strategy {
  const seen: Seen = { votes: createAlbum({ earlyMax: 16, lateMax: 64 }), proposals: createAlbum({ earlyMax: 4, lateMax: 12 }) };
  const forgeSome = (view: number, context: TraitorContext): void => {
    const targets = othersOf(context);
    if (targets.length === 0 || !context.acts(view)) return;
    const count = context.stream.between(FORGERIES_MIN, FORGERIES_MAX);
    for (let index = 0; index < count; index++) {
      const to = context.stream.pick(targets);
      context.send(to, forgedMessage(View.of(view), seen, context), context.stream.below(30));
    }
    context.note(view, `forges ${count} messages of others`);
  };
  return {
    onReceive(message, from, context) {
      // A forgery of this validator's own hand, sent back by another traitor, is no model.
      if (message.type === "vote" && message.vote.validator === from) seen.votes.add(message.vote);
      if (message.type === "proposal" && message.proposal.header.proposer === from) {
        seen.proposals.add(message.proposal);
        forgeSome(message.proposal.header.view, context);
      }
      return [message];
    },
    onView: forgeSome,
  };
}

function forgedMessage(view: View, seen: Seen, context: TraitorContext): WireMessage {
  const { stream } = context;
  switch (stream.below(8)) {
    case 0:
      return { type: "certificate", certificate: forgedCertificate(ballotIn(view, seen, context), context) };
    case 1: {
      const model = seen.proposals.pickLate(stream);
      if (model !== undefined && model.header.proposer !== context.self)
        return { type: "proposal", proposal: forgedProposal(model, view, context) };
      return { type: "vote", vote: forgedVote(ballotIn(view, seen, context), seen, context) };
    }
    case 2:
      // The leader's own Timeout would end the view (R5).
      return { type: "vote", vote: forgedVoteOf(context.status.leader, timeoutBallot(Epoch.ZERO, view), { seen, context }) };
    default:
      return { type: "vote", vote: forgedVote(ballotIn(view, seen, context), seen, context) };
  }
}

function ballotIn(view: View, seen: Seen, context: TraitorContext): Ballot {
  const { stream, status } = context;
  if (stream.chance(0.3)) return timeoutBallot(Epoch.ZERO, view);
  const kind = stream.chance(0.5) ? "vote" : "commit";
  const real = seen.proposals.pickLate(stream);
  if (real !== undefined && stream.chance(0.6)) return ballotFor(kind, real.header);
  return { kind, epoch: Epoch.ZERO, view, height: Height.next(status.height), blockHash: inventHash<BlockHash>(stream) };
}

function forgedVote(ballot: Ballot, seen: Seen, context: TraitorContext): SignedVote {
  return forgedVoteOf(context.stream.pick(othersOf(context)), ballot, { seen, context });
}

/** In the name of `victim`, whose key we do not have. Of ourselves there is nothing to forge: then somebody else is the victim. */
function forgedVoteOf(
  named: ValidatorIndex,
  ballot: Ballot,
  { seen, context }: { readonly seen: Seen; readonly context: TraitorContext },
): SignedVote {
  const { stream } = context;
  const victim = named === context.self ? stream.pick(othersOf(context)) : named;
  switch (stream.below(4)) {
    case 0:
      return { ballot, validator: victim, signature: inventBlsSignature(stream) };
    case 1:
      return { ballot, validator: victim, signature: context.signVote(ballot).signature };
    case 2: {
      const reused = seen.votes.pick(stream);
      // A signature under its own ballot would be a replay, not a forgery.
      const isForeign = reused !== undefined && (reused.validator !== victim || !isSameStatement(reused.ballot, ballot));
      return { ballot, validator: victim, signature: isForeign ? reused.signature.slice() : inventBlsSignature(stream) };
    }
    default: {
      // Summed with our own it is somebody's signature no more.
      const model = seen.votes.pick(stream);
      const own = context.signVote(ballot).signature;
      const sum = model === undefined ? undefined : context.aggregate?.([model.signature, own]);
      return { ballot, validator: victim, signature: sum ?? own };
    }
  }
}

function forgedCertificate(ballot: Ballot, context: TraitorContext): ReturnType<typeof inventCertificate> {
  const { signature } = context.signVote(ballot);
  const all = inventCertificate(ballot, { count: context.count, signature });
  if (context.stream.chance(0.5)) return all;
  return { ...all, signers: Signers.of(othersOf(context)), signature: inventBlsSignature(context.stream) };
}

/** Another block in the name of a proposer who is not us. */
function forgedProposal(model: Proposal, view: View, context: TraitorContext): Proposal {
  const { stream } = context;
  const isLater = view > model.header.view && stream.chance(0.5);
  const over = { view, height: Height.next(model.header.height), parentHash: hashHeader(model.header), parentView: model.header.view };
  const header = { ...model.header, timeMs: TimestampMs.plus(model.header.timeMs, stream.between(1, 5)), ...(isLater ? over : {}) };
  const forged = { ...model, header };
  switch (stream.below(3)) {
    case 0:
      return { ...forged, signature: inventEd25519Signature(stream) };
    case 1:
      return { ...forged, signature: model.signature.slice() };
    default:
      return { ...forged, signature: context.signProposal(forged).signature };
  }
}

function isSameStatement(left: Ballot, right: Ballot): boolean {
  return left.kind === right.kind && left.view === right.view && left.blockHash === right.blockHash;
}
