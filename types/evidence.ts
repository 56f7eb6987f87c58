/** R12: self-contained proof that one validator signed two things of one view that no honest validator signs together. */

import { type BlockHeader, blockHeaderType, headerFromSsz, headerToSsz } from "./block.ts";
import { type Codec, defineCodec, ssz } from "./codec.ts";
import { type SignedVote, signedVoteFromSsz, signedVoteToSsz, signedVoteType } from "./vote.ts";

/** A header with its proposer's signature. */
export interface SignedHeader {
  readonly header: BlockHeader;
  readonly signature: Uint8Array;
}

/** doubleVote: two ballots of one kind and view, or a commit vote and a timeout of one view. */
export type Evidence =
  | { readonly type: "doubleVote"; readonly first: SignedVote; readonly second: SignedVote }
  | { readonly type: "doubleProposal"; readonly first: SignedHeader; readonly second: SignedHeader };

const signedHeaderType = ssz.container({ header: blockHeaderType, signature: ssz.bytes(64) }, "SignedHeader");

const evidenceType = ssz.container({ votes: ssz.list(signedVoteType, 2), headers: ssz.list(signedHeaderType, 2) }, "Evidence");

export const evidenceCodec: Codec<Evidence> = defineCodec({
  name: "Evidence",
  version: 1,
  type: evidenceType,
  bytesMax: 1 + 8 + 2 * 512,
  toSsz: (evidence: Evidence) =>
    evidence.type === "doubleVote"
      ? { votes: [evidence.first, evidence.second].map(signedVoteToSsz), headers: [] }
      : {
          votes: [],
          headers: [evidence.first, evidence.second].map((signed) => ({ header: headerToSsz(signed.header), signature: signed.signature })),
        },
  fromSsz: (value): Evidence | undefined => {
    if (value.votes.length === 2 && value.headers.length === 0) {
      const [first, second] = value.votes.map(signedVoteFromSsz);
      return first === undefined || second === undefined ? undefined : { type: "doubleVote", first, second };
    }
    if (value.votes.length !== 0 || value.headers.length !== 2) return undefined;
    const [first, second] = value.headers.map((signed) => {
      const header = headerFromSsz(signed.header);
      return header === undefined ? undefined : { header, signature: signed.signature };
    });
    return first === undefined || second === undefined ? undefined : { type: "doubleProposal", first, second };
  },
});
