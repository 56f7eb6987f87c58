/** Bytes that no validator may take: malformed in every way that parsing names, or signed by somebody else. Nobody follows them;
 *  the auditor sees to it that each is refused and none is ever ordered. */

import { concatBytes } from "../../types/bytes.ts";
import { TRANSACTION_BYTES_MAX, TRANSACTION_OPERATIONS_MAX } from "../../types/limits.ts";
import { OPERATION_BYTES } from "../../types/transaction.ts";
import type { Stream } from "../simulator/streams.ts";
import type { Client } from "./genesis.ts";
import { compose, copy, payeeOf, type Traffic, transferTo } from "./traffic.ts";
import { SIGNATURE_AT } from "./transaction_bytes.ts";

const OPERATIONS_AT = 161;
const REFERENCE_END = OPERATIONS_AT + 63;
const NONCE_END = 69 + 71;
const OVERSIZE = new Uint8Array(TRANSACTION_BYTES_MAX + 1).fill(1);
const EMPTY = new Uint8Array(0);

/** Turns an honest transaction of one operation into a lie. */
type Lie = (honest: Uint8Array, stream: Stream) => Uint8Array;

const LIES: readonly Lie[] = [
  (honest, stream) => flipped(honest, SIGNATURE_AT + stream.below(64)),
  // Anything else that is signed: chain, sender, nonce, expiry height, fee, operations.
  (honest, stream) => flipped(honest, 69 + stream.below(88)),
  (honest, stream) => flipped(honest, OPERATIONS_AT + stream.below(honest.length - OPERATIONS_AT)),
  (honest) => {
    const unsigned = honest.slice();
    unsigned.fill(0, SIGNATURE_AT, SIGNATURE_AT + 64);
    return unsigned;
  },
  (honest, stream) => honest.slice(0, stream.below(honest.length)),
  (honest, stream) => concatBytes([honest, new Uint8Array(stream.between(1, 3))]),
  (honest) => concatBytes([honest, new Uint8Array(OPERATION_BYTES)]),
  (honest) => honest.slice(0, OPERATIONS_AT),
  (honest) => concatBytes([honest, new Uint8Array(OPERATION_BYTES * TRANSACTION_OPERATIONS_MAX)]),
  (honest, stream) => withByte(honest, 0, stream.pick([0, 2, 255])),
  (honest, stream) => flipped(honest, 1 + stream.below(4)),
  (honest, stream) => withByte(honest, stream.pick([NONCE_END, NONCE_END + 8, REFERENCE_END]), 0x20),
  (_honest, stream) => stream.bytes(stream.between(1, 300)),
  () => EMPTY,
  () => OVERSIZE,
];

export function sendLie(traffic: Traffic, client: Client, atUs: number): void {
  const { stream } = traffic;
  const operations = [transferTo(traffic, payeeOf(traffic, client))];
  if (stream.chance(0.1)) {
    // Signed with the wrong key: in the client's name by somebody else.
    const forger = { account: client.main.account, sign: client.wild.sign, nonce: client.main.nonce };
    return copy(traffic, client, compose(traffic, forger, operations).bytes, { atUs });
  }
  const honest = compose(traffic, client.main, operations, { nonce: client.main.nonce });
  copy(traffic, client, stream.pick(LIES)(honest.bytes, stream), { atUs });
}

/** The two lies that opaque bytes allow. */
export function sendOpaqueLie(traffic: Pick<Traffic, "courier" | "stream">, client: number, atUs: number): void {
  traffic.courier.sendOnce({ client, bytes: traffic.stream.pick([EMPTY, OVERSIZE]) }, atUs);
}

function flipped(honest: Uint8Array, at: number): Uint8Array {
  return withByte(honest, at, (honest[at] as number) ^ 0x40);
}

function withByte(honest: Uint8Array, at: number, value: number): Uint8Array {
  const bytes = honest.slice();
  bytes[at] = value;
  return bytes;
}
