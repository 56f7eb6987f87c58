/** Little-endian reading and writing of the store's own small structures. What cannot be read is reported, never thrown. */

import { Buffer } from "node:buffer";
import { fromHex } from "../types/bytes.ts";

export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#view.setUint8(this.#length, value);
    this.#length += 1;
    return this;
  }

  u16(value: number): this {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  /** A safe integer in 8 bytes. */
  u64(value: number): this {
    return this.u32(value % 2 ** 32).u32(Math.floor(value / 2 ** 32));
  }

  bytes(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  hash(hash: string): this {
    return this.bytes(fromHex(hash));
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;
  #isBroken = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Everything was read, and nothing beyond. */
  get isExhausted(): boolean {
    return !this.#isBroken && this.#offset === this.#bytes.length;
  }

  /** Something beyond the end was asked for, or an integer is not a safe one; all values since are zero. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  u8(): number {
    return this.#take(1) ? this.#view.getUint8(this.#offset - 1) : 0;
  }

  u16(): number {
    return this.#take(2) ? this.#view.getUint16(this.#offset - 2, true) : 0;
  }

  u32(): number {
    return this.#take(4) ? this.#view.getUint32(this.#offset - 4, true) : 0;
  }

  u64(): number {
    const low = this.u32();
    const value = low + this.u32() * 2 ** 32;
    if (Number.isSafeInteger(value)) return value;
    this.#isBroken = true;
    return 0;
  }

  bytes(length: number): Uint8Array {
    return this.#take(length) ? this.#bytes.subarray(this.#offset - length, this.#offset) : new Uint8Array(0);
  }

  hash<T extends string>(): T {
    const bytes = this.bytes(32);
    // Four times as fast as building the text digit by digit, and operations hold thousands of hashes.
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex") as T;
  }

  skip(length: number): void {
    this.#take(length);
  }

  #take(length: number): boolean {
    if (this.#isBroken || this.#offset + length > this.#bytes.length) {
      this.#isBroken = true;
      return false;
    }
    this.#offset += length;
    return true;
  }
}
