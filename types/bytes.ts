/** Small helpers over Uint8Array that every folder needs: hex, comparison, joining. */

import { assert } from "./assert.ts";

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export function toHex<T extends string = string>(bytes: Uint8Array): T {
  let text = "";
  for (let index = 0; index < bytes.length; index++) text += HEX[bytes[index] as number];
  return text as T;
}

/** By character code; 128 is out of range for whatever is no ASCII. */
const HEX_VALUES = new Int8Array(129).fill(-1);
for (let digit = 0; digit < 16; digit++) HEX_VALUES[digit.toString(16).charCodeAt(0)] = digit;

/** Decodes lower-case hex of even length that our own code produced; asserts otherwise. */
export function fromHex(text: string): Uint8Array {
  const bytes = tryFromHex(text);
  assert(bytes !== undefined, "hex text is even-length lower-case hex");
  return bytes;
}

/** Decodes lower-case hex from outside; undefined when it is not. */
export function tryFromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    const high = HEX_VALUES[Math.min(128, text.charCodeAt(2 * index))] as number;
    const low = HEX_VALUES[Math.min(128, text.charCodeAt(2 * index + 1))] as number;
    if ((high | low) < 0) return undefined;
    bytes[index] = (high << 4) | low;
  }
  return bytes;
}

/** The same memory as a plain Uint8Array. A runtime's own subclass (Node's Buffer) gives views where Uint8Array gives copies:
 *  its `slice` shares memory, so a decoder that was handed one could change the bytes that it decodes. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return Object.getPrototypeOf(bytes) === Uint8Array.prototype ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function bytesEqual(left: Uint8Array, right: Uint8Array): boolean {
  return compareBytes(left, right) === 0;
}

/** Lexicographic order: negative, zero or positive. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const shared = Math.min(left.length, right.length);
  for (let index = 0; index < shared; index++) {
    const difference = (left[index] as number) - (right[index] as number);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** ASCII text to bytes; asserts on anything else, so that tags never depend on an encoding. */
export function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    assert(code < 128, "text is ASCII");
    bytes[index] = code;
  }
  return bytes;
}
