/** Takes another's ciphertext and puts it under an envelope of its own, to have it opened with it: gossips it and names it in its lists. The proof
 *  of a sealed part is bound to its label, so nobody takes it, and a list that names it counts for nobody. */

import { hashTransaction, sha256 } from "../../../crypto/hashes.ts";
import { concatBytes } from "../../../types/bytes.ts";
import { ENVELOPE_AT, entryOf, type ListEntry, sealedEnvelopeCodec } from "../../../types/envelope.ts";
import { signList } from "../../../types/inclusion_list.ts";
import { TAGS } from "../../../types/signing.ts";
import type { Strategy, TraitorContext } from "../strategy.ts";
import { othersOf, unchanged } from "./ballots.ts";
import { createAlbum } from "./memory.ts";

export function createCopiedCiphertexts(): Strategy {
  const seen = createAlbum<Uint8Array>({ earlyMax: 4, lateMax: 16 });
  let stolen: ListEntry | undefined;

  function steal(victim: Uint8Array, { sealing, stream }: TraitorContext): Uint8Array | undefined {
    if (sealing === undefined) return undefined;
    const bytes = victim.slice();
    // Everything else of the label may stay as it was.
    bytes.set(sealing.account, ENVELOPE_AT.sender);
    if (stream.chance(0.5)) bytes[ENVELOPE_AT.fee + 1] = 1 + stream.below(200);
    bytes.set(sha256(bytes.subarray(ENVELOPE_AT.sealed)), ENVELOPE_AT.sealedHash);
    const message = concatBytes([
      TAGS.envelope,
      TAGS.label,
      bytes.subarray(ENVELOPE_AT.chainId, ENVELOPE_AT.sealedHash),
      bytes.subarray(ENVELOPE_AT.sealedHash, ENVELOPE_AT.signature),
    ]);
    bytes.set(sealing.sign(message), ENVELOPE_AT.signature);
    return bytes;
  }

  return {
    onSend(message, { to }, context) {
      const { sealing, status } = context;
      if (message.type !== "list" || sealing === undefined || stolen === undefined || !context.acts(status.view)) return unchanged(message);
      context.note(status.view, `names a stolen ciphertext to ${to}`);
      const { signature: _, ...list } = { ...message.list, entries: [...message.list.entries, stolen] };
      return unchanged({ type: "list", list: signList({ domain: sealing.domain, list, sign: sealing.sign }) });
    },
    onReceive(message) {
      if (message.type === "transactions")
        for (const bytes of message.transactions) if (sealedEnvelopeCodec.decode(bytes).ok) seen.add(bytes);
      return [message];
    },
    onView(view, context) {
      const victim = seen.pickLate(context.stream);
      if (victim === undefined || !context.acts(view)) return;
      const bytes = steal(victim, context);
      const decoded = bytes === undefined ? undefined : sealedEnvelopeCodec.decode(bytes);
      if (bytes === undefined || decoded?.ok !== true) return;
      stolen = entryOf(hashTransaction(bytes), decoded.value);
      context.note(view, "gossips another's ciphertext under its own envelope");
      for (const to of othersOf(context)) context.send(to, { type: "transactions", transactions: [bytes] }, 0);
    },
  };
}
