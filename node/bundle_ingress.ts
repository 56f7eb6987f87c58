/** The way of a searcher's bundle to the builder: every transaction is parsed here, its signature is checked on workers, and only then does the builder
 *  see it. Private: nothing of a bundle goes to the pool, to peers or into the log.
 *
 *  Bounded: bundles whose signatures are being checked, and bundles a second. A searcher always gets an answer. */

import type { BundleId } from "../builder/bundle.ts";
import type { BlockBuilder } from "../builder/interface.ts";
import type { RateLimiter } from "../p2p/rate_limiter.ts";
import type { ParsedTransaction, ParseResult, Refusal, SignatureCheck } from "../types/application.ts";
import type { Height } from "../types/ids.ts";
import type { SignatureWorkers } from "./signature_workers.ts";

export interface BundleRequest {
  readonly transactions: readonly Uint8Array[];
  readonly from: Height;
  readonly to: Height;
  readonly tip: bigint;
}

/** `position`: of the transaction that the refusal is about; undefined when it is about the bundle. */
export type SubmitBundleResult =
  | { readonly ok: true; readonly id: BundleId }
  | { readonly ok: false; readonly refusal: Refusal; readonly position: number | undefined };

export interface BundleIngress {
  /** Never rejects. */
  submit(request: BundleRequest): Promise<SubmitBundleResult>;
}

const BUSY: Refusal = {
  code: "busy",
  canRetry: true,
  advice: "This builder has more bundles to check than it can. Send it again in a moment.",
};
const BAD_SIGNATURE: Refusal = {
  code: "badSignature",
  canRetry: false,
  advice: "The Ed25519 signature does not fit sender and payload. Sign tag and encoded payload with the sender's key.",
};
const NOT_OPEN: Refusal = {
  code: "notOpen",
  canRetry: false,
  advice: "A bundle holds signed open transactions only. Leave out sealed ones and messages of the key generation.",
};

export function createBundleIngress(options: {
  readonly parse: (bytes: Uint8Array) => ParseResult;
  /** Why it can never run here, whatever stands before it and however long it waits. */
  readonly lastingRefusal: (transaction: ParsedTransaction) => Refusal | undefined;
  readonly workers: Pick<SignatureWorkers, "verify">;
  readonly builder: Pick<BlockBuilder, "submit">;
  /** The builder took one. */
  readonly onTaken: () => void;
  readonly limiter: RateLimiter;
  readonly elapsedMs: () => number;
  /** Bundles under way. */
  readonly checkingMax: number;
}): BundleIngress {
  let checking = 0;

  function verify(checks: readonly SignatureCheck[]): Promise<number | "busy" | undefined> {
    return new Promise((resolve) => {
      const isTaken = options.workers.verify(checks, (verdicts) => {
        const position = checks.findIndex((_, index) => verdicts[index]?.isValid !== true);
        resolve(position < 0 ? undefined : position);
      });
      if (!isTaken) resolve("busy");
    });
  }

  async function submit({ transactions, from, to, tip }: BundleRequest): Promise<SubmitBundleResult> {
    if (checking >= options.checkingMax || !options.limiter.take(1, options.elapsedMs()))
      return { ok: false, refusal: BUSY, position: undefined };
    const parsed: ParsedTransaction[] = [];
    const checks: SignatureCheck[] = [];
    for (const [position, bytes] of transactions.entries()) {
      const result = options.parse(bytes);
      if (!result.ok) return { ok: false, refusal: result.refusal, position };
      if (result.signature === undefined || result.seal !== undefined) return { ok: false, refusal: NOT_OPEN, position };
      const lasting = options.lastingRefusal(result.transaction);
      if (lasting !== undefined) return { ok: false, refusal: lasting, position };
      parsed.push(result.transaction);
      checks.push(result.signature);
    }
    checking += 1;
    const wrong = await verify(checks);
    checking -= 1;
    if (wrong === "busy") return { ok: false, refusal: BUSY, position: undefined };
    if (wrong !== undefined) return { ok: false, refusal: BAD_SIGNATURE, position: wrong };
    const added = options.builder.submit({ from, to, tip, transactions: parsed });
    if (!added.ok) return { ok: false, refusal: added.refusal, position: undefined };
    options.onTaken();
    return { ok: true, id: added.id };
  }

  return { submit };
}
