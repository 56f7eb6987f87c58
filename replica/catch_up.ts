/** Catch-up by ranges of final blocks: decides when we are behind, what to ask for and whom, and checks what comes back.
 *  A response is judged against what was asked: contiguous from our final head, bodies under their roots, and a CC over the
 *  last block or, where one CC covers more than a range holds, over the last of the bare headers that lead on from it
 *  (failure 7). Never executes and never votes. */

import { bidHashOf, bodyRootOf, hashHeader, hashTransaction, listsRootOf } from "../crypto/hashes.ts";
import type { Block, BlockHeader } from "../types/block.ts";
import type { BlockHash, Height } from "../types/ids.ts";
import { RANGE_BLOCKS_MAX, RANGE_HEADERS_MAX } from "../types/limits.ts";
import type { Opening } from "../types/sealing.ts";
import type { PeerKey } from "../types/sender.ts";
import type { PeerStatus, SyncResponse } from "../types/sync.ts";
import type { Certificate } from "../types/vote.ts";
import type { FinalPosition } from "./execution.ts";

/** Peers whose status is remembered; the one heard of longest ago is forgotten first. */
export const STATUSES_MAX = 256;
/** A peer this far ahead is asked at once; a smaller lead may be news still in flight and waits for the sync timer. */
export const LEAD_AT_ONCE = 8;

/** Final by `certificate`, which is of the last block or of a later one. */
export interface VerifiedRange {
  readonly blocks: readonly { readonly blockHash: BlockHash; readonly block: Block; readonly openings: readonly Opening[] }[];
  readonly certificate: Certificate;
}

export type RangeVerdict =
  | { readonly type: "range"; readonly range: VerifiedRange }
  /** The peer has nothing above our head; no fault. */
  | { readonly type: "nothing" }
  | { readonly type: "invalid" };

export interface CatchUp {
  noteStatus(peer: PeerKey, status: PeerStatus): void;
  forget(peer: PeerKey): void;
  /** A verified CC of a block at this height that we lack. */
  noteCertified(height: Height): void;
  /** The highest final height that anybody claims; claims only make us ask. */
  readonly target: Height;
  /** Peers that claim to hold `height` as final, the furthest first. */
  candidates(height: Height): readonly PeerKey[];
}

export function createCatchUp(): CatchUp {
  const statuses = new Map<PeerKey, PeerStatus>();
  let certified = 0 as Height;

  return {
    noteStatus(peer, status) {
      statuses.delete(peer);
      statuses.set(peer, status);
      const [oldest] = statuses.keys();
      if (statuses.size > STATUSES_MAX && oldest !== undefined) statuses.delete(oldest);
    },
    forget(peer) {
      statuses.delete(peer);
    },
    noteCertified(height) {
      if (height > certified) certified = height;
    },
    get target() {
      let target = certified;
      for (const status of statuses.values()) if (status.finalHeight > target) target = status.finalHeight;
      return target;
    },
    candidates(height) {
      const holders = [...statuses].filter(([, status]) => status.finalHeight >= height && status.oldestHeight <= height);
      holders.sort(([, left], [, right]) => right.finalHeight - left.finalHeight);
      return holders.map(([peer]) => peer);
    },
  };
}

/** Checks a `finalBlocks` response against our head. Cheap structure first, then hashes, then the one signature. */
export function judgeRange(
  response: Extract<SyncResponse, { type: "finalBlocks" }>,
  head: FinalPosition,
  isCertificateValid: (certificate: Certificate) => boolean,
): RangeVerdict {
  const certificate = response.commitCertificate;
  if (response.blocks.length === 0 || certificate === undefined) return { type: "nothing" };
  const isBounded = response.blocks.length <= RANGE_BLOCKS_MAX && response.trailingHeaders.length <= RANGE_HEADERS_MAX;
  if (response.openings.length !== response.blocks.length) return { type: "invalid" };
  if (!isBounded || certificate.ballot.kind !== "commit") return { type: "invalid" };
  const blocks: { blockHash: BlockHash; block: Block; openings: readonly Opening[] }[] = [];
  let previous = head;
  for (const [index, block] of response.blocks.entries()) {
    if (!isChild(block.header, previous) || !isBodyUnderRoot(block)) return { type: "invalid" };
    previous = positionOf(block.header);
    blocks.push({ blockHash: previous.blockHash, block, openings: response.openings[index] ?? [] });
  }
  for (const header of response.trailingHeaders) {
    if (!isChild(header, previous)) return { type: "invalid" };
    previous = positionOf(header);
  }
  const { ballot } = certificate;
  const isOfLast = ballot.blockHash === previous.blockHash && ballot.height === previous.height && ballot.view === previous.view;
  return isOfLast && isCertificateValid(certificate) ? { type: "range", range: { blocks, certificate } } : { type: "invalid" };
}

function isChild(header: BlockHeader, parent: FinalPosition): boolean {
  return header.height === parent.height + 1 && header.parentHash === parent.blockHash && header.view > parent.view;
}

function positionOf(header: BlockHeader): FinalPosition {
  return { height: header.height, blockHash: hashHeader(header), view: header.view };
}

/** The serving side: which of the certificates of consecutive final blocks, the last at `lastHeight`, does the answer end with?
 *  The highest that is of a block among them; if all are of later ones, the nearest, which bare headers have to lead up to. */
export function certificateToEndWith(certificates: readonly Certificate[], lastHeight: Height): Certificate | undefined {
  let within: Certificate | undefined;
  let beyond: Certificate | undefined;
  for (const certificate of certificates) {
    const { height } = certificate.ballot;
    if (height > lastHeight) beyond = beyond === undefined || height < beyond.ballot.height ? certificate : beyond;
    else within = within === undefined || height > within.ballot.height ? certificate : within;
  }
  return within ?? beyond;
}

/** Do the transactions, the lists and the bid of a served block hash to what its header names? */
export function isBodyUnderRoot(block: Block): boolean {
  return (
    block.transactions.length === block.header.transactionCount &&
    bodyRootOf(block.transactions.map(hashTransaction)) === block.header.bodyRoot &&
    listsRootOf(block.lists) === block.header.listsRoot &&
    bidHashOf(block.bid) === block.header.bidHash
  );
}
