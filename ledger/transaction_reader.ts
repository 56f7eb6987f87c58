/** One transaction at a time as aligned words, in the layout of an open payload, so that one executor serves both kinds: an open
 *  transaction is copied from its bytes; of a sealed one the clear part is laid out first, and the content when it is run. */

import type { ParsedTransaction } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import { fromHex } from "../types/bytes.ts";
import type { SealedEnvelope } from "../types/envelope.ts";
import { TRANSACTION_OPERATIONS_MAX } from "../types/limits.ts";
import { OPERATION_BYTES } from "../types/transaction.ts";
import { readInteger, writeInteger } from "./amounts.ts";
import { CONTENT_AT, contentCountOf } from "./sealed_bytes.ts";
import { OPERATION, OPERATIONS_AT, PAYLOAD, PAYLOAD_AT } from "./transaction_bytes.ts";

export class TransactionReader {
  readonly words = new Uint32Array(PAYLOAD.operations + TRANSACTION_OPERATIONS_MAX * OPERATION.words);
  readonly #bytes = new Uint8Array(this.words.buffer);
  /** Of a sealed transaction the gas limit, until its content is loaded. */
  operationCount = 0;
  isSealed = false;

  /** Takes a transaction that the ledger parsed. */
  load(transaction: ParsedTransaction): void {
    const { bytes, operationCount, sealed } = transaction;
    this.operationCount = operationCount;
    this.isSealed = sealed !== undefined;
    if (sealed !== undefined) {
      this.#loadEnvelope(sealed);
      return;
    }
    assert(bytes.length === OPERATIONS_AT + operationCount * OPERATION_BYTES, "a transaction was parsed before it is read");
    this.#bytes.set(bytes.subarray(PAYLOAD_AT));
  }

  /** Lays the operations of the opened message behind the envelope that is loaded, or says why it cannot run (L15). */
  loadContent(message: Uint8Array): "ok" | "contentMalformed" | "gasLimitExceeded" {
    assert(this.isSealed, "content belongs to a sealed transaction");
    const count = contentCountOf(message);
    if (count === undefined) return "contentMalformed";
    if (count > this.operationCount) return "gasLimitExceeded";
    this.operationCount = count;
    this.#bytes.set(message.subarray(CONTENT_AT, CONTENT_AT + count * OPERATION_BYTES), PAYLOAD.operations * 4);
    return "ok";
  }

  get nonce(): number {
    return readInteger(this.words, PAYLOAD.nonce);
  }

  get expiryHeight(): number {
    return readInteger(this.words, PAYLOAD.expiryHeight);
  }

  /** Of a sealed transaction the fee itself. Rounded above 2^53, which is enough to compare it with a fee below 2^44. */
  get feeMax(): number {
    return readInteger(this.words, PAYLOAD.feeMax);
  }

  #loadEnvelope(envelope: SealedEnvelope): void {
    this.#bytes.set(fromHex(envelope.chainId), PAYLOAD.chainId * 4);
    this.#bytes.set(fromHex(envelope.sender), PAYLOAD.sender * 4);
    writeInteger(this.words, PAYLOAD.nonce, envelope.nonce);
    writeInteger(this.words, PAYLOAD.expiryHeight, envelope.expiryHeight);
    writeInteger(this.words, PAYLOAD.feeMax, envelope.fee);
  }
}
