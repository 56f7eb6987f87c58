/** Signed once: what an honest validator signs over all its lives never contradicts itself. R1 one proposal per view, none after a
 *  timeout; R2 one vote per view, in the current view, none after a timeout; R4 one commit vote, only for the block voted for, never
 *  after a timeout; R5 a timeout in the current view, never after a commit vote; R9 nothing at or below the last final view. */

import type { FactOf, FactType } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { createHeaderHasher } from "./final_chain.ts";
import { createRecentMap, type RecentMap, VIEWS_MAX } from "./recent_map.ts";
import { accuserOf, brief } from "./violations.ts";

/** What one validator signed in one view; hashes of blocks. */
interface SignedInView {
  proposed: string | undefined;
  voted: string | undefined;
  committed: string | undefined;
  hasTimedOut: boolean;
}

interface Signer {
  readonly views: RecentMap<number, SignedInView>;
  /** The view entered last, in this life. */
  view: number;
  /** The machine knows a final block of this view, so it signs nothing there or below. */
  finalView: number;
  /** What `finalView` becomes with the next write: a step may still sign what it decided before it heard of finality. */
  nextFinalView: number;
  /** Height up to which blocks are final by the CCs reported so far. Until it is reached catch-up is under way, and the blocks
   *  that it has brought are not known to consensus, which may go on signing below. */
  provenHeight: number;
  /** View of the last final block on disk. */
  savedView: number;
}

const FACTS: readonly FactType[] = ["signedVote", "signedProposal", "enteredView", "finalized", "saved", "started"];

const accuse = accuserOf("signedOnce", "safety");

export function createSignedOnceChecker({ honest, weights }: Pick<CheckedCluster, "honest" | "weights">): Checker {
  const signers = weights.map(
    (): Signer => ({ views: createRecentMap(VIEWS_MAX), view: 0, finalView: 0, nextFinalView: 0, provenHeight: 0, savedView: 0 }),
  );
  const hashOf = createHeaderHasher();

  function inView(signer: Signer, view: number): SignedInView {
    let signed = signer.views.get(view);
    if (signed === undefined) {
      signed = { proposed: undefined, voted: undefined, committed: undefined, hasTimedOut: false };
      signer.views.set(view, signed);
    }
    return signed;
  }

  function onProposal({ atUs, validator, proposal }: FactOf<"signedProposal">): Violation | undefined {
    const signer = signers[validator] as Signer;
    const { view } = proposal.header;
    const hash = hashOf(proposal.header);
    const signed = inView(signer, view);
    if (signed.proposed === hash) return undefined;
    const refuse = (what: string): Violation =>
      accuse(atUs, [validator], `Validator ${validator} signed a proposal ${brief(hash)} in view ${view} ${what}.`);
    if (signed.proposed !== undefined) return refuse(`after its proposal ${brief(signed.proposed)} in the same view`);
    signed.proposed = hash;
    if (proposal.header.proposer !== validator) return refuse(`that names validator ${proposal.header.proposer} as proposer`);
    if (signed.hasTimedOut) return refuse("after its timeout in that view");
    return faultOfView(signer, view, true, refuse);
  }

  function onVote({ atUs, validator, vote, isResend }: FactOf<"signedVote">): Violation | undefined {
    const signer = signers[validator] as Signer;
    const { kind, view, blockHash } = vote.ballot;
    const what = kind === "timeout" ? "a timeout" : `a ${kind === "vote" ? "vote" : "commit vote"} for ${brief(blockHash)}`;
    const refuse = (why: string): Violation => accuse(atUs, [validator], `Validator ${validator} signed ${what} in view ${view} ${why}.`);
    if (vote.validator !== validator) return refuse(`in the name of validator ${vote.validator}`);
    const signed = inView(signer, view);
    const contradiction = contradictionOf(signed, vote.ballot);
    if (contradiction !== undefined) return refuse(contradiction);
    const isRepeated = kind === "timeout" ? signed.hasTimedOut : signed[kind === "vote" ? "voted" : "committed"] === blockHash;
    if (kind === "timeout") signed.hasTimedOut = true;
    else signed[kind === "vote" ? "voted" : "committed"] = blockHash;
    if (!isRepeated) return faultOfView(signer, view, kind !== "commit", refuse);
    return isResend ? undefined : refuse("once more, as if it had not signed that before");
  }

  function onStarted(validator: number): void {
    const signer = signers[validator] as Signer;
    signer.view = signer.provenHeight = 0;
    signer.finalView = Math.max(signer.finalView, signer.savedView);
  }

  function onSaved({ validator, durable }: FactOf<"saved">): void {
    const signer = signers[validator] as Signer;
    signer.finalView = Math.max(signer.finalView, signer.nextFinalView);
    signer.savedView = durable.finality.at(-1)?.view ?? signer.savedView;
  }

  function onFinalized({ validator, blocks }: FactOf<"finalized">): void {
    const signer = signers[validator] as Signer;
    for (const { header, certificate } of blocks) {
      signer.provenHeight = Math.max(signer.provenHeight, certificate.ballot.height);
      if (header.height >= signer.provenHeight) signer.nextFinalView = Math.max(signer.nextFinalView, header.view);
    }
  }

  return {
    invariant: "signedOnce",
    interests: FACTS,
    observe(fact) {
      switch (fact.type) {
        case "signedVote":
          return honest.has(fact.validator) ? onVote(fact) : undefined;
        case "signedProposal":
          return honest.has(fact.validator) ? onProposal(fact) : undefined;
        case "enteredView":
          (signers[fact.validator] as Signer).view = fact.view;
          return undefined;
        case "started":
          onStarted(fact.validator);
          return undefined;
        case "saved":
          onSaved(fact);
          return undefined;
        case "finalized":
          onFinalized(fact);
          return undefined;
        default:
          return undefined;
      }
    },
  };
}

function contradictionOf(signed: SignedInView, ballot: FactOf<"signedVote">["vote"]["ballot"]): string | undefined {
  const { blockHash } = ballot;
  const { voted, committed, hasTimedOut } = signed;
  switch (ballot.kind) {
    case "vote":
      if (voted !== undefined && voted !== blockHash) return `after its vote for ${brief(voted)} in the same view`;
      if (committed !== undefined && committed !== blockHash) return `after its commit vote for ${brief(committed)} in the same view`;
      return hasTimedOut && voted === undefined ? "after its timeout in that view" : undefined;
    case "commit":
      if (hasTimedOut) return "after its timeout in that view";
      if (committed !== undefined && committed !== blockHash) return `after its commit vote for ${brief(committed)} in the same view`;
      return voted !== undefined && voted !== blockHash ? `after its vote for another block, ${brief(voted)}, in that view` : undefined;
    case "timeout":
      return committed === undefined ? undefined : `after its commit vote for ${brief(committed)} in that view`;
  }
}

/** R2 and R5 ask for the current view; R9 for a view above the last final one. Said of what was not signed before. */
function faultOfView(signer: Signer, view: number, isBoundToView: boolean, refuse: (why: string) => Violation): Violation | undefined {
  if (isBoundToView && signer.view !== view) return refuse(`while it was in view ${signer.view}`);
  return view <= signer.finalView
    ? refuse(`although its last final block is of view ${signer.finalView}, so that its records may be gone`)
    : undefined;
}
