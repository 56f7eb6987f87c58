/** What a traitor has signed, by view, and what its honest machine knows of. By it a strategy tells whether one more signature
 *  contradicts an earlier one, and hides from its own machine what would stop it: a certificate with its signature on a ballot
 *  that the machine never signed (failure 10). Bounded. */

import type { Justification } from "../../../types/block.ts";
import { Signers } from "../../../types/validator_set.ts";
import type { Ballot, Certificate } from "../../../types/vote.ts";
import type { WireMessage } from "../facts.ts";
import type { TraitorContext } from "../strategy.ts";
import { ballotName } from "./ballots.ts";
import { createShelf } from "./memory.ts";

export interface DeedLedger {
  /** The machine signs this ballot. */
  noteMachine(ballot: Ballot): void;
  /** The strategy signs this ballot. */
  noteOwn(ballot: Ballot): void;
  hasSigned(ballot: Ballot): boolean;
  /** Did we sign something of this view that no honest validator signs together with `ballot`? */
  contradicts(ballot: Ballot): boolean;
  /** Everything signed in a view. */
  signedIn(view: number): readonly Ballot[];
  /** Would the machine learn from `message` that its key signed something behind its back? */
  convicts(message: WireMessage, context: TraitorContext): boolean;
}

interface SignedView {
  readonly machine: Map<string, Ballot>;
  readonly own: Map<string, Ballot>;
}

const VIEWS_MAX = 256;
const BALLOTS_PER_VIEW_MAX = 64;

export function createDeedLedger(): DeedLedger {
  const views = createShelf<number, SignedView>(VIEWS_MAX);
  const viewOf = (view: number): SignedView => views.ensure(view, () => ({ machine: new Map(), own: new Map() }));
  const note = (signed: Map<string, Ballot>, ballot: Ballot): void => {
    if (signed.size < BALLOTS_PER_VIEW_MAX) signed.set(ballotName(ballot), ballot);
  };
  const signedIn = (view: number): readonly Ballot[] => {
    const signed = views.get(view);
    return signed === undefined ? [] : [...signed.machine.values(), ...signed.own.values()];
  };
  const isBehindItsBack = ({ ballot, signers }: Certificate, context: TraitorContext): boolean => {
    const signed = views.get(ballot.view);
    const name = ballotName(ballot);
    return signed?.own.has(name) === true && !signed.machine.has(name) && Signers.has(signers, context.self);
  };
  return {
    noteMachine: (ballot) => note(viewOf(ballot.view).machine, ballot),
    noteOwn: (ballot) => note(viewOf(ballot.view).own, ballot),
    hasSigned: (ballot) => signedIn(ballot.view).some((signed) => ballotName(signed) === ballotName(ballot)),
    contradicts: (ballot) => signedIn(ballot.view).some((signed) => areContradictory(signed, ballot)),
    signedIn,
    convicts: (message, context) => certificatesIn(message).some((certificate) => isBehindItsBack(certificate, context)),
  };
}

/** The certificates in a message; of answers only those of blocks, which the machine takes in like proposals. */
function certificatesIn(message: WireMessage): readonly Certificate[] {
  if (message.type === "certificate") return [message.certificate];
  if (message.type === "proposal") return justifying(message.proposal);
  const isBlock = message.type === "response" && message.response.type === "block";
  return isBlock && message.response.block !== undefined ? justifying(message.response.block) : [];
}

function justifying({ parentCertificate, timeoutCertificates }: Justification): readonly Certificate[] {
  return parentCertificate === undefined ? timeoutCertificates : [parentCertificate, ...timeoutCertificates];
}

/** Two ballots of one view that R2, R4 and R5 forbid to sign both: of one kind, or commit vote and timeout. */
function areContradictory(left: Ballot, right: Ballot): boolean {
  if (left.view !== right.view || ballotName(left) === ballotName(right)) return false;
  if (left.kind === right.kind) return true;
  return left.kind !== "vote" && right.kind !== "vote";
}
