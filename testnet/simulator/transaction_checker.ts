/** Parsing and checks of signatures and seals, done once for the whole cluster: what the worker threads of a validator find out
 *  depends on the bytes alone. Whether a validator has the key for a seal check depends on the validator. */

import { createParser } from "../../replica/parse.ts";
import type { ParseResult } from "../../types/application.ts";
import type { TransactionHash } from "../../types/ids.ts";
import type { SealingKey } from "../../types/sealing.ts";
import type { World } from "./world.ts";

type Parsed = Extract<ParseResult, { ok: true }>;

export interface TransactionChecker {
  parse(bytes: Uint8Array): ParseResult;
  /** Is the signature of a parsed transaction valid, if it needs one? */
  isSigned(parsed: Parsed): boolean;
  /** Is its seal proven, if it has one? `unknownKey`: cannot be told with this key. */
  sealVerdict(parsed: Parsed, key: SealingKey | undefined): "valid" | "invalid" | "unknownKey";
}

export function createTransactionChecker(world: World): TransactionChecker {
  const { suite } = world;
  const { verify } = world.ed25519;
  const parse = createParser({
    application: world.createApplication(),
    keygen: world.sealing === undefined ? undefined : world.createKeygen(undefined),
  });
  const parsed = new WeakMap<Uint8Array, ParseResult>();
  const signed = new Map<TransactionHash, boolean>();
  const sealed = new Map<TransactionHash, boolean>();
  return {
    parse(bytes) {
      let result = parsed.get(bytes);
      if (result === undefined) {
        result = parse(bytes);
        parsed.set(bytes, result);
      }
      return result;
    },
    isSigned({ transaction, signature }) {
      if (signature === undefined) return true;
      let isValid = signed.get(transaction.hash);
      if (isValid === undefined) {
        isValid = verify(signature.publicKey, signature.message, signature.signature);
        signed.set(transaction.hash, isValid);
      }
      return isValid;
    },
    sealVerdict({ transaction, seal }, key) {
      if (seal === undefined) return "valid";
      if (key === undefined || key.keyId !== seal.keyId) return "unknownKey";
      let isValid = sealed.get(transaction.hash);
      if (isValid === undefined) {
        isValid = suite.check({ publicKey: key.publicKey, label: seal.label, sealed: seal.sealed });
        sealed.set(transaction.hash, isValid);
      }
      return isValid ? "valid" : "invalid";
    },
  };
}
