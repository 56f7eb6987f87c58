/** The libp2p node: transports, noise, yamux, identify, gossipsub, and the settings that a cluster needs (`README.md` says why). */

import { createHash } from "node:crypto";
import { type GossipSub, gossipsub, StrictNoSign } from "@chainsafe/libp2p-gossipsub";
import { noise } from "@chainsafe/libp2p-noise";
import { generateKeyPairFromSeed } from "@libp2p/crypto/keys";
import { identify } from "@libp2p/identify";
import type { ComponentLogger, Libp2p, Logger } from "@libp2p/interface";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p, type Libp2pOptions } from "libp2p";
import { asciiBytes } from "../types/bytes.ts";
import { FRAME_BYTES_MAX } from "../types/limits.ts";
import type { PeerKey } from "../types/sender.ts";
import { closeLockChannelOnDeno, replaceWebSocketOnDeno } from "./deno_fixes.ts";
import { leanMuxer } from "./internals.ts";
import type { NetworkOptions } from "./options.ts";
import { consensusTopic, transactionsTopic } from "./wire.ts";

export interface HostServices extends Record<string, unknown> {
  readonly identify: unknown;
  readonly gossip: GossipSub;
}

export type Host = Libp2p<HostServices>;

/** Makes the node without starting it, so that handlers are in place before the first connection. */
export async function createHost(options: NetworkOptions, isBanned: (peer: PeerKey) => boolean): Promise<Host> {
  const { limits } = options;
  closeLockChannelOnDeno();
  const settings: Libp2pOptions<HostServices> = {
    start: false,
    privateKey: await generateKeyPairFromSeed("Ed25519", options.nodeSeed),
    ...(isLibraryLogWanted() ? {} : { logger: SILENT }),
    addresses: { listen: [...options.listen], announce: [...options.announce] },
    transports: [tcp({ outboundSocketInactivityTimeout: 0, inboundSocketInactivityTimeout: 0 }), ...(await webSocketTransports(options))],
    connectionEncrypters: [noise()],
    streamMuxers: [
      leanMuxer(
        yamux({
          maxInboundStreams: STREAMS_PER_CONNECTION_MAX,
          maxOutboundStreams: STREAMS_PER_CONNECTION_MAX,
          maxEarlyStreams: STREAMS_PER_CONNECTION_MAX,
          streamOptions: { maxReadBufferLength: limits.streamBufferBytesMax },
        }),
      ),
    ],
    connectionManager: {
      maxConnections: limits.connectionsMax,
      maxIncomingPendingConnections: limits.pendingHandshakesMax,
      inboundConnectionThreshold: options.isLocalCluster ? Number.MAX_SAFE_INTEGER : limits.inboundConnectionsPerSecond,
      inboundUpgradeTimeout: limits.handshakeDeadlineMs,
      dialTimeout: limits.dialDeadlineMs,
      addressDialTimeout: limits.dialDeadlineMs,
      connectionCloseTimeout: CLOSE_MS,
      reconnectRetries: 0,
    },
    connectionMonitor: { enabled: false },
    connectionGater: {
      denyInboundEncryptedConnection: (peer) => isBanned(peer.toString() as PeerKey),
      denyDialMultiaddr: () => false,
    },
    nodeInfo: { userAgent: "sealstone" },
    services: { identify: identify(), gossip: gossipService(options) },
  };
  return await createLibp2p(settings);
}

/** One handshake, one or two consensus streams, gossip and identify in both directions, requests. */
const STREAMS_PER_CONNECTION_MAX = 64;
const CLOSE_MS = 500;

/** libp2p logs through the `DEBUG` variable; without it, formatting its log lines is work for nothing. */
function isLibraryLogWanted(): boolean {
  return (process.env.DEBUG ?? "").includes("libp2p");
}

const silentLogger: Logger = Object.assign(() => undefined, {
  error: () => undefined,
  trace: () => undefined,
  enabled: false,
  newScope: () => silentLogger,
});
const SILENT: ComponentLogger = { forComponent: () => silentLogger };

/** Loaded only where an address asks for it. */
async function webSocketTransports(options: NetworkOptions): Promise<NonNullable<Libp2pOptions["transports"]>> {
  const addresses = [...options.listen, ...options.peers.flatMap((peer) => peer.addresses)];
  if (!addresses.some((address) => /\/wss?(\/|$)/.test(address))) return [];
  await replaceWebSocketOnDeno();
  const { webSockets } = await import("@libp2p/websockets");
  return [webSockets()];
}

/** SHA-256 of topic and data, cut to 20 bytes: senders are not authenticated, so the id must bind the content. */
export function gossipMessageId(topic: string, data: Uint8Array): Uint8Array {
  return createHash("sha256").update(asciiBytes(topic)).update(data).digest().subarray(0, 20);
}

function gossipService(options: NetworkOptions): ReturnType<typeof gossipsub> {
  const { chainId, limits } = options;
  return gossipsub({
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: (message) => gossipMessageId(message.topic, message.data),
    allowedTopics: [transactionsTopic(chainId), consensusTopic(chainId)],
    fallbackToFloodsub: false,
    floodPublish: true,
    batchPublish: true,
    emitSelf: false,
    doPX: false,
    tagMeshPeers: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    // No mesh: a publisher sends to every subscriber it is connected with; forwarding goes to direct peers, where it is needed.
    D: 0,
    Dlo: 0,
    Dhi: 0,
    Dscore: 0,
    Dout: 0,
    Dlazy: 0,
    gossipFactor: 0,
    idontwantMinDataSize: Number.MAX_SAFE_INTEGER,
    directConnectTicks: Number.MAX_SAFE_INTEGER,
    // Nobody asks for old messages, so they are not kept longer than one short heartbeat.
    mcacheLength: 1,
    mcacheGossip: 1,
    heartbeatInterval: 500,
    seenTTL: limits.gossipSeenMs,
    maxInboundStreams: 4,
    maxOutboundStreams: 4,
    maxOutboundBufferSize: limits.gossipBufferBytesMax,
    maxInboundDataLength: FRAME_BYTES_MAX + 1_024,
    maxTopicBytesPerPeer: 8 * 1_024,
    decodeRpcLimits: {
      maxSubscriptions: 8,
      maxMessages: 64,
      maxIhaveMessageIDs: 0,
      maxIwantMessageIDs: 0,
      maxControlMessages: 8,
      maxIdontwantMessageIDs: 0,
      maxPeerInfos: 0,
    },
    scoreParams: options.isLocalCluster
      ? { IPColocationFactorWeight: 0 }
      : { IPColocationFactorWhitelist: new Set(options.peers.flatMap((peer) => peer.addresses.map(ipOf))) },
  });
}

/** The address part of a multiaddr, for gossipsub's list of addresses that may host many peers. */
function ipOf(address: string): string {
  return address.split("/")[2] ?? "";
}
