/** What the auditor makes of one transaction: what the model judges, and what it executes. */

import { TRANSACTION_KINDS } from "../../types/application.ts";
import { keygenSigningBytes, signedKeygenMessageCodec } from "../../types/keygen.ts";
import { TRANSACTION_BYTES_MAX } from "../../types/limits.ts";
import type { TransactionPayload } from "../../types/transaction.ts";
import type { CheckedCluster } from "../checks/checker.ts";
import type { Submitted } from "./answers.ts";
import type { ReadEnvelope } from "./envelope_bytes.ts";
import type { ModelSealed } from "./ledger_model_records.ts";

/** What the model judges of it. */
export const judgedOf = ({ payload, envelope }: Submitted): TransactionPayload | { readonly envelope: ReadEnvelope } | undefined =>
  payload ?? (envelope === undefined ? undefined : { envelope });

/** What a client sealed, as the model executes it. */
export function sealedOf({ envelope, truth }: Submitted): ModelSealed | undefined {
  return envelope !== undefined && truth?.type === "content" ? { envelope, content: truth.content } : undefined;
}

/** The sender of a sealed transaction has promised its money to others of its that wait. */
export const isPromised = ({ envelope }: Submitted, code: string): boolean => envelope !== undefined && code === "insufficientForFee";

/** Key generation is judged by the checkers; here a message needs a validator's signature, so that nobody else fills blocks with them. */
export function isKeygenMessage({ domain, ed25519PublicKeys, verifyEd25519 }: CheckedCluster, bytes: Uint8Array): boolean {
  if (bytes[0] !== TRANSACTION_KINDS.keygen) return false;
  const decoded = signedKeygenMessageCodec.decode(bytes);
  if (!decoded.ok) return false;
  const { message, signature } = decoded.value;
  const publicKey = ed25519PublicKeys[message.validator];
  return publicKey !== undefined && verifyEd25519(publicKey, keygenSigningBytes(domain, message), signature);
}

/** Why a transaction must not be final, whatever it does. */
export function flawOfFinal(
  known: Submitted | undefined,
  bytes: Uint8Array,
  { isLedger }: { readonly isLedger: boolean },
): string | undefined {
  if (known !== undefined && !known.isSigned) return "whose signature is not the sender's";
  if (known?.truth?.type === "refused") return `a flawed envelope that has to be refused with ${known.truth.codes.join(" or ")}`;
  if (known?.envelope !== undefined && known.truth === undefined) return "which no client sealed";
  if (known !== undefined) return undefined;
  if (isLedger) return "which is no well-formed transaction that a client submitted";
  return bytes.length === 0 || bytes.length > TRANSACTION_BYTES_MAX ? `which has ${bytes.length} bytes` : undefined;
}
