/** Parsing and signature checks of transactions, done once for the whole cluster: what the worker threads of a validator find out
 *  depends on the bytes alone. */

import type { Application, ParseResult } from "../../types/application.ts";
import type { TransactionHash } from "../../types/ids.ts";
import type { VerifyEd25519 } from "../../types/suites.ts";

export interface TransactionChecker {
  parse(bytes: Uint8Array): ParseResult;
  /** Is the signature of a parsed transaction valid, if it needs one? */
  isSigned(parsed: Extract<ParseResult, { ok: true }>): boolean;
}

export function createTransactionChecker(application: Pick<Application, "parse">, verify: VerifyEd25519): TransactionChecker {
  const parsed = new WeakMap<Uint8Array, ParseResult>();
  const verdicts = new Map<TransactionHash, boolean>();
  return {
    parse(bytes) {
      let result = parsed.get(bytes);
      if (result === undefined) {
        result = application.parse(bytes);
        parsed.set(bytes, result);
      }
      return result;
    },
    isSigned({ transaction, signature }) {
      if (signature === undefined) return true;
      let isValid = verdicts.get(transaction.hash);
      if (isValid === undefined) {
        isValid = verify(signature.publicKey, signature.message, signature.signature);
        verdicts.set(transaction.hash, isValid);
      }
      return isValid;
    },
  };
}
