/** Performs the machine's effects with the real parts of a node. Called by the driver in order, after the durable write. */

import type { Network } from "../p2p/interface.ts";
import type { FinalizedBlock, Opportunity, OrderedBlock, ReplicaInput, ReplicaSnapshot } from "../replica/interface.ts";
import type { Store } from "../storage/interface.ts";
import { assert, unreachable } from "../types/assert.ts";
import type { Bid } from "../types/bid.ts";
import type { TransactionHash } from "../types/ids.ts";
import type { Message } from "../types/message.ts";
import type { DriverEffect } from "./driver.ts";
import { messageOf } from "./errors.ts";
import type { LatestMessages } from "./latest_messages.ts";
import type { Logger } from "./logger.ts";
import type { SealedProgress } from "./sealed_progress.ts";
import type { Signer } from "./signer.ts";
import type { SyncClient } from "./sync_client.ts";
import type { TransactionIngress } from "./transaction_ingress.ts";
import type { TransactionTracker } from "./transaction_tracker.ts";

export interface EffectsOptions {
  /** Undefined for an observer, which is never asked to sign. */
  readonly signer: Signer | undefined;
  readonly network: Pick<Network, "broadcast" | "send" | "publishTransactions" | "penalize">;
  readonly latest: Pick<LatestMessages, "note">;
  readonly ingress: Pick<TransactionIngress, "fromRequest" | "onAdmitted">;
  readonly tracker: Pick<TransactionTracker, "noteDropped" | "noteOrdered" | "noteFinal">;
  readonly sealed: Pick<SealedProgress, "noteOrdered" | "noteOpened" | "noteFinal">;
  readonly syncClient: Pick<SyncClient, "perform">;
  readonly store: Pick<Store, "saveSnapshot">;
  readonly log: Logger;
  readonly onFinalized: (blocks: readonly FinalizedBlock[]) => void;
  /** We propose a block that a builder built. */
  readonly onProposed: (bid: Bid) => void;
  /** A block may be built; without a builder nobody cares. */
  readonly onBuildable: (opportunity: Opportunity) => void;
  readonly onDiverged: (message: string) => void;
}

/** Returns the performer; a vote or proposal that was signed is returned to be fed back. */
export function createEffects(options: EffectsOptions): (effect: DriverEffect) => ReplicaInput | undefined {
  const { signer, network, latest, ingress, tracker, log } = options;
  const saveSnapshot = createSnapshotSaver(options);

  function broadcast(message: Message): void {
    latest.note(message);
    network.broadcast(message);
  }

  function noteOrdered(blocks: readonly OrderedBlock[]): void {
    const nowMs = performance.now();
    options.sealed.noteOrdered(blocks, nowMs);
    for (const { transactionHashes } of blocks) tracker.noteOrdered(transactionHashes ?? [], nowMs);
  }

  function noteFinal(blocks: readonly FinalizedBlock[]): void {
    const nowMs = performance.now();
    options.sealed.noteFinal(blocks);
    for (const block of blocks) tracker.noteFinal(executedIn(block), nowMs);
    options.onFinalized(blocks);
  }

  return (effect) => {
    switch (effect.type) {
      case "signVote": {
        assert(signer !== undefined, "an observer never votes");
        const vote = signer.signVote(effect.ballot);
        broadcast({ type: "vote", vote });
        return { type: "signedVote", vote };
      }
      case "signProposal": {
        assert(signer !== undefined, "an observer never proposes");
        const { justification, ...rest } = effect;
        if (effect.bid !== undefined) options.onProposed(effect.bid);
        const proposal = signer.signProposal({ ...rest, ...justification });
        broadcast({ type: "proposal", proposal });
        return { type: "signedProposal", proposal };
      }
      case "broadcastCertificate":
        broadcast({ type: "certificate", certificate: effect.certificate });
        return undefined;
      case "sendDirect":
        // Not among the latest messages: who was not linked gets by without it.
        if (effect.to === undefined) network.broadcast(effect.message);
        else network.send(effect.to, effect.message);
        return undefined;
      case "ordered":
        noteOrdered(effect.blocks);
        return undefined;
      case "opened":
        options.sealed.noteOpened(effect.blockHash, performance.now());
        return undefined;
      case "gossipTransactions":
        network.publishTransactions(effect.transactions);
        return undefined;
      case "verifyTransactions":
        ingress.fromRequest(effect.source, effect.transactions);
        return undefined;
      case "request":
        options.syncClient.perform(effect);
        return undefined;
      case "admitted":
        ingress.onAdmitted(effect.hash, effect.refusal);
        return undefined;
      case "dropped":
        tracker.noteDropped(effect.hash, effect.refusal);
        return undefined;
      case "finalized":
        noteFinal(effect.blocks);
        return undefined;
      case "buildable":
        options.onBuildable(effect.opportunity);
        return undefined;
      case "snapshotDue":
        saveSnapshot(effect.snapshot);
        return undefined;
      case "diverged": {
        signer?.stop();
        const { height, ours, certified } = effect;
        options.onDiverged(`the state root after height ${height} is ${ours} here, but a quorum certified ${certified}`);
        return undefined;
      }
      case "certified":
        log.trace({ view: effect.view, block: effect.blockHash }, "certified");
        return undefined;
      case "enteredView":
        log.trace({ view: effect.view, by: effect.by, leader: effect.leader }, "entered view");
        return undefined;
      case "penalize":
        network.penalize(effect.sender, effect.reason);
        return undefined;
      default:
        return unreachable(effect);
    }
  };
}

/** All that has a receipt: of the block's own transactions each, of its bundle those whose group left a trace. */
function executedIn({ receipts, bundle = [] }: FinalizedBlock): readonly TransactionHash[] {
  const ofBundle = bundle.flatMap(({ result }) => (result !== "unfit" && result.isIncluded ? result.receipts : []));
  return [...receipts, ...ofBundle].map(({ hash }) => hash);
}

/** One snapshot is written at a time; of those that come due meanwhile only the newest waits. A failed one is retried by the next:
 *  it costs a longer replay at the next start, nothing else. */
function createSnapshotSaver({ store, log }: Pick<EffectsOptions, "store" | "log">): (snapshot: ReplicaSnapshot) => void {
  let isWriting = false;
  let next: ReplicaSnapshot | undefined;

  async function write(snapshot: ReplicaSnapshot): Promise<void> {
    isWriting = true;
    try {
      await store.saveSnapshot(snapshot);
      log.debug({ height: snapshot.height }, "snapshot written");
    } catch (error) {
      log.warn({ height: snapshot.height, reason: messageOf(error) }, "snapshot not written; the next one will be tried");
    }
    isWriting = false;
    const waiting = next;
    next = undefined;
    if (waiting !== undefined) void write(waiting);
  }

  return (snapshot) => {
    if (isWriting) next = snapshot;
    else void write(snapshot);
  };
}
