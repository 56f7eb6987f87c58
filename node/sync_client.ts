/** Performs the machine's requests to peers: asks one candidate after the other within one deadline, and feeds back the first
 *  answer that holds something. Every request ends in exactly one `response` or `requestFailed`. */

import type { Network } from "../p2p/interface.ts";
import type { ReplicaEffect, ReplicaInput } from "../replica/interface.ts";
import type { PeerKey } from "../types/sender.ts";
import type { SyncResponse } from "../types/sync.ts";
import { messageOf } from "./errors.ts";

export type RequestEffect = Extract<ReplicaEffect, { readonly type: "request" }>;

export interface SyncClientOptions {
  readonly network: Pick<Network, "request" | "peers">;
  readonly submit: (input: ReplicaInput) => void;
  /** For the log at debug: a peer did not answer. */
  readonly onFailure: (detail: string) => void;
}

export interface SyncClient {
  perform(effect: RequestEffect): void;
  /** Cancels what is under way. */
  stop(): void;
}

/** Peers asked for one request, one after the other. */
const ATTEMPTS_MAX = 3;

export function createSyncClient(options: SyncClientOptions): SyncClient {
  const { network, submit } = options;
  const controller = new AbortController();
  let turn = 0;

  /** Validators with a link, each request starting at another one. */
  function anyValidators(): PeerKey[] {
    const linked = network.peers.filter(({ validator }) => validator !== undefined).map(({ peer }) => peer);
    const start = linked.length === 0 ? 0 : turn++ % linked.length;
    return [...linked.slice(start), ...linked.slice(0, start)];
  }

  async function run(effect: RequestEffect): Promise<void> {
    const { requestId, request } = effect;
    const candidates = effect.candidates.length > 0 ? effect.candidates : anyValidators();
    const endMs = performance.now() + effect.deadlineMs;
    let empty: { readonly from: PeerKey; readonly response: SyncResponse } | undefined;
    for (const [index, peer] of candidates.slice(0, ATTEMPTS_MAX).entries()) {
      const remainingMs = endMs - performance.now();
      if (remainingMs <= 0 || controller.signal.aborted) break;
      // The last candidate may use all the time that is left; earlier ones leave some for those after them.
      const attemptsLeft = Math.min(ATTEMPTS_MAX, candidates.length) - index;
      const deadlineMs = Math.max(1, Math.ceil(attemptsLeft > 1 ? remainingMs / 2 : remainingMs));
      try {
        const response = await network.request(peer, request, { deadlineMs, signal: controller.signal });
        if (!isEmpty(response)) return submit({ type: "response", requestId, from: peer, response });
        empty ??= { from: peer, response };
      } catch (error) {
        options.onFailure(`${request.type} from ${peer}: ${messageOf(error)}`);
      }
    }
    submit(empty === undefined ? { type: "requestFailed", requestId } : { type: "response", requestId, ...empty });
  }

  return {
    perform(effect) {
      void run(effect);
    },
    stop() {
      controller.abort();
    },
  };
}

/** Does the answer say "I have nothing of that"? */
function isEmpty(response: SyncResponse): boolean {
  switch (response.type) {
    case "status":
      return false;
    case "finalBlocks":
      return response.blocks.length === 0;
    case "block":
      return response.block === undefined;
    case "timeoutCertificates":
      return response.certificates.length === 0;
    case "transactions":
      return response.transactions.length === 0;
  }
}
