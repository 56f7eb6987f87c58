/** Keeps links to all configured validators: dials whoever is missing, at once at first, then with back-off and jitter, for ever.
 *  Of two validators the lower index dials; the higher one waits a little each time, so that they do not meet half-way. */

import type { ValidatorIndex } from "../types/ids.ts";
import { describeError } from "./errors.ts";
import type { NetworkLimits } from "./limits.ts";
import type { PeerAddresses } from "./options.ts";

export type DialResult = { readonly ok: true } | { readonly ok: false; readonly detail: string; readonly isHopeless: boolean };

export interface Dialer {
  start(): void;
  /** The link with a validator is gone: dial soon. */
  onLost(validator: ValidatorIndex): void;
  onLinked(validator: ValidatorIndex): void;
  stop(): void;
}

interface Target {
  readonly peer: PeerAddresses;
  attempts: number;
  timer: ReturnType<typeof setTimeout> | undefined;
  isDialing: boolean;
  reportedMs: number | undefined;
}

/** Failed dials of one peer are reported when they start and then this often. */
const REPORT_MS = 10_000;

export function createDialer(options: {
  readonly limits: NetworkLimits;
  readonly self: ValidatorIndex | undefined;
  readonly peers: readonly PeerAddresses[];
  readonly randomBytes: (length: number) => Uint8Array;
  readonly nowMs: () => number;
  readonly isLinked: (validator: ValidatorIndex) => boolean;
  /** Connects and shakes hands. Never rejects for a peer's fault; a rejection counts as a failed dial. */
  readonly dial: (peer: PeerAddresses) => Promise<DialResult>;
  readonly onFailed: (peer: PeerAddresses, detail: string) => void;
}): Dialer {
  const { limits, self } = options;
  const targets = new Map<ValidatorIndex, Target>();
  for (const peer of options.peers) {
    if (peer.validator === self) continue;
    targets.set(peer.validator, { peer, attempts: 0, timer: undefined, isDialing: false, reportedMs: undefined });
  }
  let isStopped = true;

  /** Between 75 and 125 % of `ms`. */
  function jittered(ms: number): number {
    const [byte] = options.randomBytes(1);
    return ms * (0.75 + (byte ?? 128) / 512);
  }

  function yieldMs(target: Target): number {
    return self !== undefined && target.peer.validator < self ? limits.dialYieldMs : 0;
  }

  function schedule(target: Target, afterMs: number): void {
    clearTimeout(target.timer);
    if (isStopped) return;
    target.timer = setTimeout(() => {
      void attempt(target);
    }, afterMs);
  }

  /** Owns its own failures: whatever happens ends in another attempt. */
  async function attempt(target: Target): Promise<void> {
    if (isStopped || target.isDialing || options.isLinked(target.peer.validator)) return;
    target.isDialing = true;
    let result: DialResult;
    try {
      result = await options.dial(target.peer);
    } catch (error) {
      result = { ok: false, detail: describeError(error), isHopeless: false };
    }
    target.isDialing = false;
    if (isStopped || result.ok || options.isLinked(target.peer.validator)) return;
    report(target, result.detail);
    const backoffMs = result.isHopeless ? limits.dialRetryMsMax : limits.dialRetryMsMin * 2 ** target.attempts;
    target.attempts = Math.min(target.attempts + 1, 30);
    schedule(target, jittered(Math.min(limits.dialRetryMsMax, backoffMs)));
  }

  function report(target: Target, detail: string): void {
    const nowMs = options.nowMs();
    if (target.reportedMs !== undefined && nowMs - target.reportedMs < REPORT_MS) return;
    target.reportedMs = nowMs;
    options.onFailed(target.peer, detail);
  }

  return {
    start() {
      isStopped = false;
      for (const target of targets.values()) schedule(target, yieldMs(target));
    },
    onLost(validator) {
      const target = targets.get(validator);
      if (target === undefined) return;
      target.attempts = 0;
      if (!target.isDialing) schedule(target, yieldMs(target) + jittered(limits.dialRetryMsMin));
    },
    onLinked(validator) {
      const target = targets.get(validator);
      if (target === undefined) return;
      target.attempts = 0;
      target.reportedMs = undefined;
      clearTimeout(target.timer);
    },
    stop() {
      isStopped = true;
      for (const target of targets.values()) clearTimeout(target.timer);
    },
  };
}
