/** Two things that libp2p's dependencies need to behave on Deno as they do on Node. On Node nothing is touched. */

const isDeno = "Deno" in globalThis;

/** The channel over which libp2p's peer store shares its locks with worker threads. */
const LOCK_CHANNEL = "mortice";

let isLockChannelFixed = false;

/** The lock channel is never used across threads here, and is meant not to keep a process alive, for which it calls a method that
 *  Deno's channels lack. It is closed as it is made; channels of any other name are untouched. */
export function closeLockChannelOnDeno(): void {
  if (!isDeno || isLockChannelFixed) return;
  isLockChannelFixed = true;
  const Original = globalThis.BroadcastChannel;
  class Channel extends Original {
    constructor(name: string) {
      super(name);
      if (name === LOCK_CHANNEL) this.close();
    }
  }
  Object.defineProperty(globalThis, "BroadcastChannel", { value: Channel, configurable: true, writable: true });
}

/** Deno's own WebSocket client delays small messages by tens of milliseconds; the one of `ws` does not. libp2p takes the global. */
export async function replaceWebSocketOnDeno(): Promise<void> {
  if (!isDeno) return;
  const { WebSocket } = await import("ws");
  Object.defineProperty(globalThis, "WebSocket", { value: WebSocket, configurable: true, writable: true });
}
