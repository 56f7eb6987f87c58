/** Sends its shares of a block as soon as it sees the proposal, right ones, to everybody. Nobody else does, so that what n − f shares open stays
 *  closed; and who gets them early keeps them, within bounds, or not at all. */

import { hashHeader, hashTransaction } from "../../../crypto/hashes.ts";
import type { TransactionHash } from "../../../types/ids.ts";
import type { PositionedShare } from "../../../types/opening_message.ts";
import type { Strategy } from "../strategy.ts";
import { othersOf } from "./ballots.ts";
import { createShelf } from "./memory.ts";

const SEALED_AT = 227;
const SEALED_VERSION = 2;

export function createEarlyShares(): Strategy {
  /** Sealed parts that came by. */
  const parts = createShelf<TransactionHash, Uint8Array>(512);

  let isPoint: ((bytes: Uint8Array) => boolean) | undefined;

  function keep(transactions: readonly Uint8Array[]): void {
    for (const bytes of transactions) {
      // Envelopes of a traitor's friends may hold no point at all.
      const isPart = bytes[0] === SEALED_VERSION && bytes.length > SEALED_AT + 176;
      if (isPart && isPoint?.(bytes.subarray(SEALED_AT, SEALED_AT + 32)) === true)
        parts.put(hashTransaction(bytes), bytes.subarray(SEALED_AT));
    }
  }

  return {
    onSend(message) {
      if (message.type === "transactions") keep(message.transactions);
      return [{ message, delayMs: 0 }];
    },
    onReceive(message, _from, context) {
      isPoint ??= context.sealing?.suite.isPublicKey;
      if (message.type === "transactions") keep(message.transactions);
      if (message.type === "response" && message.response.type === "transactions") keep(message.response.transactions);
      if (message.type !== "proposal" || message.proposal.header.sealedCount === 0) return [message];
      const { header, transactionHashes } = message.proposal;
      const secret = context.sealing?.secretShare();
      if (secret === undefined || context.sealing === undefined || !context.acts(header.view)) return [message];
      const { suite } = context.sealing;
      const shares = transactionHashes.slice(0, header.sealedCount).flatMap((id, position): PositionedShare[] => {
        const sealed = parts.get(id);
        return sealed === undefined ? [] : [{ position, share: suite.shareOf(secret, sealed) }];
      });
      if (shares.length === 0) return [message];
      context.note(header.view, `lets out ${shares.length} shares before the block is voted for`);
      for (const to of othersOf(context)) context.send(to, { type: "shares", blockHash: hashHeader(header), shares }, 0);
      return [message];
    },
  };
}
