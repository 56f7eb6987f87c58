/** What the simulator knows of a message without opening it: its kind, its view, roughly its size; and its passage through the codecs. */

import { assert } from "../../types/assert.ts";
import type { Proposal } from "../../types/block.ts";
import { LIST_ENTRY_BYTES } from "../../types/inclusion_list.ts";
import { decodeMessage, encodeMessage } from "../../types/message.ts";
import { openingBytesOf } from "../../types/opening_message.ts";
import { syncRequestCodec, syncResponseCodec } from "../../types/sync.ts";
import type { MessageKind } from "../scenario/manifest.ts";
import type { WireMessage } from "./facts.ts";

export function kindOf(message: WireMessage): MessageKind {
  return message.type === "vote" ? message.vote.ballot.kind : message.type;
}

/** 0 for messages that belong to no view. */
export function viewOf(message: WireMessage): number {
  switch (message.type) {
    case "proposal":
      return message.proposal.header.view;
    case "vote":
      return message.vote.ballot.view;
    case "certificate":
      return message.certificate.ballot.view;
    case "list":
      return message.list.view;
    default:
      return 0;
  }
}

/** Bytes on the wire, near enough for bandwidth. */
export function sizeOf(message: WireMessage): number {
  switch (message.type) {
    case "proposal":
      return sizeOfProposal(message.proposal);
    case "transactions":
      return sum(message.transactions);
    case "bid":
      return 400 + message.bid.bundle.length + 32 * message.tailHashes.length;
    case "bytes":
      return message.frame.length;
    case "list":
      return 150 + LIST_ENTRY_BYTES * message.list.entries.length;
    case "shares":
      return 50 + 34 * message.shares.length;
    case "seeds":
      return message.openings.reduce((total, { opening }) => total + openingBytesOf(opening), 50);
    case "proofs":
      return message.batches.reduce((total, { shares }) => total + 80 + 34 * shares.length, 50);
    case "response": {
      const { response } = message;
      if (response.type === "transactions") return sum(response.transactions);
      if (response.type === "finalBlocks") return response.blocks.reduce((total, block) => total + 600 + block.header.bodyBytes, 200);
      return response.type === "block" ? 600 + (response.block?.header.bodyBytes ?? 0) : 200;
    }
    default:
      return 200;
  }
}

/** The message as it comes out of its own encoding, for the tier that exercises the codecs. */
export function throughCodec(message: WireMessage): WireMessage {
  switch (message.type) {
    case "request":
      return { ...message, request: decoded(syncRequestCodec.decode(syncRequestCodec.encode(message.request))) };
    case "response":
      return { ...message, response: decoded(syncResponseCodec.decode(syncResponseCodec.encode(message.response))) };
    case "status":
    case "bytes":
      return message;
    default: {
      const result = decodeMessage(encodeMessage(message));
      return result.ok ? result.message : message;
    }
  }
}

function sizeOfProposal({ transactionHashes, timeoutCertificates, lists, bid }: Proposal): number {
  const entries = lists.reduce((total, list) => total + list.entries.length, 0);
  const bidBytes = bid === undefined ? 0 : 350 + bid.bundle.length;
  return 600 + 32 * transactionHashes.length + 180 * timeoutCertificates.length + 90 * lists.length + 10 * entries + bidBytes;
}

function decoded<Value>(result: { readonly ok: true; readonly value: Value } | { readonly ok: false }): Value {
  assert(result.ok, "what we encode decodes");
  return result.value;
}

const sum = (list: readonly Uint8Array[]): number => list.reduce((total, { length }) => total + length, 50);
