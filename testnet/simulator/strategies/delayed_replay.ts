/** Holds its own messages back for up to seconds, and sends old messages of everybody again, some from the very beginning. Known
 *  ballots and certificates are dropped before a signature is looked at (R3), what is final is not looked at, R13 binds all
 *  to their epoch, and timeouts depend on the view, not on when a message was sent. */

import type { WireMessage } from "../facts.ts";
import type { Strategy } from "../strategy.ts";
import { othersOf, unchanged } from "./ballots.ts";
import { createAlbum } from "./memory.ts";

const DELAY_MS_MAX = 5_000;
const DELAY_CHANCE = 0.5;
const REPLAYS_MAX = 6;

export function createDelayedReplay(): Strategy {
  const seen = createAlbum<WireMessage>({ earlyMax: 128, lateMax: 256 });
  return {
    onSend(message, { to, kind }, context) {
      seen.add(message);
      const { view } = context.status;
      if (!context.acts(view) || !context.stream.chance(DELAY_CHANCE)) return unchanged(message);
      const delayMs = context.stream.between(1, context.stream.chance(0.3) ? DELAY_MS_MAX : 500);
      context.note(view, `sends its ${kind} to ${to} ${delayMs} ms late`);
      return [{ message, delayMs }];
    },
    onReceive(message) {
      seen.add(message);
      return [message];
    },
    onView(view, context) {
      const targets = othersOf(context);
      if (targets.length === 0 || seen.count === 0 || !context.acts(view)) return;
      const count = context.stream.between(1, REPLAYS_MAX);
      for (let index = 0; index < count; index++) {
        const message = context.stream.chance(0.4) ? seen.pickEarly(context.stream) : seen.pickLate(context.stream);
        if (message !== undefined) context.send(context.stream.pick(targets), message, context.stream.below(1_000));
      }
      context.note(view, `replays ${count} messages`);
    },
  };
}
