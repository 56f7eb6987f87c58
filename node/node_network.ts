/** The network of one node, with the handlers that lead into its parts. */

import { randomBytes } from "node:crypto";
import { signEd25519, verifyEd25519 } from "../crypto/ed25519_sodium.ts";
import type { Network } from "../p2p/interface.ts";
import { NETWORK_LIMITS } from "../p2p/limits.ts";
import { createNetwork } from "../p2p/network.ts";
import type { Replica } from "../replica/interface.ts";
import type { Store } from "../storage/interface.ts";
import type { Bid } from "../types/bid.ts";
import { ValidatorIndex } from "../types/ids.ts";
import type { PeerStatus } from "../types/sync.ts";
import type { ValidatorSetContext } from "../types/validator_set.ts";
import type { ActivityLog } from "./activity_log.ts";
import type { NodeApplication } from "./application.ts";
import { createBuilderJudge } from "./builder_setup.ts";
import type { NodeConfig } from "./config.ts";
import type { Driver } from "./driver.ts";
import { messageOf, NodeError } from "./errors.ts";
import type { NodeIdentity } from "./identity.ts";
import { createNetworkHandlers } from "./network_handlers.ts";
import { createSyncServer } from "./sync_server.ts";
import type { TransactionIngress } from "./transaction_ingress.ts";

/** Throws NodeError "environment" when an address cannot be listened on. */
export async function startNetwork(parts: {
  readonly config: NodeConfig;
  readonly machine: {
    readonly identity: NodeIdentity;
    readonly validators: ValidatorSetContext;
    readonly application: NodeApplication;
    readonly store: Store;
    readonly replica: Replica;
  };
  readonly driver: Driver;
  readonly ingress: TransactionIngress;
  readonly activity: ActivityLog;
  readonly onLinkUp: (validator: ValidatorIndex) => void;
  readonly onBid: (bid: Bid) => void;
}): Promise<Network> {
  const { config, machine, driver, ingress, activity, onLinkUp, onBid } = parts;
  const { identity, validators, store, replica } = machine;
  const { keys, self, builder, chainId, genesis } = identity;
  const currentStatus = (): PeerStatus => {
    const { view, finalHeight, finalHash } = replica.status;
    return { epoch: genesis.epoch, view, finalHeight, finalHash, oldestHeight: store.oldestHeight };
  };
  const answer = createSyncServer({ store, replica, currentStatus });
  const isBuilder = createBuilderJudge(machine.application.application, genesis);
  const hasClaim = self !== undefined || builder !== undefined;
  const peers = config.peers.map(({ validator, addresses }) => ({ validator: ValidatorIndex.of(validator), addresses }));
  try {
    return await createNetwork({
      chainId,
      validators,
      self,
      builder,
      // A full node's is new with each process: nobody dials it, and two processes with one key file must not displace each other.
      nodeSeed: self === undefined ? new Uint8Array(randomBytes(32)) : keys.nodeSeed,
      signHandshake: hasClaim ? (message) => signEd25519(keys.ed25519Seed, message) : undefined,
      verifyEd25519,
      listen: config.listen,
      announce: config.announce,
      peers: peers.filter(({ validator }) => validator !== self),
      handlers: createNetworkHandlers({ driver, ingress, answer, currentStatus, activity, onLinkUp, isBuilder, onBid }),
      limits: NETWORK_LIMITS,
      randomBytes,
      nowMs: () => performance.now(),
      isLocalCluster: isLocal(config),
    });
  } catch (cause) {
    const where = config.listen.join(", ");
    throw new NodeError("environment", `cannot listen on ${where} (${messageOf(cause)}); free the port or change "listen" (port 0: any)`, {
      cause,
    });
  }
}

/** All addresses are of this machine: many nodes share one address, so bounds for each address make no sense. */
function isLocal(config: NodeConfig): boolean {
  const addresses = [...config.listen, ...config.peers.flatMap((peer) => peer.addresses)];
  return addresses.every((address) => /^\/(ip4\/127\.|ip6\/::1\/|dns[46]?\/localhost\/)/.test(address));
}
