/** Bundles: open transactions that run in this order, all or none, for a tip to the builder that brings them. Private to that builder until
 *  their block is final (C7 of README.md). Names them as the builder does, and finds what no builder would take; whether they will run is
 *  the builder's simulation's business. */

import { bundleIdOf } from "../crypto/bundle_id.ts";
import { bundleMessageBytes } from "../types/bid.ts";
import { toHex } from "../types/bytes.ts";
import { messageBytesOf, SEALED_SIZE_CLASS_MAX } from "../types/envelope.ts";
import type { AccountId, BundleId, Height } from "../types/ids.ts";
import { BUNDLE_TRANSACTIONS_MAX } from "../types/limits.ts";
import { type Operation, signedTransactionCodec, type TransactionPayload } from "../types/transaction.ts";
import type { PreparedTransaction } from "./open.ts";
import { isUnsigned, transfer } from "./operations.ts";

export interface BundleContents {
  /** At least one, of any senders; those of one sender in the order of their nonces. Let them expire at `to`: who gets hold of one
   *  could send it alone. */
  readonly transactions: readonly PreparedTransaction[];
  /** Heights of the blocks that it may stand in, both included; from 1 on. */
  readonly from: Height;
  readonly to: Height;
  /** The least that it brings the builder's fee recipient, its fees and its transfers to it together, in the smallest unit of the fee
   *  asset. What brings less is left out. */
  readonly tip: bigint;
}

/** Ready to be submitted. Sending the same one again is safe: its name and its nonces let it run once. */
export interface PreparedBundle extends BundleContents {
  readonly id: BundleId;
  /** The last height at which all of it can be ordered: `to`, or where the first of its transactions expires. */
  readonly lastHeight: Height;
}

/** empty: it has no transaction. tooManyTransactions: more than any bundle holds; a builder may take fewer. oversize: more than the largest
 *  sealed bundle holds. notOpen: the transaction is sealed, or none. nonceOrder: of one sender, a nonce not above the one before.
 *  tipOutOfRange: not from 0 and below 2^128. heightOutOfRange: no height, or 0. rangeEmpty: the last height, or an expiry, is below the
 *  first height. */
export type BundleFlaw =
  | "empty"
  | "tooManyTransactions"
  | "oversize"
  | "notOpen"
  | "nonceOrder"
  | "tipOutOfRange"
  | "heightOutOfRange"
  | "rangeEmpty";

/** `position`: of the transaction that the reason is about; undefined when it is about the bundle. */
export type PrepareBundleResult =
  | { readonly ok: true; readonly bundle: PreparedBundle }
  | { readonly ok: false; readonly reason: BundleFlaw; readonly position: number | undefined };

export function prepareBundle({ transactions, from, to, tip }: BundleContents): PrepareBundleResult {
  const flaw = flawOf({ transactions, from, to, tip });
  if (flaw !== undefined) return { ok: false, reason: flaw, position: undefined };
  const lastNonces = new Map<AccountId, number>();
  let lastHeight = to;
  for (const [position, { bytes }] of transactions.entries()) {
    const payload = payloadOf(bytes);
    if (payload === undefined) return { ok: false, reason: "notOpen", position };
    const { sender, nonce, expiryHeight } = payload;
    if (nonce <= (lastNonces.get(sender) ?? -1)) return { ok: false, reason: "nonceOrder", position };
    if (expiryHeight < from) return { ok: false, reason: "rangeEmpty", position };
    lastNonces.set(sender, nonce);
    if (expiryHeight < lastHeight) lastHeight = expiryHeight;
  }
  const id = bundleIdOf({ from, to, tip, hashes: transactions.map(({ hash }) => hash) });
  return { ok: true, bundle: { id, transactions: [...transactions], from, to, tip, lastHeight } };
}

/** The operation that tips a builder: a transfer to its fee recipient. As one of the bundle's operations it is paid when all of the bundle
 *  runs, and else not at all. The fees come on top for the builder, so a bundle with it may name `amount` as its tip. */
export function tipTransfer(given: {
  readonly builder: { readonly feeRecipient: AccountId };
  readonly parameters: { readonly feeAsset: number };
  readonly amount: bigint;
}): Operation {
  const { builder, parameters, amount } = given;
  return transfer({ to: builder.feeRecipient, asset: parameters.feeAsset, amount });
}

/** The body of the request that submits it. */
export function encodeBundleRequest({ transactions, from, to, tip }: PreparedBundle): Uint8Array {
  const request = { transactions: transactions.map(({ bytes }) => toHex(bytes)), fromHeight: from, toHeight: to, tip: tip.toString() };
  return new TextEncoder().encode(JSON.stringify(request));
}

function flawOf({ transactions, from, to, tip }: BundleContents): BundleFlaw | undefined {
  if (transactions.length === 0) return "empty";
  if (transactions.length > BUNDLE_TRANSACTIONS_MAX) return "tooManyTransactions";
  if (tip < 0n || tip >= 2n ** 128n) return "tipOutOfRange";
  if (!isUnsigned(from, 53) || !isUnsigned(to, 53) || from === 0) return "heightOutOfRange";
  if (to < from) return "rangeEmpty";
  const messageBytes = bundleMessageBytes([transactions.map(({ bytes }) => bytes)]);
  return messageBytes > messageBytesOf(SEALED_SIZE_CLASS_MAX) ? "oversize" : undefined;
}

function payloadOf(bytes: Uint8Array): TransactionPayload | undefined {
  const decoded = signedTransactionCodec.decode(bytes);
  return decoded.ok ? decoded.value.payload : undefined;
}
