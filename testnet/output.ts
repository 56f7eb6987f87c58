/** What a run says: text for people, and with --json one event per line on standard output. With --json the text goes to
 *  standard error; on a terminal the live line is redrawn in place, elsewhere it is a line now and then. */

export interface Output {
  /** A line for people. */
  say(text: string): void;
  /** The one line that shows where the cluster stands. */
  live(text: string): void;
  /** An event for scripts; nothing without --json. */
  event(event: { readonly type: string } & Readonly<Record<string, unknown>>): void;
}

/** The part of a stream that is written to. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Where nobody redraws, a live line this often is enough. */
const LIVE_LINE_INTERVAL_MS = 1_000;
const COLUMNS_WITHOUT_TERMINAL = 120;

export function createOutput(options: {
  readonly json: boolean;
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly nowMs: () => number;
}): Output {
  const human = options.json ? options.stderr : options.stdout;
  const isTerminal = human.isTTY === true;
  let isLiveShown = false;
  let lastLiveMs = Number.NEGATIVE_INFINITY;

  function clearLive(): void {
    if (isLiveShown) human.write("\r\u001b[K");
    isLiveShown = false;
  }

  return {
    say(text) {
      clearLive();
      human.write(`${text}\n`);
    },
    live(text) {
      if (isTerminal) {
        const columns = human.columns ?? COLUMNS_WITHOUT_TERMINAL;
        clearLive();
        human.write(text.slice(0, columns - 1));
        isLiveShown = true;
        return;
      }
      const nowMs = options.nowMs();
      if (nowMs - lastLiveMs < LIVE_LINE_INTERVAL_MS) return;
      lastLiveMs = nowMs;
      human.write(`${text}\n`);
    },
    event(event) {
      if (options.json) options.stdout.write(`${JSON.stringify(event)}\n`);
    },
  };
}
