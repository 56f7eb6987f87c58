/** Transactions by their kind: key generation messages are parsed here, everything else by the application. Never touches state. */

import { hashTransaction } from "../crypto/hashes.ts";
import type { Keygen } from "../mempool/keygen_interface.ts";
import { type Application, type ParseResult, type Refusal, TRANSACTION_KINDS } from "../types/application.ts";
import { Height } from "../types/ids.ts";
import { signedKeygenMessageCodec } from "../types/keygen.ts";

export type ParseTransaction = (bytes: Uint8Array) => ParseResult;

const FOREIGN_MESSAGE: Refusal = {
  code: "foreignKeygenMessage",
  canRetry: false,
  advice: "The message belongs to another chain, epoch or validator set.",
};

/** `keygen` undefined: a chain without sealed transactions, whose application sees all bytes. */
export function createParser(options: {
  readonly application: Pick<Application, "parse">;
  readonly keygen: Pick<Keygen, "signatureCheckOf"> | undefined;
}): ParseTransaction {
  const { application, keygen } = options;
  if (keygen === undefined) return (bytes) => application.parse(bytes);
  return (bytes) => (bytes[0] === TRANSACTION_KINDS.keygen ? parseKeygenMessage(bytes, keygen) : application.parse(bytes));
}

function parseKeygenMessage(bytes: Uint8Array, keygen: Pick<Keygen, "signatureCheckOf">): ParseResult {
  const decoded = signedKeygenMessageCodec.decode(bytes);
  if (!decoded.ok) {
    const advice = `The bytes are no key generation message (${decoded.reason}).`;
    return { ok: false, refusal: { code: decoded.reason, canRetry: false, advice } };
  }
  const signature = keygen.signatureCheckOf(decoded.value);
  if (signature === undefined) return { ok: false, refusal: FOREIGN_MESSAGE };
  const transaction = {
    hash: hashTransaction(bytes),
    bytes: bytes.slice(),
    sender: "",
    nonce: 0,
    // It counts or not by the state of the key generation, never by height.
    expiryHeight: NEVER,
    operationCount: 1,
    keygen: decoded.value,
  };
  return { ok: true, transaction, signature };
}

const NEVER = Height.of(Number.MAX_SAFE_INTEGER);
