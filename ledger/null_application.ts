/** The null application orders opaque bytes and gives them no meaning: the second implementation behind `Application`, and what
 *  the ordering benchmarks run. It has no senders, nonces or fees, and keeps no transaction.
 *
 *  N1 a transaction is 1 to TRANSACTION_BYTES_MAX bytes, never expires, and always succeeds. N2 the root is a running hash over
 *  height, time and body root, so two nodes agree on it exactly when they executed the same blocks. N3 `check` refuses what was
 *  ordered lately; that memory is not part of the state, so it is advice and never changes a root. */

import { bodyRootOf, hashTransaction, sha256 } from "../crypto/hashes.ts";
import type {
  Application,
  CheckResult,
  ExecutableBlock,
  ExecutionResult,
  ParsedTransaction,
  ParseResult,
  StateSnapshot,
} from "../types/application.ts";
import { assert } from "../types/assert.ts";
import { asciiBytes, concatBytes, fromHex, toHex } from "../types/bytes.ts";
import { type ChainId, Height, type StateRoot, type TransactionHash } from "../types/ids.ts";
import { TRANSACTION_BYTES_MAX } from "../types/limits.ts";
import { createRecentSet } from "../types/recent_set.ts";

/** N3: how many ordered hashes are remembered at least; at most twice as many are. */
export const NULL_RECENT_HASHES_MAX = 65_536;

const ROOT_TAG = asciiBytes("sealstone null application/1");
const EXPIRY_NEVER = Height.of(Number.MAX_SAFE_INTEGER);
const NO_CODES: readonly number[] = [0];
const SNAPSHOT_BYTES = 40;

export function createNullApplication(options: { readonly chainId: ChainId }): Application {
  const { chainId } = options;
  let height = Height.ZERO;
  let root: Uint8Array = sha256(concatBytes([ROOT_TAG, fromHex(chainId)]));
  const recent = createRecentSet<TransactionHash>(NULL_RECENT_HASHES_MAX);

  function execute(block: ExecutableBlock): ExecutionResult {
    assert(block.height === Height.next(height), "blocks are executed in order of height");
    assert(block.opened.length === 0, "opaque bytes are never sealed");
    assert(block.built === undefined && block.bundle === undefined, "nobody builds blocks of opaque bytes");
    const bodyRoot = fromHex(bodyRootOf(block.transactions.map((transaction) => transaction.hash)));
    root = sha256(concatBytes([ROOT_TAG, root, uint64(block.height), uint64(block.timeMs), bodyRoot]));
    height = block.height;
    for (const transaction of block.transactions) recent.add(transaction.hash);
    return {
      stateRoot: toHex<StateRoot>(root),
      receipts: block.transactions.map(({ hash }) => ({ hash, code: 0, operationCodes: NO_CODES })),
    };
  }

  function check(transaction: ParsedTransaction): CheckResult {
    if (!recent.has(transaction.hash)) return { ok: true };
    return {
      ok: false,
      refusal: { code: "alreadyOrdered", canRetry: false, advice: "These bytes are final. Ask for their status by hash." },
    };
  }

  function snapshot(): StateSnapshot {
    const state = concatBytes([root, uint64(height)]);
    return { height, root: toHex<StateRoot>(root), manifest: sha256(state), chunks: [state] };
  }

  function restore(from: StateSnapshot): boolean {
    const state = from.chunks[0];
    if (state === undefined || from.chunks.length !== 1 || state.length !== SNAPSHOT_BYTES) return false;
    const isListed = toHex(sha256(state)) === toHex(from.manifest);
    const isWanted = toHex(state.subarray(0, 32)) === from.root && toHex(state.subarray(32)) === toHex(uint64(from.height));
    if (!isListed || !isWanted) return false;
    root = state.slice(0, 32);
    height = from.height;
    recent.clear();
    return true;
  }

  return {
    name: "null",
    chainId,
    get height() {
      return height;
    },
    get root() {
      return toHex<StateRoot>(root);
    },
    takesSealed: false,
    parse,
    check,
    execute,
    describeCode: (code) => (code === 0 ? "ok" : `unknown code ${code}`),
    snapshot,
    restore,
  };
}

function parse(bytes: Uint8Array): ParseResult {
  if (bytes.length === 0) {
    return { ok: false, refusal: { code: "empty", canRetry: false, advice: "Send at least one byte." } };
  }
  if (bytes.length > TRANSACTION_BYTES_MAX) {
    return { ok: false, refusal: { code: "oversize", canRetry: false, advice: `Send at most ${TRANSACTION_BYTES_MAX} bytes.` } };
  }
  const hash = hashTransaction(bytes);
  return {
    ok: true,
    transaction: { hash, bytes, sender: "", nonce: 0, expiryHeight: EXPIRY_NEVER, operationCount: 1 },
    signature: undefined,
  };
}

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}
