/** Changes one thing in a message: a field, or one bit anywhere, in its own messages and in others' that it passes on. Every field is
 *  signed, hashed or checked: R2 and R11 verify, the codecs refuse what is not canonical, and what a relay spoilt is never
 *  held against the signer (R5). */

import { bytesEqual } from "../../../types/bytes.ts";
import { Epoch, Height, TimestampMs, ValidatorIndex, View } from "../../../types/ids.ts";
import { decodeMessage, encodeMessage, type Message } from "../../../types/message.ts";
import type { Ballot, Certificate } from "../../../types/vote.ts";
import type { WireMessage } from "../facts.ts";
import type { Strategy } from "../strategy.ts";
import type { Stream } from "../streams.ts";
import { othersOf, unchanged } from "./ballots.ts";
import { createAlbum } from "./memory.ts";

const RELAYED_MAX = 4;
const REPLACE_CHANCE = 0.3;
const BESIDE_CHANCE = 0.3;

export function createMutatedMessages(): Strategy {
  const seen = createAlbum<Message>({ earlyMax: 8, lateMax: 32 });
  return {
    onSend(message, { to, kind }, context) {
      const { view } = context.status;
      if (!isFramed(message) || !context.acts(view)) return unchanged(message);
      const isReplaced = context.stream.chance(REPLACE_CHANCE);
      if (!isReplaced && !context.stream.chance(BESIDE_CHANCE)) return unchanged(message);
      context.note(view, `changes its ${kind} to ${to}`);
      const mutated = { message: mutate(message, context.stream), delayMs: 0 };
      return isReplaced ? [mutated] : context.stream.shuffled([mutated, { message, delayMs: 0 }]);
    },
    onReceive(message) {
      if (isFramed(message)) seen.add(message);
      return [message];
    },
    onView(view, context) {
      const targets = othersOf(context);
      if (targets.length === 0 || seen.count === 0 || !context.acts(view)) return;
      const count = context.stream.between(1, RELAYED_MAX);
      for (let index = 0; index < count; index++) {
        const message = seen.pickLate(context.stream);
        if (message !== undefined) context.send(context.stream.pick(targets), mutate(message, context.stream), 0);
      }
      context.note(view, `passes on ${count} messages of others, changed`);
    },
  };
}

function isFramed(message: WireMessage): message is Message {
  return message.type !== "status" && message.type !== "request" && message.type !== "response" && message.type !== "bytes";
}

/** Never the same message: one field is changed, or one bit of its encoding, which then may not decode any more. */
export function mutate(message: Message, stream: Stream): WireMessage {
  const isFieldwise = stream.chance(0.5);
  const changed = isFieldwise ? mutateField(message, stream) : undefined;
  if (changed !== undefined && !bytesEqual(encodeMessage(changed), encodeMessage(message))) return changed;
  const frame = encodeMessage(message);
  const bit = stream.below(frame.length * 8);
  frame[bit >> 3] = (frame[bit >> 3] as number) ^ (1 << (bit & 7));
  const decoded = decodeMessage(frame);
  return decoded.ok ? decoded.message : { type: "bytes", frame };
}

function mutateField(message: Message, stream: Stream): Message | undefined {
  switch (message.type) {
    case "vote":
      return {
        type: "vote",
        vote: stream.chance(0.5)
          ? { ...message.vote, ballot: mutateBallot(message.vote.ballot, stream) }
          : mutateSigner(message.vote, stream),
      };
    case "certificate":
      return { type: "certificate", certificate: mutateCertificate(message.certificate, stream) };
    case "proposal":
      return mutateProposal(message, stream);
    case "transactions":
      return mutateTransactions(message, stream);
    default:
      // Messages of the sealed mempool change as bits; who lies about their fields has strategies of its own.
      return undefined;
  }
}

function mutateSigner(vote: Extract<Message, { type: "vote" }>["vote"], stream: Stream): typeof vote {
  return { ...vote, validator: ValidatorIndex.of((vote.validator + stream.between(1, 3)) % 128) };
}

/** A timeout stays one, and a vote keeps its block: other shapes would not encode. */
function mutateBallot(ballot: Ballot, stream: Stream): Ballot {
  switch (stream.below(4)) {
    case 0:
      return { ...ballot, view: View.plus(ballot.view, stream.between(1, 2)) };
    case 1:
      return { ...ballot, epoch: Epoch.of(ballot.epoch + 1) };
    case 2:
      return ballot.view > 0 ? { ...ballot, view: View.previous(ballot.view) } : { ...ballot, view: View.next(ballot.view) };
    default:
      if (ballot.kind === "timeout") return { ...ballot, view: View.plus(ballot.view, 16) };
      if (stream.chance(0.5)) return { ...ballot, height: Height.next(ballot.height) };
      return { ...ballot, kind: ballot.kind === "vote" ? "commit" : "vote" };
  }
}

function mutateCertificate(certificate: Certificate, stream: Stream): Certificate {
  if (stream.chance(0.4)) return { ...certificate, ballot: mutateBallot(certificate.ballot, stream) };
  const isSigners = stream.chance(0.5);
  const bytes = (isSigners ? certificate.signers : certificate.signature).slice();
  const at = stream.below(bytes.length);
  bytes[at] = (bytes[at] as number) ^ (1 << stream.below(8));
  return isSigners ? { ...certificate, signers: bytes } : { ...certificate, signature: bytes };
}

function mutateProposal({ proposal }: Extract<Message, { type: "proposal" }>, stream: Stream): Message {
  const { header, parentCertificate, timeoutCertificates } = proposal;
  switch (stream.below(6)) {
    case 0:
      return { type: "proposal", proposal: { ...proposal, header: { ...header, timeMs: TimestampMs.plus(header.timeMs, 1) } } };
    case 1:
      return { type: "proposal", proposal: { ...proposal, header: { ...header, view: View.next(header.view) } } };
    case 2:
      return { type: "proposal", proposal: { ...proposal, header: { ...header, height: Height.next(header.height) } } };
    case 3:
      return { type: "proposal", proposal: { ...proposal, timeoutCertificates: timeoutCertificates.slice(1) } };
    case 4:
      return { type: "proposal", proposal: { ...proposal, transactionHashes: [...proposal.transactionHashes].reverse() } };
    default: {
      const signers = parentCertificate?.signers.slice() ?? new Uint8Array(0);
      if (parentCertificate === undefined) return { type: "proposal", proposal: { ...proposal, header: { ...header, bodyBytes: 1 } } };
      signers[0] = (signers[0] as number) ^ (1 << stream.below(4));
      return { type: "proposal", proposal: { ...proposal, parentCertificate: { ...parentCertificate, signers } } };
    }
  }
}

function mutateTransactions({ transactions }: Extract<Message, { type: "transactions" }>, stream: Stream): Message | undefined {
  const at = stream.below(transactions.length);
  const bytes = transactions[at]?.slice();
  if (bytes === undefined || bytes.length === 0) return undefined;
  const bit = stream.below(bytes.length * 8);
  bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  return { type: "transactions", transactions: transactions.map((each, index) => (index === at ? bytes : each)) };
}
