/** Canonical, bounded, versioned binary encoding over SSZ: one definition per type serves encode and decode.
 *
 *  An encoding is `version (1 byte) ‖ SSZ bytes`. Decoding never throws: whatever a peer sends yields a value or a reason.
 *  A value is accepted only when encoding it again gives the same bytes, which refuses trailing bytes and non-canonical forms
 *  in one rule; integers beyond 2^53 are refused as malformed. Source: SSZ, Ethereum consensus-specs `ssz/simple-serialize.md`. */

import {
  ByteListType,
  ByteVectorType,
  type ByteViews,
  ContainerType,
  ListBasicType,
  ListCompositeType,
  type Type,
  UintBigintType,
  UintNumberType,
} from "@chainsafe/ssz";
import { assert } from "./assert.ts";
import { bytesEqual, fromHex, plainBytes, toHex } from "./bytes.ts";

export type DecodeFailure = "empty" | "oversize" | "unknownVersion" | "malformed" | "nonCanonical";

export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: DecodeFailure };

export interface Codec<T> {
  readonly name: string;
  readonly version: number;
  /** Upper bound of an encoding in bytes, version byte included. */
  readonly bytesMax: number;
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): Decoded<T>;
}

/** SSZ uint64 that stays exact as a JavaScript number: deserializing 2^53 or more throws. */
class SafeUint64Type extends UintNumberType {
  constructor() {
    super(8);
  }
  override value_deserializeFromBytes(data: ByteViews, start: number, end: number): number {
    if (end - start !== 8 || data.dataView.getUint32(start + 4, true) > 0x1f_ffff) throw new RangeError("uint64 beyond 2^53");
    return super.value_deserializeFromBytes(data, start, end);
  }
}

/** The SSZ shapes that our types are made of; nothing else is used in anything hashed or sent. */
export const ssz = {
  uint8: new UintNumberType(1),
  uint16: new UintNumberType(2),
  uint32: new UintNumberType(4),
  /** 8 bytes; values above 2^53 − 1 are refused by `decode`. */
  uint64: new SafeUint64Type(),
  uint64Big: new UintBigintType(8),
  uint128: new UintBigintType(16),
  bytes: (length: number) => new ByteVectorType(length),
  byteList: (limit: number) => new ByteListType(limit),
  list: <V>(element: Type<V>, limit: number): Type<V[]> => new ListCompositeType(element as never, limit) as unknown as Type<V[]>,
  numbers: (element: UintNumberType, limit: number) => new ListBasicType(element, limit),
  container: <F extends Record<string, Type<unknown>>>(fields: F, name: string) =>
    new ContainerType(fields, { typeName: name, jsonCase: "eth2" }),
} as const;

/** Builds the codec of one type. `toSsz` and `fromSsz` translate between the domain value (hex hashes, brands) and the
 *  SSZ value (byte arrays); `fromSsz` may return undefined to refuse a value that has no meaning. */
export function defineCodec<T, S>(definition: {
  readonly name: string;
  readonly version: number;
  readonly type: Type<S>;
  readonly bytesMax: number;
  readonly toSsz: (value: T) => S;
  readonly fromSsz: (value: S) => T | undefined;
}): Codec<T> {
  const { name, version, type, bytesMax } = definition;
  assert(version > 0 && version < 256, "codec version is one byte, never zero");

  function encode(value: T): Uint8Array {
    const inner = definition.toSsz(value);
    const size = type.value_serializedSize(inner);
    const bytes = new Uint8Array(size + 1);
    bytes[0] = version;
    type.value_serializeToBytes({ uint8Array: bytes, dataView: new DataView(bytes.buffer) }, 1, inner);
    assert(bytes.length <= bytesMax, `${name}: encoding is within its bound`);
    return bytes;
  }

  function decode(given: Uint8Array): Decoded<T> {
    const bytes = plainBytes(given);
    if (bytes.length === 0) return { ok: false, reason: "empty" };
    if (bytes.length > bytesMax) return { ok: false, reason: "oversize" };
    if (bytes[0] !== version) return { ok: false, reason: "unknownVersion" };
    let inner: S;
    try {
      // SSZ throws on bytes that are no value of the type; a peer chooses the bytes, so this is an expected outcome.
      const dataView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      inner = type.value_deserializeFromBytes({ uint8Array: bytes, dataView }, 1, bytes.length);
    } catch {
      return { ok: false, reason: "malformed" };
    }
    if (!isReencodedAlike(inner, bytes)) return { ok: false, reason: "nonCanonical" };
    const value = definition.fromSsz(inner);
    return value === undefined ? { ok: false, reason: "nonCanonical" } : { ok: true, value };
  }

  function isReencodedAlike(inner: S, bytes: Uint8Array): boolean {
    if (type.value_serializedSize(inner) + 1 !== bytes.length) return false;
    const again = new Uint8Array(bytes.length);
    again[0] = version;
    type.value_serializeToBytes({ uint8Array: again, dataView: new DataView(again.buffer) }, 1, inner);
    return bytesEqual(again, bytes);
  }

  return { name, version, bytesMax, encode, decode };
}

/** Hash fields: 32 bytes on the wire, hex in memory. */
export const hashToBytes = (hash: string): Uint8Array => fromHex(hash);
export const hashFromBytes = <T extends string>(bytes: Uint8Array): T => toHex<T>(bytes);
