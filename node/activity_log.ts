/** What the log says at `info` while a node runs: a summary line at intervals, connection news, and why nothing is final. */

import type { NetworkEvent } from "../p2p/interface.ts";
import type { FinalizedBlock } from "../replica/interface.ts";
import type { Logger } from "./logger.ts";
import { KEY_USED_ELSEWHERE } from "./rpc/why_not_final.ts";

export interface ActivityLog {
  onFinalized(blocks: readonly FinalizedBlock[]): void;
  onNetworkEvent(event: NetworkEvent): void;
  stop(): void;
}

export interface ActivityLogOptions {
  readonly log: Logger;
  readonly intervalMs: number;
  /** Monotonic. */
  readonly elapsedMs: () => number;
  /** Read once for each summary line. */
  readonly state: () => {
    readonly height: number;
    readonly view: number;
    readonly peers: number;
    readonly isCatchingUp: boolean;
    readonly whyNotFinal: string | null;
    readonly hasStoppedSigning: boolean;
    readonly p50Ms: number | undefined;
    readonly p99Ms: number | undefined;
  };
  /** How far the sealing key is, in words; undefined on a chain without. */
  readonly sealing: () => string | undefined;
}

/** A refusal of one kind is shown once in so long: who is refused tries again, and strangers must not fill the log. */
const REFUSED_REPEAT_MS = 60_000;

const REFUSAL_ADVICE: readonly (readonly [reason: string, advice: string])[] = [
  ["wrongChain", "its genesis is not ours; compare the chain ids that --check prints"],
  ["wrongValidatorSet", "its genesis is not ours; compare the chain ids that --check prints"],
  ["twoNodesOneKey", "another process runs with the same key"],
];

function withAdvice(detail: string): string {
  const advice = REFUSAL_ADVICE.find(([reason]) => detail.startsWith(reason))?.[1];
  return advice === undefined ? detail : `${detail}: ${advice}`;
}

export function createActivityLog({ log, intervalMs, elapsedMs, state, sealing }: ActivityLogOptions): ActivityLog {
  let blocks = 0;
  let transactions = 0;
  let lastHeight = state().height;
  let wasCatchingUp = false;
  let sealingSaid: string | undefined;
  /** When a refusal was shown last, by what the network says about it, of which there are a dozen sentences. */
  const refusedMs = new Map<string, number>();

  function summarize(): void {
    const { height, view, peers, isCatchingUp, whyNotFinal, hasStoppedSigning, p50Ms, p99Ms } = state();
    const seconds = intervalMs / 1_000;
    const rates = { blocksPerSecond: blocks / seconds, transactionsPerSecond: transactions / seconds };
    if (hasStoppedSigning) log.error({ height, view }, KEY_USED_ELSEWHERE);
    if (height === lastHeight && whyNotFinal !== null) log.warn({ height, view, peers, whyNotFinal }, "nothing became final");
    else log.info({ height, view, peers, ...rates, p50Ms, p99Ms }, "final");
    if (isCatchingUp !== wasCatchingUp) log.info({ height }, isCatchingUp ? "catching up" : "caught up");
    wasCatchingUp = isCatchingUp;
    lastHeight = height;
    blocks = 0;
    transactions = 0;
  }

  /** Said once when it changes; while a key is made it changes with final blocks. */
  function sayHowSealingStands(): void {
    const said = sealing();
    if (said === sealingSaid) return;
    sealingSaid = said;
    if (said !== undefined) log.info(said);
  }

  function isRefusalDue(detail: string): boolean {
    const atMs = elapsedMs();
    const lastMs = refusedMs.get(detail);
    if (lastMs !== undefined && atMs - lastMs < REFUSED_REPEAT_MS) return false;
    refusedMs.set(detail, atMs);
    return true;
  }

  const timer = setInterval(summarize, intervalMs);

  return {
    onFinalized(finalized) {
      blocks += finalized.length;
      sayHowSealingStands();
      for (const { header } of finalized) transactions += header.transactionCount;
    },
    onNetworkEvent({ code, detail, peer }) {
      switch (code) {
        case "noPeers":
        case "peerBanned":
          log.warn({ code, peer }, detail);
          return;
        case "listening":
        case "peerUp":
        case "peerDown":
        case "builderUp":
        case "builderDown":
          log.info({ code, peer }, detail);
          return;
        case "peerRefused":
          if (isRefusalDue(detail)) log.warn({ code, peer }, withAdvice(detail));
          else log.debug({ code, peer }, detail);
          return;
        case "frameDropped":
        case "dialFailed":
          log.debug({ code, peer }, detail);
          return;
      }
    },
    stop() {
      clearInterval(timer);
    },
  };
}
