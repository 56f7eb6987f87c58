/** Disputes: which share made a combination wrong? Everybody is asked for a proof over the wrong positions at once; whoever proves is
 *  cleared, whoever cannot is caught. Where proven shares give no seed either, each is proven by itself, so that the failure can be shown.
 *
 *  Our own share is proven like any other: a damaged secret of ours must not make the others look guilty. */

import { bytesEqual } from "../types/bytes.ts";
import type { ValidatorIndex } from "../types/ids.ts";
import type { PositionedShare, ProofBatch, ProofRequest, ProofsMessage } from "../types/opening_message.ts";
import { type BlockState, keyOfPositions, type PositionState, type Shop } from "./opening_state.ts";
import { catchSender, deduce, queueCombination, settleFailure } from "./opening_work.ts";

/** Proof requests of one peer that may wait among the jobs. */
const WAITING_PROOFS_MAX = 8;

/** At the end of a step: asks for proofs of what went wrong during it. */
export function flushDisputes(shop: Shop, state: BlockState): void {
  const wrong = state.wrong;
  const unsealable = state.unsealable;
  state.wrong = [];
  state.unsealable = [];
  if (wrong.length > 0) askProofs(shop, state, { positions: wrong, isSeparate: false });
  const unproven = unsealable.filter((index) => state.positions[index]?.opening === undefined);
  if (unproven.length > 0) askProofs(shop, state, { positions: unproven, isSeparate: true });
}

function askProofs(shop: Shop, state: BlockState, given: { readonly positions: readonly number[]; readonly isSeparate: boolean }): void {
  const positions = [...given.positions].sort((left, right) => left - right);
  const { isSeparate } = given;
  const request: ProofRequest = { type: "proofRequest", blockHash: state.block.blockHash, positions, isSeparate };
  state.requests.push(request);
  for (const batch of isSeparate ? positions.map((position) => [position]) : [positions]) {
    const key = keyOfPositions(batch);
    if (!state.asked.has(key)) state.asked.set(key, { positions: batch, answered: new Set() });
  }
  shop.effects.push({ type: "broadcast", message: request });
  const { self } = shop;
  if (self === undefined) return;
  for (const batch of prove(shop, state, request)) runVerify(shop, state, self, batch);
}

/** Asked-for proofs of lists that are still open, to be sent again. */
export function openRequests(state: BlockState): readonly ProofRequest[] {
  return state.requests.filter(({ positions }) => positions.some((index) => state.positions[index]?.opening === undefined));
}

/** Proofs that were not asked for, or came before, have no effect. */
export function takeProofs(shop: Shop, state: BlockState, from: ValidatorIndex, { batches }: ProofsMessage): void {
  for (const batch of batches) {
    const asked = state.asked.get(keyOfPositions(batch.shares.map(({ position }) => position)));
    if (asked === undefined || asked.answered.has(from)) continue;
    asked.answered.add(from);
    shop.jobs.push({ type: "verify", state, from, batch });
  }
}

export function runVerify(shop: Shop, state: BlockState, from: ValidatorIndex, { shares, proof }: ProofBatch): void {
  const concerned = shares.map(({ position }) => state.positions[position] as PositionState);
  if (!concerned.some((position) => isProofOfUse(position, from))) return;
  const isRight = shop.suite.verifyShares({
    shareKey: state.block.key.shareKeys[from] as Uint8Array,
    sealed: concerned.map(({ item }) => item.sealed),
    shares: shares.map(({ share }) => share),
    proof,
  });
  if (!isRight) {
    catchSender(shop, state, from);
    return;
  }
  const isChanged = shares.some(({ share }, index) => {
    const held = concerned[index]?.shares.get(from);
    return held !== undefined && !bytesEqual(held.share, share);
  });
  // First, since what it sent unproven elsewhere goes too.
  if (isChanged) catchSender(shop, state, from);
  else shop.distrusted.delete(from);
  const single = shares.length === 1 ? proof : undefined;
  shares.forEach(({ share }, index) => {
    takeProven(shop, state, { position: concerned[index] as PositionState, from, share, proof: single });
  });
}

const isProofOfUse = (position: PositionState, from: ValidatorIndex): boolean =>
  position.suspects.has(from) || (position.opening === undefined && position.shares.get(from)?.proof === undefined);

function takeProven(
  shop: Shop,
  state: BlockState,
  given: { readonly position: PositionState; readonly from: ValidatorIndex } & Pick<PositionedShare, "share"> & {
      readonly proof: Uint8Array | undefined;
    },
): void {
  const { position, from, share } = given;
  const proof = given.proof ?? position.shares.get(from)?.proof;
  position.suspects.delete(from);
  if (position.opening !== undefined) {
    deduce(shop, state, position);
    return;
  }
  position.shares.set(from, { share, isProven: true, proof });
  settleFailure(shop, state, position);
  queueCombination(shop, state, position);
}

/** Takes on a peer's request when its share of our work is not used up; the answer follows when the job's turn comes. */
export function takeProofRequest(shop: Shop, state: BlockState, from: ValidatorIndex, request: ProofRequest): void {
  const waiting = state.answering.get(from) ?? 0;
  if (state.ownShares === undefined || state.secretShare === undefined || waiting >= WAITING_PROOFS_MAX) return;
  state.answering.set(from, waiting + 1);
  shop.jobs.push({ type: "prove", state, from, request });
}

export function runProve(shop: Shop, state: BlockState, from: ValidatorIndex, request: ProofRequest): void {
  state.answering.set(from, (state.answering.get(from) ?? 1) - 1);
  const { positions, isSeparate } = request;
  const isNew = !isSeparate && !state.proofs.has(keyOfPositions(positions));
  if (isNew) {
    // An honest peer disputes a position once, so it never asks for more new proofs than there are positions.
    const provenCount = (state.provenFor.get(from) ?? 0) + positions.length;
    if (provenCount > state.positions.length) return;
    state.provenFor.set(from, provenCount);
  }
  const batches = prove(shop, state, request);
  if (batches.length > 0)
    shop.effects.push({ type: "send", to: from, message: { type: "proofs", blockHash: state.block.blockHash, batches } });
}

/** Our own proofs; each is computed once. Empty when we have no share to prove. */
function prove(shop: Shop, state: BlockState, { positions, isSeparate }: ProofRequest): readonly ProofBatch[] {
  const { ownShares, secretShare } = state;
  if (ownShares === undefined || secretShare === undefined) return [];
  const lists = isSeparate ? positions.map((position) => [position]) : [positions];
  return lists.map((list) => {
    const key = keyOfPositions(list);
    const known = state.proofs.get(key);
    if (known !== undefined) return known;
    const sealed = list.map((position) => (state.positions[position] as PositionState).item.sealed);
    const shares = list.map((position) => ({ position, share: ownShares[position] as Uint8Array }));
    const batch = { shares, proof: shop.suite.proveShares({ secretShare, sealed }) };
    state.proofs.set(key, batch);
    return batch;
  });
}
