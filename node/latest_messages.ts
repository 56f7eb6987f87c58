/** The last few consensus messages of our own, for a validator whose link has just come up: it missed them, and without them a
 *  young or healed network would wait for the repetition timer. Receivers drop what they hold already, before any signature. */

import type { Message } from "../types/message.ts";

/** A view's worth: proposal, vote, commit vote, timeout and the certificates that we forwarded. */
export const LATEST_MESSAGES_MAX = 6;

export interface LatestMessages {
  note(message: Message): void;
  /** Oldest first. */
  all(): readonly Message[];
}

export function createLatestMessages(): LatestMessages {
  const messages: Message[] = [];
  return {
    note(message) {
      messages.push(message);
      if (messages.length > LATEST_MESSAGES_MAX) messages.shift();
    },
    all: () => [...messages],
  };
}
