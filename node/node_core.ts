/** The node as the RPC sees it, put together from the parts that know. */

import type { Network } from "../p2p/interface.ts";
import type { Replica } from "../replica/interface.ts";
import type { Store } from "../storage/interface.ts";
import { receiptAt } from "../storage/receipt_places.ts";
import type { Height, TransactionHash } from "../types/ids.ts";
import type { NodeApplication } from "./application.ts";
import type { BuiltBlocks } from "./built_blocks.ts";
import type { NodeIdentity } from "./identity.ts";
import { createLanePlaces } from "./lane_places.ts";
import type { BuilderCore, NodeCore, StoredBlock, TransactionStatus } from "./rpc/core.ts";
import { runtimeName, softwareVersion } from "./runtime.ts";
import type { SealedProgress } from "./sealed_progress.ts";
import { createSealingAnswer } from "./sealing_answer.ts";
import type { TransactionIngress } from "./transaction_ingress.ts";
import type { TransactionTracker } from "./transaction_tracker.ts";

export function createNodeCore(parts: {
  readonly identity: NodeIdentity;
  readonly application: NodeApplication;
  readonly store: Store;
  readonly replica: Replica;
  readonly network: Network;
  readonly ingress: TransactionIngress;
  readonly tracker: TransactionTracker;
  readonly sealed: SealedProgress;
  readonly built: BuiltBlocks;
  readonly builder: BuilderCore | undefined;
}): NodeCore {
  const lanes = createLanePlaces(parts.store);
  const { identity, application, store, replica, network, ingress, tracker, sealed } = parts;

  function transaction(hash: TransactionHash): TransactionStatus {
    // The store first: the machine keeps bodies of the newest final blocks for a while, too.
    const location = store.locate(hash);
    const finality = location === undefined ? undefined : store.finality(location.height);
    const operation = location === undefined ? undefined : store.operation(location.height);
    const receipt = location === undefined || operation === undefined ? undefined : receiptAt(operation, location.index);
    const place = location === undefined ? undefined : lanes.placeOf(location);
    if (location === undefined || finality === undefined || receipt === undefined || place === undefined) {
      const ordered = sealed.locate(hash);
      if (ordered !== undefined) return { status: "ordered", ...ordered };
      return replica.isPending(hash) ? { status: "pending" } : { status: "unknown", refusal: tracker.droppedBecause(hash) };
    }
    const { code, operationCodes } = receipt;
    return { status: "final", ...location, place, blockHash: finality.blockHash, code, operationCodes };
  }

  function blockAt(height: Height): StoredBlock | undefined {
    const finality = store.finality(height);
    const block = store.blockAt(height);
    if (finality === undefined || block === undefined) return undefined;
    return { blockHash: finality.blockHash, block, finality, operation: store.operation(height) };
  }

  return {
    chainId: identity.chainId,
    genesis: identity.genesis,
    submit: (transactions) => ingress.fromClient(transactions),
    transaction,
    waitForFinal: (hash, options) => tracker.wait(hash, options),
    blockAt,
    heightOf: (hash) => store.heightOf(hash),
    account: application.account,
    describeCode: (code) => application.application.describeCode(code),
    isFailedContent: application.isFailedContent,
    sealing: createSealingAnswer({ replica, store, suite: identity.genesis.parameters.sealingSuite }),
    builder: parts.builder,
    get builtBlocks() {
      return application.application.builderOf === undefined ? undefined : parts.built.totals;
    },
    get replica() {
      return replica.status;
    },
    get oldestHeight() {
      return store.oldestHeight;
    },
    get peers() {
      return network.peers;
    },
    get finality() {
      return tracker.finality;
    },
    get sealedFinality() {
      return tracker.sealedFinality;
    },
    get opening() {
      return sealed.opening;
    },
    identity: {
      applicationName: application.application.name,
      runtime: runtimeName(),
      validator: identity.self,
      epoch: identity.genesis.epoch,
      version: softwareVersion(),
      startedAtMs: performance.now(),
    },
  };
}
