/** The asking side of sync in simulated time: one candidate after the other within one deadline, and exactly one `response` or
 *  `requestFailed` at the end, as node/sync_client.ts does it. */

import type { ReplicaEffect, ReplicaInput } from "../../replica/interface.ts";
import type { SyncResponse } from "../../types/sync.ts";
import type { Host } from "./host.ts";

type RequestEffect = Extract<ReplicaEffect, { readonly type: "request" }>;

export interface Requests {
  perform(effect: RequestEffect): void;
  onResponse(from: number, requestId: number, response: SyncResponse): void;
  /** Forgets everything: the process ended. */
  clear(): void;
}

const ATTEMPTS_MAX = 3;
/** Open requests of one validator; more are answered with a failure at once. */
const OPEN_MAX = 256;

interface Open {
  readonly effect: RequestEffect;
  readonly candidates: readonly number[];
  readonly endUs: number;
  attempt: number;
  empty: { readonly from: number; readonly response: SyncResponse } | undefined;
}

export function createRequests(options: {
  readonly self: number;
  readonly host: Host;
  readonly input: (input: ReplicaInput) => void;
  /** Now, or when a frozen process goes on. */
  readonly whenRunning: (act: () => void) => void;
}): Requests {
  const { self, host, input } = options;
  const open = new Map<number, Open>();
  let turn = 0;

  function anyValidators(): number[] {
    const linked = host.linked(self);
    const start = linked.length === 0 ? 0 : turn++ % linked.length;
    return [...linked.slice(start), ...linked.slice(0, start)];
  }

  function finish(requestId: number, result: { readonly from: number; readonly response: SyncResponse } | undefined): void {
    open.delete(requestId);
    if (result === undefined) input({ type: "requestFailed", requestId });
    else input({ type: "response", requestId, from: host.peerOf(result.from), response: result.response });
  }

  function attempt(request: Open): void {
    const { requestId } = request.effect;
    const to = request.candidates[request.attempt];
    const remainingUs = request.endUs - host.scheduler.nowUs;
    if (to === undefined || remainingUs <= 0) return finish(requestId, request.empty);
    const left = request.candidates.length - request.attempt;
    const number = ++request.attempt;
    // A peer without a link fails at once.
    if (!host.linked(self).some((linked) => linked === to)) return attempt(request);
    host.transmit(self, to, { type: "request", requestId, request: request.effect.request }, 0);
    host.scheduler.after(left > 1 ? remainingUs / 2 : remainingUs, () => {
      if (open.get(requestId) !== request || request.attempt !== number) return;
      options.whenRunning(() => {
        if (open.get(requestId) === request && request.attempt === number) attempt(request);
      });
    });
  }

  return {
    perform(effect) {
      const named = effect.candidates.map((peer) => host.validatorOf(peer)).filter((index) => index !== undefined && index !== self);
      const candidates = (named.length > 0 ? (named as number[]) : anyValidators()).slice(0, ATTEMPTS_MAX);
      const endUs = host.scheduler.nowUs + effect.deadlineMs * 1_000;
      const request: Open = { effect, candidates, endUs, attempt: 0, empty: undefined };
      if (open.size >= OPEN_MAX || candidates.length === 0) {
        host.scheduler.after(0, () => input({ type: "requestFailed", requestId: effect.requestId }));
        return;
      }
      open.set(effect.requestId, request);
      // Never within the step that asked: a failure at once is a failure all the same, and comes in as an input.
      host.scheduler.after(0, () => {
        if (open.get(effect.requestId) === request) options.whenRunning(() => attempt(request));
      });
    },
    onResponse(from, requestId, response) {
      const request = open.get(requestId);
      // The transport pairs an answer with the one who was asked; anything else is not even looked at.
      if (request === undefined || request.candidates[request.attempt - 1] !== from) return;
      if (!isEmpty(response)) return finish(requestId, { from, response });
      request.empty ??= { from, response };
      attempt(request);
    },
    clear: () => open.clear(),
  };
}

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
