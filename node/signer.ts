/** Holds this validator's keys and signs what the machine asks for, after the driver has made the record durable.
 *
 *  A second guard, independent of consensus and of the store: within one process it never signs two ballots or proposals that
 *  contradict each other, whatever asks: two blocks in one view (R1, R2, R4), or a commit vote and a timeout of one view (R8).
 *  A vote and a timeout of one view are no contradiction: a restart sends both again, in any order. It remembers recent views
 *  only and refuses older ones. */

import type { BlockHeader, Justification, Proposal, ProposalContents } from "../types/block.ts";
import type { BlockHash, ValidatorIndex, View } from "../types/ids.ts";
import { ballotSigningBytes, proposalSigningBytes, type SigningDomain } from "../types/signing.ts";
import type { BlsSuite } from "../types/suites.ts";
import type { Ballot, SignedVote, VoteKind } from "../types/vote.ts";
import { NodeError } from "./errors.ts";

export interface ProposalToSign extends Justification, ProposalContents {
  readonly header: BlockHeader;
  readonly blockHash: BlockHash;
}

export interface Signer {
  /** Throws NodeError "safety" when `ballot` contradicts what this process has signed, or after `stop`. */
  signVote(ballot: Ballot): SignedVote;
  signProposal(proposal: ProposalToSign): Proposal;
  /** Nothing is signed any more. */
  stop(): void;
}

export interface SignerOptions {
  readonly domain: SigningDomain;
  readonly self: ValidatorIndex;
  readonly blsSecretKey: Uint8Array;
  readonly ed25519Seed: Uint8Array;
  readonly bls: BlsSuite;
  readonly signEd25519: (seed: Uint8Array, message: Uint8Array) => Uint8Array;
}

/** Views whose signatures are remembered. */
const VIEWS_MAX = 1_024;

/** What was signed in one view: by kind, the block (ZERO_HASH for a timeout) and the signature for repetitions. */
type SignedInView = Map<VoteKind | "proposal", { readonly blockHash: BlockHash; readonly signature: Uint8Array }>;

export function createSigner(options: SignerOptions): Signer {
  const { domain, self, bls } = options;
  const views = new Map<View, SignedInView>();
  let floor = -1;
  let isStopped = false;

  /** The signature made earlier for the same bytes, or a new one; refuses contradictions. */
  function signOnce(request: {
    readonly kind: VoteKind | "proposal";
    readonly view: View;
    readonly blockHash: BlockHash;
    readonly sign: () => Uint8Array;
  }): Uint8Array {
    const { kind, view, blockHash } = request;
    if (isStopped) throw new NodeError("safety", `the signer is stopped; ${kind} of view ${view} was not signed`);
    if (view <= floor)
      throw new NodeError("safety", `${kind} of view ${view} is older than the ${VIEWS_MAX} views that the signer remembers`);
    const signed = views.get(view) ?? new Map();
    const conflict = conflictIn(signed, kind, blockHash);
    if (conflict !== undefined) {
      throw new NodeError(
        "safety",
        `refused to sign ${kind} of view ${view} for block ${blockHash}: this process already signed ${conflict}`,
      );
    }
    const earlier = signed.get(kind);
    if (earlier !== undefined) return earlier.signature;
    const signature = request.sign();
    signed.set(kind, { blockHash, signature });
    views.set(view, signed);
    forgetOldest();
    return signature;
  }

  function forgetOldest(): void {
    if (views.size <= VIEWS_MAX) return;
    let oldest = Number.POSITIVE_INFINITY;
    for (const view of views.keys()) oldest = Math.min(oldest, view);
    views.delete(oldest as View);
    floor = Math.max(floor, oldest);
  }

  return {
    signVote(ballot) {
      const { kind, view, blockHash } = ballot;
      const sign = () => bls.sign(options.blsSecretKey, ballotSigningBytes(domain, ballot));
      return { ballot, validator: self, signature: signOnce({ kind, view, blockHash, sign }) };
    },
    signProposal(proposal) {
      const { header, blockHash, transactionHashes, lists, bid, parentCertificate, timeoutCertificates } = proposal;
      const { view } = header;
      const sign = () => options.signEd25519(options.ed25519Seed, proposalSigningBytes(domain, view, blockHash));
      const signature = signOnce({ kind: "proposal", view, blockHash, sign });
      return { header, parentCertificate, timeoutCertificates, transactionHashes, lists, bid, signature };
    },
    stop() {
      isStopped = true;
    },
  };
}

/** Names what was signed that forbids signing `kind` for `blockHash`; undefined when nothing does. */
function conflictIn(signed: SignedInView, kind: VoteKind | "proposal", blockHash: BlockHash): string | undefined {
  const same = signed.get(kind);
  if (same !== undefined && same.blockHash !== blockHash) return `${kind} for block ${same.blockHash}`;
  if (kind === "timeout" && signed.has("commit")) return "a commit vote of that view (R8)";
  if (kind === "commit" && signed.has("timeout")) return "a timeout of that view (R8)";
  const otherKind = kind === "vote" ? "commit" : "vote";
  const other = kind === "vote" || kind === "commit" ? signed.get(otherKind) : undefined;
  if (other !== undefined && other.blockHash !== blockHash) return `${otherKind} for block ${other.blockHash} (R4)`;
  return undefined;
}
