/** The two-faced voter: towards each honest validator it votes for whatever that one votes for. Traitors of one run share what they
 *  learned of everybody's branch, so that towards each half of a split cluster all of them take that half's side: with traitors of
 *  W/3 or more both halves reach their quorums. With fewer no quorum can be reached twice (R2, R4, R5).
 *  Signs for its own key only. */

import type { ValidatorIndex } from "../../../types/ids.ts";
import type { Ballot, Certificate } from "../../../types/vote.ts";
import type { MessageKind } from "../../scenario/manifest.ts";
import type { WireMessage } from "../facts.ts";
import type { Outgoing, TraitorContext } from "../strategy.ts";
import { ballotName, isConspiracy, isSameBallot, unchanged, withKind } from "./ballots.ts";
import type { DeedLedger } from "./deed_ledger.ts";
import { createShelf, type Shelf } from "./memory.ts";

export interface Route {
  readonly to: ValidatorIndex;
  readonly kind: MessageKind;
  readonly view: number;
}

export interface Mirror {
  /** Plans which block `validator` shall see in the ballot's view, before it has voted. */
  assign(validator: ValidatorIndex, ballot: Ballot, context: TraitorContext): void;
  onSend(message: WireMessage, route: Route, context: TraitorContext): readonly Outgoing[];
  /** Answers a vote. What is left of the message for the machine. */
  onReceive(message: WireMessage, from: ValidatorIndex, context: TraitorContext): readonly WireMessage[];
}

const BRANCHES_MAX = 4_096;
const SENT_MAX = 4_096;

export function createMirror(deeds: DeedLedger): Mirror {
  /** Which ballot went to whom, and whose ballots were heard. */
  const sent = createShelf<string, true>(SENT_MAX);
  const heard = createShelf<string, true>(SENT_MAX);

  function signAnew(ballot: Ballot, to: ValidatorIndex, context: TraitorContext): WireMessage {
    if (deeds.contradicts(ballot)) context.note(ballot.view, `signs ${describe(ballot)} for ${to}, against what it signed before`);
    deeds.noteOwn(ballot);
    sent.put(`${ballotName(ballot)}/${to}`, true);
    return { type: "vote", vote: context.signVote(ballot) };
  }

  function sendOwnVote(message: WireMessage, ballot: Ballot, { route, context }: Leaving): readonly Outgoing[] {
    const theirs = branchOf(context, ballot.view, route.to);
    const isTheirs = ballot.kind === "timeout" || theirs === undefined || theirs.blockHash === ballot.blockHash;
    if (isTheirs || !context.acts(ballot.view)) {
      sent.put(`${ballotName(ballot)}/${route.to}`, true);
      return unchanged(message);
    }
    return unchanged(signAnew(withKind(theirs, ballot.kind), route.to, context));
  }

  /** A vote that is heard again is answered again: its sender is stuck, and our answer may be lost. */
  function answerVote(ballot: Ballot, from: ValidatorIndex, context: TraitorContext): void {
    const name = `${ballotName(ballot)}/${from}`;
    const isAnswered = sent.has(name) && !heard.has(name);
    heard.put(name, true);
    const isWorthIt = isConspiracy(context) || deeds.contradicts(ballot);
    if (!isWorthIt || isAnswered || !context.acts(ballot.view)) return;
    context.send(from, signAnew(ballot, from, context), 0);
  }

  return {
    assign(validator, ballot, context) {
      learnBranch(context, validator, ballot);
    },
    onSend(message, route, context) {
      if (context.traitors.includes(route.to)) return unchanged(message);
      if (message.type === "vote" && message.vote.validator === context.self) {
        return sendOwnVote(message, message.vote.ballot, { route, context });
      }
      const shown = isConspiracy(context) ? certificateShownBy(message) : undefined;
      if (shown === undefined || !isForeignTo(route.to, shown.ballot, context) || !context.acts(shown.ballot.view))
        return unchanged(message);
      context.note(shown.ballot.view, `keeps the other branch's ${message.type} from ${route.to}`);
      return [];
    },
    onReceive(message, from, context) {
      if (deeds.convicts(message, context)) return [];
      if (message.type !== "vote" || message.vote.validator !== from || context.traitors.includes(from)) return [message];
      learnBranch(context, from, message.vote.ballot);
      answerVote(message.vote.ballot, from, context);
      return [message];
    },
  };
}

interface Leaving {
  readonly route: Route;
  readonly context: TraitorContext;
}

/** What a message proves about a block: itself, or the QC of a proposal's parent. */
function certificateShownBy(message: WireMessage): Certificate | undefined {
  if (message.type === "certificate") return message.certificate;
  return message.type === "proposal" ? message.proposal.parentCertificate : undefined;
}

function isForeignTo(validator: ValidatorIndex, ballot: Ballot, context: TraitorContext): boolean {
  const theirs = branchOf(context, ballot.view, validator);
  return ballot.kind !== "timeout" && theirs !== undefined && theirs.blockHash !== ballot.blockHash;
}

/** What an honest validator voted for in a view is its branch there, whatever was planned; timeouts name none. */
function learnBranch(context: TraitorContext, validator: ValidatorIndex, ballot: Ballot): void {
  if (ballot.kind === "timeout") return;
  const name = `${ballot.view}/${validator}`;
  const branches = branchesOf(context);
  const known = branches.get(name);
  if (known === undefined || !isSameBallot(known, withKind(ballot, "vote"))) branches.put(name, withKind(ballot, "vote"));
}

function branchOf(context: TraitorContext, view: number, validator: ValidatorIndex): Ballot | undefined {
  return branchesOf(context).get(`${view}/${validator}`);
}

function branchesOf(context: TraitorContext): Shelf<string, Ballot> {
  const known = context.shared.get("branches");
  if (known !== undefined) return known as Shelf<string, Ballot>;
  const made = createShelf<string, Ballot>(BRANCHES_MAX);
  context.shared.set("branches", made);
  return made;
}

function describe({ kind, view, blockHash }: Ballot): string {
  return kind === "timeout" ? `Timeout(${view})` : `${kind}(${view}, ${blockHash.slice(0, 8)})`;
}
