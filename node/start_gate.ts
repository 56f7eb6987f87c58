/** Holds the machine back until it can be heard: a proposal or vote sent before the links are up reaches nobody, and views
 *  would time out one by one at the pace of the slowest starter. Opens when a quorum is linked, or when the wait is over: a
 *  node that is cut off must still follow its own rules. */

/** Links of a local or wide network are up well within this; it only bounds the wait of a node that finds nobody. */
export const START_WAIT_MS_MAX = 1_000;

export interface StartGate {
  /** Looks again; call it when a link came up. */
  check(): void;
  stop(): void;
}

export function createStartGate(options: {
  readonly isQuorumLinked: () => boolean;
  readonly waitMsMax: number;
  /** Called once. */
  readonly open: () => void;
}): StartGate {
  let isDone = false;
  const timer = setTimeout(open, options.waitMsMax);

  function open(): void {
    if (isDone) return;
    isDone = true;
    clearTimeout(timer);
    options.open();
  }

  return {
    check() {
      if (!isDone && options.isQuorumLinked()) open();
    },
    stop() {
      isDone = true;
      clearTimeout(timer);
    },
  };
}
