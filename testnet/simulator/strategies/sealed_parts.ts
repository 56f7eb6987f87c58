/** Sealed parts of transactions that came by, by id: what a share is made of. */

import { hashTransaction } from "../../../crypto/hashes.ts";
import type { TransactionHash } from "../../../types/ids.ts";
import type { SealingSuite } from "../../../types/sealing.ts";
import type { WireMessage } from "../facts.ts";
import { createShelf } from "./memory.ts";

const SEALED_VERSION = 2;
const SEALED_AT = 227;
const OVERHEAD = 176;
const PARTS_MAX = 512;

export interface SealedParts {
  /** Learns what the message carries. */
  see(message: WireMessage, suite: Pick<SealingSuite, "isPublicKey"> | undefined): void;
  of(id: TransactionHash): Uint8Array | undefined;
}

export function createSealedParts(): SealedParts {
  const parts = createShelf<TransactionHash, Uint8Array>(PARTS_MAX);
  return {
    see(message, suite) {
      for (const bytes of transactionsOf(message)) {
        if (bytes[0] !== SEALED_VERSION || bytes.length <= SEALED_AT + OVERHEAD) continue;
        const part = bytes.subarray(SEALED_AT);
        // What somebody sent may hold no point at all, and then no share can be made of it.
        if (suite?.isPublicKey(part.subarray(0, 32)) === true) parts.put(hashTransaction(bytes), part);
      }
    },
    of: (id) => parts.get(id),
  };
}

function transactionsOf(message: WireMessage): readonly Uint8Array[] {
  if (message.type === "transactions") return message.transactions;
  return message.type === "response" && message.response.type === "transactions" ? message.response.transactions : [];
}
