/** Puts a builder's parts together for the node that it runs on: the builder, what asks it, and what its RPC shows. Its key signs bids and handshakes and
 *  leaves no other trace. */

import { randomBytes } from "node:crypto";
import { BUILDER_LIMITS, createBuilder } from "../builder/builder.ts";
import type { BlockBuilder } from "../builder/interface.ts";
import { STRATEGIES } from "../builder/strategies.ts";
import { signEd25519 } from "../crypto/ed25519_sodium.ts";
import type { TransactionCodeName } from "../ledger/result_codes.ts";
import type { Network } from "../p2p/interface.ts";
import { createRateLimiter } from "../p2p/rate_limiter.ts";
import type { Replica } from "../replica/interface.ts";
import type { Application, ParsedTransaction, Refusal } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import type { Genesis } from "../types/genesis.ts";
import { type AccountId, Height, type TimestampMs } from "../types/ids.ts";
import type { SigningDomain } from "../types/signing.ts";
import type { NodeApplication } from "./application.ts";
import { type BuilderAgent, createBuilderAgent } from "./builder_agent.ts";
import { standingOf } from "./builder_standing.ts";
import { type BundleIngress, createBundleIngress } from "./bundle_ingress.ts";
import type { BuilderConfig } from "./config.ts";
import type { NodeIdentity } from "./identity.ts";
import { BUILDER_AGENT_LIMITS } from "./limits.ts";
import type { BuilderCore } from "./rpc/core.ts";
import type { SignatureWorkers } from "./signature_workers.ts";

export interface BuilderParts {
  readonly agent: BuilderAgent;
  readonly core: BuilderCore;
}

/** Undefined where the node is no builder's. */
export function createBuilderParts(options: {
  readonly machine: {
    readonly identity: NodeIdentity;
    readonly domain: SigningDomain;
    readonly application: Pick<NodeApplication, "application" | "account">;
    readonly replica: Replica;
  };
  readonly config: BuilderConfig | undefined;
  readonly workers: SignatureWorkers;
  readonly network: Network;
  readonly now: () => TimestampMs;
}): BuilderParts | undefined {
  const { machine, config, workers, network } = options;
  const { identity, domain, replica } = machine;
  const { application } = machine.application;
  const { builder: account, keys, sealing } = identity;
  if (account === undefined || config === undefined) return undefined;
  const { simulate } = application;
  assert(simulate !== undefined, "a chain that takes builders can simulate");
  const elapsedMs = (): number => performance.now();
  const builder = createBuilder({
    account,
    domain,
    suite: sealing?.suite,
    sign: (message) => signEd25519(keys.ed25519Seed, message),
    strategy: STRATEGIES[config.strategy],
    limits: BUILDER_LIMITS,
  });
  const agent = createBuilderAgent({
    account,
    builder,
    replica,
    simulate,
    send: (leader, offered) => network.send(leader, { type: "bid", ...offered }),
    now: options.now,
    elapsedMs,
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    rebidMs: BUILDER_AGENT_LIMITS.rebidMs,
    bytesPerSecond: BUILDER_AGENT_LIMITS.bidBytesPerSecond,
  });
  const ingress = startIngress({ replica, application, workers, builder, onTaken: agent.onArrival });
  const { builderBondMin: bondMin, feeAsset: asset } = identity.genesis.parameters;
  const isOpen = (owner: AccountId): boolean => {
    const answer = machine.application.account({ account: owner, asset });
    return answer.ok && answer.account.record !== null;
  };
  const core: BuilderCore = {
    account,
    get registered() {
      return registeredOf(application, account);
    },
    get standing() {
      const { height } = application;
      const { isCatchingUp } = replica.status;
      return standingOf({ record: application.builderOf?.(account), height, bondMin, isCatchingUp, ...linksOf(network), isOpen });
    },
    get status() {
      return builder.status;
    },
    get lastBid() {
      return agent.lastBid;
    },
    get links() {
      return linksOf(network).links;
    },
    submitBundle: (request) => ingress.submit(request),
    bundle: (id) => builder.statusOf(id),
  };
  return { agent, core };
}

function startIngress(parts: {
  readonly replica: Pick<Replica, "parse">;
  readonly application: Application;
  readonly workers: SignatureWorkers;
  readonly builder: BlockBuilder;
  readonly onTaken: () => void;
}): BundleIngress {
  const { replica, application, workers, builder, onTaken } = parts;
  const elapsedMs = (): number => performance.now();
  const { bundlesPerSecond, bundlesCheckingMax } = BUILDER_AGENT_LIMITS;
  return createBundleIngress({
    parse: (bytes) => replica.parse(bytes),
    lastingRefusal: (transaction) => lastingRefusal(application, transaction),
    workers,
    builder,
    onTaken,
    limiter: createRateLimiter({ perSecond: bundlesPerSecond, burst: bundlesPerSecond, nowMs: elapsedMs() }),
    elapsedMs,
    checkingMax: bundlesCheckingMax,
  });
}

/** Validators that take bids from us now, and everybody that we are connected with. */
function linksOf({ peers }: Network): { readonly links: number; readonly peers: number } {
  return { links: peers.filter(({ validator, isLinked }) => validator !== undefined && isLinked).length, peers: peers.length };
}

/** Funds may be right only after the transactions before it; these are wrong for ever: an executed block uses nonces and gives none back. */
export function lastingRefusal(application: Pick<Application, "check">, transaction: ParsedTransaction): Refusal | undefined {
  const checked = application.check(transaction);
  return !checked.ok && LASTING.has(checked.refusal.code) ? checked.refusal : undefined;
}

const LASTING: ReadonlySet<string> = new Set<TransactionCodeName>(["wrongChain", "feeTooLow", "nonceTooOld", "nonceReplayed"]);

function registeredOf(application: Application, account: AccountId): BuilderCore["registered"] {
  const record = application.builderOf?.(account);
  if (record === undefined) return undefined;
  const { bond, feeRecipient, endpoint } = record;
  return { bond, feeRecipient, endpoint, isActive: record.isActiveAt(Height.next(application.height)) };
}

/** Has the account's link with us a purpose? Its bond is there, whether or not it may build the next block: one that sits in the penalty box, or has
 *  unbonded, keeps its link until the bond is gone. */
export function createBuilderJudge(application: Pick<Application, "builderOf">, genesis: Genesis): (account: AccountId) => boolean {
  const { builderBondMin } = genesis.parameters;
  return (account) => (application.builderOf?.(account)?.bond ?? -1n) >= builderBondMin;
}
