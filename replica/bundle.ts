/** From an opened bundle to what the application executes: decodes it, parses its transactions and checks their signatures, which nobody could
 *  before it was open. A function of the block and of what its openings gave: every node finds the same. */

import { hashTransaction } from "../crypto/hashes.ts";
import type { ParsedTransaction } from "../types/application.ts";
import { decodeBundle } from "../types/bid.ts";
import type { Height, TransactionHash } from "../types/ids.ts";
import type { OpenResult } from "../types/sealing.ts";
import type { VerifyEd25519 } from "../types/suites.ts";
import type { ParseTransaction } from "./parse.ts";

export interface OpenedBundle {
  /** The bundle was FAILED, or no encoding of groups: it counts against its builder (B8). */
  readonly hasFailed: boolean;
  readonly groups: readonly OpenedGroup[];
}

export interface OpenedGroup {
  readonly hashes: readonly TransactionHash[];
  /** Undefined: one of them is not an open transaction of this chain, well signed and in time. */
  readonly transactions: readonly ParsedTransaction[] | undefined;
}

const NO_GROUPS = { groups: [] } as const;

export function readBundle(
  opened: OpenResult,
  tools: { readonly parse: ParseTransaction; readonly verifyEd25519: VerifyEd25519; readonly height: Height },
): OpenedBundle {
  const content = opened.ok ? decodeBundle(opened.message) : undefined;
  if (content === undefined) return { hasFailed: true, ...NO_GROUPS };
  return { hasFailed: false, groups: content.groups.map((group) => readGroup(group, tools)) };
}

function readGroup(group: readonly Uint8Array[], tools: Parameters<typeof readBundle>[1]): OpenedGroup {
  const hashes = group.map(hashTransaction);
  const transactions: ParsedTransaction[] = [];
  for (const bytes of group) {
    const parsed = tools.parse(bytes);
    const isFit = parsed.ok && isOpen(parsed.transaction) && parsed.transaction.expiryHeight >= tools.height;
    if (!isFit) return { hashes, transactions: undefined };
    const { signature } = parsed;
    if (signature === undefined || !tools.verifyEd25519(signature.publicKey, signature.message, signature.signature)) {
      return { hashes, transactions: undefined };
    }
    transactions.push(parsed.transaction);
  }
  return { hashes, transactions };
}

const isOpen = ({ sealed, keygen }: ParsedTransaction): boolean => sealed === undefined && keygen === undefined;
