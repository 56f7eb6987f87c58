/** More is final than was submitted: either somebody else submitted too, or a transaction stands in two final blocks, which must never be. */

import { TestnetFailure } from "./failure.ts";
import type { RpcClient } from "./rpc_client.ts";
import { fetchHashes } from "./rpc_shapes.ts";

/** Heights that are looked at, the latest ones. */
const HEIGHTS_MAX = 4_096;
const SHOWN_MAX = 5;
const BLOCK_DEADLINE_MS = 5_000;

/** Throws TestnetFailure "safety" when a transaction is in two blocks up to `height`. */
export async function requireNoneRepeated(client: RpcClient, base: string, height: number): Promise<void> {
  const heightOf = new Map<string, number>();
  const repeated: string[] = [];
  for (let at = Math.max(1, height - HEIGHTS_MAX + 1); at <= height; at++) {
    for (const hash of await fetchHashes(client, base, at, BLOCK_DEADLINE_MS)) {
      const before = heightOf.get(hash);
      if (before !== undefined) repeated.push(`transaction ${hash} is final at height ${before} and again at height ${at}`);
      heightOf.set(hash, at);
    }
  }
  if (repeated.length === 0) return;
  const hidden = repeated.length > SHOWN_MAX ? [`and ${repeated.length - SHOWN_MAX} more`] : [];
  throw new TestnetFailure("safety", [...repeated.slice(0, SHOWN_MAX), ...hidden].join("\n  "));
}
