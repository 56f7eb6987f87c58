/** From a CC to final blocks. R7: a block and its ancestors, in order, exactly once. R9: records are forgotten here and nowhere
 *  else, when the CC was handed out. Catch-up may move the root too; then the replica has finalized already. */

import { hashHeader } from "../crypto/hashes.ts";
import type { BlockHeader } from "../types/block.ts";
import { type BlockHash, View } from "../types/ids.ts";
import { Signers } from "../types/validator_set.ts";
import type { Certificate } from "../types/vote.ts";
import type { ParentFacts, TreeBlock } from "./block_tree.ts";
import { noteOwnSignature } from "./certificate_flow.ts";
import { SCHEDULE_WINDOW_BLOCKS } from "./leader_schedule.ts";
import { emit, enterView, type Machine, WANTED_HEIGHTS_MAX, wantBlock } from "./machine.ts";
import { connectOrphansOf } from "./proposal_flow.ts";

/** R7: acts on the highest CC whose ancestry is held; for one whose ancestry is not, asks for it. */
export function finalizeCertified(machine: Machine): void {
  const commits = machine.certificates.commits();
  for (const certificate of commits) {
    const block = machine.tree.get(certificate.ballot.blockHash);
    if (block?.isConnected === true && block.proposal.header.height === certificate.ballot.height) {
      finalizeBlock(machine, block, certificate);
      break;
    }
  }
  const [unresolved] = machine.certificates.commits();
  if (unresolved !== undefined) seekAncestry(machine, unresolved);
}

/** Asks for one missing block by hash; says `behind`, once per CC, when more than that is missing. */
export function seekAncestry(machine: Machine, certificate: Certificate): void {
  const { blockHash, height, view } = certificate.ballot;
  const { tree } = machine;
  wantBlock(machine, { blockHash, height, view });
  let connectedHeight = tree.root.height;
  for (const block of tree.all()) {
    if (block.isConnected && block.proposal.header.height > connectedHeight) connectedHeight = block.proposal.header.height;
  }
  const isParentMissing = tree.get(blockHash) !== undefined || height > connectedHeight + 1;
  const isFar = height - tree.root.height > WANTED_HEIGHTS_MAX;
  if ((!isParentMissing && !isFar) || machine.behindView >= view) return;
  machine.behindView = view;
  emit(machine, { type: "behind", certificate });
}

/** Catch-up brought final blocks: ignored unless they extend our last final block and end where the CC says (failure 7). */
export function onSynced(machine: Machine, headers: readonly BlockHeader[], certificate: Certificate): void {
  const above = headers.filter(({ height }) => height > machine.tree.root.height);
  const blocks = chainFrom(machine.tree.root, above);
  const last = blocks?.at(-1);
  if (blocks === undefined || last === undefined) return;
  const { ballot } = certificate;
  const isOfLast = ballot.kind === "commit" && ballot.epoch === machine.epoch && ballot.blockHash === last.blockHash;
  if (!isOfLast || ballot.view !== last.header.view || ballot.height !== last.header.height) return;
  if (machine.self !== undefined && Signers.has(certificate.signers, machine.self)) noteOwnSignature(machine, ballot);
  moveRoot(machine, blocks, { certificate, isRootHeld: true });
}

function finalizeBlock(machine: Machine, block: TreeBlock, certificate: Certificate): void {
  const path = machine.tree.pathTo(block.blockHash);
  const blocks = path.map(({ blockHash, proposal }) => ({ blockHash, header: proposal.header }));
  emit(machine, { type: "finalize", blocks, certificate });
  moveRoot(machine, blocks, { certificate, isRootHeld: block.body === "valid" });
}

interface HashedHeader {
  readonly blockHash: BlockHash;
  readonly header: BlockHeader;
}

function moveRoot(
  machine: Machine,
  blocks: readonly HashedHeader[],
  proof: { readonly certificate: Certificate; readonly isRootHeld: boolean },
): void {
  const { certificate } = proof;
  const last = blocks.at(-1);
  if (last === undefined) return;
  machine.finalBlocks.push(...blocks.map(({ header }) => header));
  machine.finalBlocks.splice(0, machine.finalBlocks.length - SCHEDULE_WINDOW_BLOCKS - 1);
  const root: ParentFacts = { ...last.header, blockHash: last.blockHash };
  const dropped = machine.tree.moveRoot(root, new Set(blocks.map(({ blockHash }) => blockHash)));
  machine.tree.isRootHeld = proof.isRootHeld;
  if (dropped.length > 0) emit(machine, { type: "abandon", blockHashes: dropped });
  machine.bestParent = undefined;
  forgetUpTo(machine, root.view);
  machine.pacemaker.noteProgress(machine.nowMs);
  const { view } = certificate.ballot;
  if (view >= machine.view) enterView(machine, { view: View.next(view), by: "CC", certificate });
  connectOrphansOf(machine, root.blockHash);
}

/** R9 and R10: finality is what bounds every map that is keyed by view. */
function forgetUpTo(machine: Machine, finalView: View): void {
  machine.records.prune(finalView);
  machine.certificates.prune(finalView);
  machine.votes.prune(finalView);
  machine.seen.prune(View.next(finalView));
  for (const view of machine.pendingCommits) if (view <= finalView) machine.pendingCommits.delete(view);
  for (const [blockHash, view] of machine.wanted) if (view <= finalView) machine.wanted.delete(blockHash);
  for (const [validator, view] of machine.accused) if (view < finalView) machine.accused.delete(validator);
}

/** The headers with their hashes if each extends the one before, the first our root; undefined otherwise. */
function chainFrom(root: ParentFacts, headers: readonly BlockHeader[]): readonly HashedHeader[] | undefined {
  const blocks: HashedHeader[] = [];
  let parent: { readonly blockHash: BlockHash; readonly height: number; readonly view: View } = root;
  for (const header of headers) {
    const isChild = header.parentHash === parent.blockHash && header.parentView === parent.view;
    if (!isChild || header.height !== parent.height + 1 || header.view <= parent.view) return undefined;
    const blockHash = hashHeader(header);
    blocks.push({ blockHash, header });
    parent = { blockHash, height: header.height, view: header.view };
  }
  return blocks;
}
