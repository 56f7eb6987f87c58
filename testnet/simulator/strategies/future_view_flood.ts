/** Sends many votes, timeouts, certificates and proposals for views that are far away. R10 drops votes beyond current + 16, verifies
 *  certificates before it stores them, and keeps no proposals of views to come: memory must stay bounded. */

import { hashHeader } from "../../../crypto/hashes.ts";
import { type BlockHash, Epoch, Height, type ValidatorIndex, View } from "../../../types/ids.ts";
import { FUTURE_VIEWS_MAX } from "../../../types/limits.ts";
import { type Ballot, timeoutBallot } from "../../../types/vote.ts";
import type { WireMessage } from "../facts.ts";
import type { Strategy, TraitorContext, UnsignedProposal } from "../strategy.ts";
import type { Stream } from "../streams.ts";
import { othersOf } from "./ballots.ts";
import { inventBlsSignature, inventCertificate, inventHash } from "./inventions.ts";

const MESSAGES_PER_VIEW_MAX = 48;
const FAR_VIEWS_MAX = 2 ** 40;

export function createFutureViewFlood(): Strategy {
  let latest: UnsignedProposal | undefined;
  return {
    onReceive(message) {
      if (message.type === "proposal") latest = message.proposal;
      return [message];
    },
    onView(view, context) {
      if (othersOf(context).length === 0 || !context.acts(view)) return;
      const count = context.stream.between(8, MESSAGES_PER_VIEW_MAX);
      const targets = othersOf(context);
      for (let index = 0; index < count; index++) {
        const to = context.stream.pick(targets) as ValidatorIndex;
        context.send(to, floodMessage(View.of(futureOf(view, context.stream)), latest, context), context.stream.below(20));
      }
      context.note(view, `floods with ${count} messages of views to come`);
    },
  };
}

/** Just within what is kept, just beyond it, or far away. */
function futureOf(view: number, stream: Stream): number {
  switch (stream.below(3)) {
    case 0:
      return view + stream.between(1, FUTURE_VIEWS_MAX + 2);
    case 1:
      return view + stream.between(FUTURE_VIEWS_MAX, 1_000);
    default:
      return view + 1 + stream.below(FAR_VIEWS_MAX);
  }
}

function floodMessage(view: View, latest: UnsignedProposal | undefined, context: TraitorContext): WireMessage {
  const { stream } = context;
  const ballot = ballotIn(view, context);
  switch (stream.below(5)) {
    case 0:
      return {
        type: "certificate",
        certificate: inventCertificate(ballot, { count: context.count, signature: context.signVote(ballot).signature }),
      };
    case 1:
      return {
        type: "certificate",
        certificate: inventCertificate(ballot, { count: context.count, signature: inventBlsSignature(stream) }),
      };
    case 2:
      if (latest !== undefined && latest.header.view < view)
        return { type: "proposal", proposal: context.signProposal(liftedTo(view, latest, context)) };
      return { type: "vote", vote: context.signVote(ballot) };
    default:
      return { type: "vote", vote: context.signVote(ballot) };
  }
}

function ballotIn(view: View, context: TraitorContext): Ballot {
  const { stream, status } = context;
  if (stream.chance(0.4)) return timeoutBallot(Epoch.ZERO, view);
  const height = Height.plus(status.height, stream.between(1, 1_000));
  return { kind: stream.chance(0.5) ? "vote" : "commit", epoch: Epoch.ZERO, view, height, blockHash: inventHash<BlockHash>(stream) };
}

/** A block of our own that claims to follow `latest` in a far view, without the TCs between. */
function liftedTo(view: View, latest: UnsignedProposal, context: TraitorContext): UnsignedProposal {
  const { header } = latest;
  return {
    ...latest,
    header: {
      ...header,
      view,
      proposer: context.self,
      height: Height.next(header.height),
      parentHash: hashHeader(header),
      parentView: header.view,
    },
  };
}
