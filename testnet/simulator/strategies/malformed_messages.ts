/** Sends frames that are no messages: random bytes, cut or spoilt real frames, wrong versions and types, empty and far too large ones.
 *  Decoding never throws (types/codec.ts), bounds are asked before anything is copied, and the sender loses score. */

import { FRAME_BYTES_MAX } from "../../../types/limits.ts";
import { encodeMessage, type Message } from "../../../types/message.ts";
import type { WireMessage } from "../facts.ts";
import type { Strategy } from "../strategy.ts";
import type { Stream } from "../streams.ts";
import { othersOf, unchanged } from "./ballots.ts";
import { createAlbum } from "./memory.ts";

const EXTRA_MAX = 4;
const REPLACE_CHANCE = 0.2;
const HUGE_CHANCE = 0.03;
const RANDOM_BYTES_MAX = 1_024;
/** One list for the whole run: it is only ever read. */
const HUGE_FRAMES: readonly Uint8Array[] = [1, 2, 4].map((type) => {
  const frame = new Uint8Array(FRAME_BYTES_MAX + 1);
  frame[0] = type;
  frame[1] = 1;
  return frame;
});

export function createMalformedMessages(): Strategy {
  const real = createAlbum<Message>({ earlyMax: 4, lateMax: 16 });
  return {
    onSend(message, { to, kind }, context) {
      if (isFramed(message)) real.add(message);
      const { view } = context.status;
      if (!isFramed(message) || !context.acts(view) || !context.stream.chance(REPLACE_CHANCE)) return unchanged(message);
      context.note(view, `spoils the frame of its ${kind} to ${to}`);
      return unchanged({ type: "bytes", frame: spoil(encodeMessage(message), context.stream) });
    },
    onReceive(message) {
      if (isFramed(message)) real.add(message);
      return [message];
    },
    onView(view, context) {
      const targets = othersOf(context);
      if (targets.length === 0 || !context.acts(view)) return;
      const count = context.stream.between(1, EXTRA_MAX);
      for (let index = 0; index < count; index++) {
        const model = real.pick(context.stream);
        const frame = model === undefined ? randomFrame(context.stream) : malformedLike(model, context.stream);
        context.send(context.stream.pick(targets), { type: "bytes", frame }, 0);
      }
      context.note(view, `sends ${count} malformed frames`);
    },
  };
}

function isFramed(message: WireMessage): message is Message {
  return message.type === "proposal" || message.type === "vote" || message.type === "certificate" || message.type === "transactions";
}

function malformedLike(model: Message, stream: Stream): Uint8Array {
  if (stream.chance(HUGE_CHANCE)) return stream.pick(HUGE_FRAMES);
  return stream.chance(0.3) ? randomFrame(stream) : spoil(encodeMessage(model), stream);
}

function randomFrame(stream: Stream): Uint8Array {
  const frame = stream.bytes(stream.below(RANDOM_BYTES_MAX));
  // Half of them at least look like a type and a version that exist.
  if (frame.length > 2 && stream.chance(0.5)) {
    frame[0] = stream.between(1, 4);
    frame[1] = 1;
  }
  return frame;
}

/** `frame` is ours alone: its encoding was made for this. */
function spoil(frame: Uint8Array, stream: Stream): Uint8Array {
  switch (stream.below(6)) {
    case 0:
      return frame.slice(0, stream.below(frame.length));
    case 1:
      frame[1] = stream.pick([0, 2, 255]);
      return frame;
    case 2:
      frame[0] = stream.pick([0, 5, 128, 255]);
      return frame;
    case 3: {
      const longer = new Uint8Array(frame.length + stream.between(1, 64));
      longer.set(frame);
      return longer;
    }
    case 4: {
      // Where SSZ keeps its offsets, and everywhere else: lengths that cannot be.
      const at = stream.below(Math.max(1, frame.length - 4));
      frame.fill(0xff, at, at + 4);
      return frame;
    }
    default:
      frame[0] = ((frame[0] as number) % 4) + 1;
      return frame;
  }
}
