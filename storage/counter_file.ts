/** The acknowledged-save counter, apart from the journal, so that an old copy of either is noticed (R9).
 *
 *  It is overwritten after the journal is synced and before `save` resolves, in two alternating slots, without a sync of
 *  its own: it never runs ahead of the journal, whatever crashes. A killed process leaves it exact; a power cut may leave
 *  it behind by what was not yet synced. So a journal that ends before the counter is always an old or damaged copy. */

import { bytesEqual, concatBytes } from "../types/bytes.ts";
import { ByteReader, ByteWriter } from "./byte_io.ts";
import { corruptError, StoreError, versionError } from "./errors.ts";
import { type Files, nameOf, type OpenFile, TEMPORARY_SUFFIX } from "./files.ts";
import { CHECKSUM_BYTES, decodeFrame, FRAME_HEADER_BYTES, FRAME_TYPES, frameHeader } from "./frame.ts";
import { identityDigest, type StoredIdentity } from "./identity_file.ts";
import { STORE_ID_BYTES } from "./segment_header.ts";

export interface CounterReading {
  readonly counter: number;
  readonly identityDigest: Uint8Array;
  readonly storeId: Uint8Array;
}

export class CounterFile {
  readonly #file: OpenFile;
  readonly #owner: Uint8Array;
  #isDirty = false;

  private constructor(file: OpenFile, identity: StoredIdentity) {
    this.#file = file;
    this.#owner = ownerBytes(identity);
  }

  /** Creates or replaces the file, durably. */
  static create(files: Files, path: string, start: { readonly identity: StoredIdentity; readonly counter: number }): CounterFile {
    const temporary = `${path}${TEMPORARY_SUFFIX}`;
    if (files.exists(temporary)) files.remove(temporary);
    const file = files.create(temporary);
    const slot = encodeSlot(ownerBytes(start.identity), start.counter);
    file.append([slot, slot]);
    file.sync();
    files.rename(temporary, path);
    files.syncDirectory(path.slice(0, path.lastIndexOf("/")));
    return new CounterFile(file, start.identity);
  }

  static open(files: Files, path: string, identity: StoredIdentity): CounterFile {
    return new CounterFile(files.open(path), identity);
  }

  write(counter: number): void {
    this.#file.writeAt(encodeSlot(this.#owner, counter), (counter % 2) * SLOT_BYTES);
    this.#isDirty = true;
  }

  sync(): void {
    if (!this.#isDirty) return;
    this.#file.sync();
    this.#isDirty = false;
  }

  close(): void {
    this.#file.close();
  }
}

/** The higher of the two slots; undefined when there is no file. Throws StoreError when neither slot is valid. */
export function readCounter(files: Files, path: string): CounterReading | undefined {
  const bytes = files.readAll(path);
  if (bytes === undefined) return undefined;
  let newest: CounterReading | undefined;
  for (let slot = 0; slot < 2; slot++) {
    const frame = decodeFrame(bytes.subarray(slot * SLOT_BYTES, slot * SLOT_BYTES + FRAME_HEADER_BYTES + PAYLOAD_BYTES));
    if (frame === "unknownVersion") throw versionError(`The counter file ${nameOf(path)}`);
    if (frame === "damaged" || frame.type !== FRAME_TYPES.counter) continue;
    const reader = new ByteReader(frame.payload);
    const reading = { counter: reader.u64(), identityDigest: reader.bytes(16), storeId: reader.bytes(STORE_ID_BYTES) };
    if (newest === undefined || reading.counter > newest.counter) newest = reading;
  }
  if (newest === undefined) throw corruptError(`The counter file ${nameOf(path)} is damaged.`);
  return newest;
}

/** Throws StoreError "foreign" when the counter is another chain's or key's. */
export function checkCounterOwner(reading: CounterReading, identity: StoredIdentity, path: string): void {
  if (bytesEqual(reading.identityDigest, identityDigest(identity))) return;
  throw new StoreError({
    code: "foreign",
    message:
      `The counter file ${path} belongs to another chain or validator key. Nothing was changed. ` +
      "It is the operator's move: name this validator's own counter file in the configuration.",
  });
}

export function lostError(what: string): StoreError {
  const message =
    `${what} The store was lost: what this key has signed is forgotten, and signing again could contradict it. ` +
    "It is the operator's move: put the newest data directory back. If it is gone for good, this key must never sign again: register a new key " +
    "and start it with an empty directory and without the old counter file.";
  return new StoreError({ code: "lost", message });
}

export function counterMissingError(path: string, counter: number): StoreError {
  const message =
    `The counter file ${path} is missing, so nothing proves that the journal (at save ${counter}) is the newest one. ` +
    "It is the operator's move: put the counter file back. Only if you know that this directory was never restored from a copy, " +
    "start once with acceptMissingCounter, which writes a new counter file.";
  return new StoreError({ code: "counterMissing", message });
}

/** One slot to a sector, so that a torn write spoils one of them at most. */
const SLOT_BYTES = 512;
const PAYLOAD_BYTES = 8 + 16 + STORE_ID_BYTES;

function ownerBytes(identity: StoredIdentity): Uint8Array {
  return concatBytes([identityDigest(identity), identity.storeId]);
}

function encodeSlot(owner: Uint8Array, counter: number): Uint8Array {
  const payload = new ByteWriter(PAYLOAD_BYTES).u64(counter).bytes(owner).finish();
  const header = frameHeader({ type: FRAME_TYPES.counter, previous: new Uint8Array(CHECKSUM_BYTES), parts: [payload] });
  const slot = new Uint8Array(SLOT_BYTES);
  slot.set(header);
  slot.set(payload, header.length);
  return slot;
}
