/** Shares and seeds that overtook their block: kept a little while, within limits for each sender, so that no peer can push out what
 *  another one sent. What gives way is repeated by its sender or asked for in the fall-back. */

import { type BlockHash, ValidatorIndex } from "../types/ids.ts";
import { openingBytesOf, type SeedsMessage, type SharesMessage } from "../types/opening_message.ts";
import { SEALING_SIZES } from "../types/sealing.ts";
import { EARLY_BYTES_MAX, EARLY_MESSAGES_MAX } from "./opening_interface.ts";

export type EarlyMessage = SharesMessage | SeedsMessage;

export interface EarlyMessages {
  add(from: ValidatorIndex, message: EarlyMessage): void;
  /** Removes and returns what was kept for the block, by sender, each in order of arrival. */
  take(blockHash: BlockHash): readonly { readonly from: ValidatorIndex; readonly message: EarlyMessage }[];
  readonly count: number;
}

function bytesOf(message: EarlyMessage): number {
  if (message.type === "shares") return 32 + message.shares.length * (2 + SEALING_SIZES.point);
  return message.openings.reduce((sum, { opening }) => sum + openingBytesOf(opening), 32);
}

export function createEarlyMessages(validatorCount: number): EarlyMessages {
  const kept: EarlyMessage[][] = Array.from({ length: validatorCount }, () => []);

  return {
    add(from, message) {
      const messages = kept[from] as EarlyMessage[];
      messages.push(message);
      let bytes = messages.reduce((sum, each) => sum + bytesOf(each), 0);
      while (messages.length > EARLY_MESSAGES_MAX || bytes > EARLY_BYTES_MAX) {
        const oldest = messages.shift();
        if (oldest === undefined) return;
        bytes -= bytesOf(oldest);
      }
    },
    take(blockHash) {
      return kept.flatMap((messages, index) => {
        const from = ValidatorIndex.of(index);
        const taken = messages.filter((message) => message.blockHash === blockHash).map((message) => ({ from, message }));
        if (taken.length > 0) kept[index] = messages.filter((message) => message.blockHash !== blockHash);
        return taken;
      });
    },
    get count() {
      return kept.reduce((sum, messages) => sum + messages.length, 0);
    },
  };
}
