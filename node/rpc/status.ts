/** `GET /v1/status`: where this node stands, what it costs, and why nothing is final if so. */

import process from "node:process";
import type { Hono } from "hono";
import type { NodeCore } from "./core.ts";
import { sealingStatusJson } from "./sealing.ts";
import { whyNotFinalAt } from "./why_not_final.ts";

/** The part about builders; null on a chain that takes none. */
function buildersJson({ builtBlocks, peers }: NodeCore): Readonly<Record<string, unknown>> | null {
  if (builtBlocks === undefined) return null;
  const { byBuilders, bySelf, bidsReceived, paid, last, bidToProposal } = builtBlocks;
  return {
    links: peers.filter(({ builder, isLinked }) => builder !== undefined && isLinked).length,
    bidsReceived,
    bidToProposal,
    blocksByBuilders: byBuilders,
    blocksBySelf: bySelf,
    paid: paid.toString(),
    lastBlock: last === undefined ? null : { height: last.height, builder: last.builder ?? null, paid: last.paid.toString() },
  };
}

export function addStatusRoute(app: Hono, core: NodeCore): void {
  app.get("/v1/status", (context) => context.json(statusJson(core)));
}

export function statusJson(core: NodeCore): Readonly<Record<string, unknown>> {
  const { replica, peers, identity, genesis } = core;
  const cpu = process.cpuUsage();
  return {
    chainId: core.chainId,
    name: genesis.name,
    application: identity.applicationName,
    runtime: identity.runtime,
    validator: identity.validator ?? null,
    epoch: identity.epoch,
    height: replica.height,
    view: replica.view,
    leader: replica.leader,
    finalHeight: replica.finalHeight,
    finalHash: replica.finalHash,
    executedHeight: replica.executedHeight,
    stateRoot: replica.stateRoot,
    oldestHeight: core.oldestHeight,
    peers,
    pool: { transactions: replica.poolTransactions, bytes: replica.poolBytes },
    isCatchingUp: replica.isCatchingUp,
    hasDiverged: replica.hasDiverged,
    hasStoppedSigning: replica.hasStoppedSigning,
    waitingFor: replica.waitingFor,
    whyNotFinal: whyNotFinalAt({ replica, self: identity.validator, validators: genesis.validators, peers }),
    finality: core.finality,
    sealing: sealingStatusJson(core),
    builders: buildersJson(core),
    memoryBytes: process.memoryUsage.rss(),
    cpuMs: Math.round((cpu.user + cpu.system) / 1_000),
    uptimeMs: Math.round(performance.now() - identity.startedAtMs),
    version: identity.version,
  };
}
