/** State snapshots: chunks named by their SHA-256, listed by a manifest. Every file is written beside, synced and renamed;
 *  the manifest comes last, so that a manifest never names a chunk that is not there. The newest few are kept. The state of key
 *  generation is a chunk like the others: it is checked by its name, and snapshots between which it did not change share it.
 *  A snapshot only shortens a restart: a damaged one is set aside and reported, and the one before it, or genesis, serves. */

import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { ReplicaSnapshot } from "../replica/interface.ts";
import { toHex } from "../types/bytes.ts";
import { Height, type StateRoot } from "../types/ids.ts";
import { ByteReader, ByteWriter } from "./byte_io.ts";
import { corruptError, versionError } from "./errors.ts";
import type { Files } from "./files.ts";
import { CHECKSUM_BYTES, decodeFrame, FRAME_TYPES, frameHeader } from "./frame.ts";

export class Snapshots {
  readonly #files: Files;
  readonly #directory: string;
  readonly #kept: number;

  constructor(files: Files, options: { readonly directory: string; readonly snapshotsKept: number }) {
    this.#files = files;
    this.#directory = `${options.directory}/snapshots`;
    this.#kept = options.snapshotsKept;
    files.makeDirectory(this.#chunks);
  }

  /** Durable when this resolves. Yields to the event loop between chunks. */
  async save(snapshot: ReplicaSnapshot): Promise<void> {
    const names: string[] = [];
    for (const chunk of [snapshot.keygen, ...snapshot.chunks]) {
      const name = nameOfChunk(chunk);
      names.push(name);
      if (!this.#files.exists(`${this.#chunks}/${name}`)) await this.#files.replace(`${this.#chunks}/${name}`, chunk);
      await setImmediate();
    }
    this.#files.syncDirectory(this.#chunks);
    await this.#files.replace(this.#pathOf(snapshot.height), encodeManifest(snapshot, names));
    this.#files.syncDirectory(this.#directory);
    this.#dropOld();
  }

  /** The newest snapshot that is whole. `isAcceptable` compares its height and root with what the store knows. */
  load(isAcceptable: (height: Height, root: StateRoot) => boolean): {
    readonly snapshot: ReplicaSnapshot | undefined;
    readonly repairs: readonly string[];
  } {
    this.#removeUnfinished();
    const repairs: string[] = [];
    for (const height of this.#heights().reverse()) {
      const snapshot = this.#read(height);
      if (typeof snapshot !== "string" && isAcceptable(snapshot.height, snapshot.root)) return { snapshot, repairs };
      const reason = typeof snapshot === "string" ? snapshot : "its state root is not the one that was logged";
      this.#files.remove(this.#pathOf(height));
      repairs.push(`Snapshot of height ${height} was set aside: ${reason}. The state is replayed from an earlier one.`);
    }
    return { snapshot: undefined, repairs };
  }

  get #chunks(): string {
    return `${this.#directory}/chunks`;
  }

  #pathOf(height: Height): string {
    return `${this.#directory}/${String(height).padStart(16, "0")}.manifest`;
  }

  #heights(): Height[] {
    const names = this.#files.list(this.#directory).filter((name) => MANIFEST_NAME.test(name));
    return names.map((name) => Height.of(Number(name.slice(0, 16))));
  }

  /** The snapshot, or why it cannot be used. */
  #read(height: Height): ReplicaSnapshot | string {
    const manifest = decodeManifest(this.#files.readAll(this.#pathOf(height)) ?? new Uint8Array(0));
    if (manifest === undefined || manifest.height !== height) return "its manifest is damaged";
    const chunks: Uint8Array[] = [];
    for (const name of manifest.chunkNames) {
      const chunk = this.#files.readAll(`${this.#chunks}/${name}`);
      if (chunk === undefined) return `chunk ${name} is missing`;
      if (nameOfChunk(chunk) !== name) {
        // Removed, so that a later snapshot with the same content writes it again.
        this.#files.remove(`${this.#chunks}/${name}`);
        return `chunk ${name} is damaged`;
      }
      chunks.push(chunk);
    }
    const [keygen, ...stateChunks] = chunks;
    if (keygen === undefined) return "its manifest names no chunks";
    return { height, root: manifest.root, manifest: manifest.application, chunks: stateChunks, keygen };
  }

  #dropOld(): void {
    const heights = this.#heights();
    const kept = heights.slice(-this.#kept);
    for (const height of heights.slice(0, -this.#kept)) this.#files.remove(this.#pathOf(height));
    const named = new Set<string>();
    for (const height of kept) {
      for (const name of decodeManifest(this.#files.readAll(this.#pathOf(height)) ?? new Uint8Array(0))?.chunkNames ?? []) named.add(name);
    }
    for (const name of this.#files.list(this.#chunks)) if (!named.has(name)) this.#files.remove(`${this.#chunks}/${name}`);
  }

  /** What a crash left half written has no final name. */
  #removeUnfinished(): void {
    for (const name of this.#files.list(this.#directory)) {
      if (name !== "chunks" && !MANIFEST_NAME.test(name)) this.#files.remove(`${this.#directory}/${name}`);
    }
    for (const name of this.#files.list(this.#chunks)) {
      if (!CHUNK_NAME.test(name)) this.#files.remove(`${this.#chunks}/${name}`);
    }
  }
}

const MANIFEST_NAME = /^\d{16}\.manifest$/;
const CHUNK_NAME = /^[0-9a-f]{64}$/;
const MANIFEST_VERSION = 2;

interface Manifest {
  readonly height: Height;
  readonly root: StateRoot;
  readonly application: Uint8Array;
  /** The state of key generation, then the application's chunks. */
  readonly chunkNames: readonly string[];
}

function nameOfChunk(chunk: Uint8Array): string {
  return createHash("sha256").update(chunk).digest("hex");
}

function encodeManifest(snapshot: ReplicaSnapshot, chunkNames: readonly string[]): Uint8Array {
  const writer = new ByteWriter(256 + chunkNames.length * 32);
  writer.u8(MANIFEST_VERSION).u64(snapshot.height).hash(snapshot.root);
  writer.u32(snapshot.manifest.length).bytes(snapshot.manifest).u32(chunkNames.length);
  for (const name of chunkNames) writer.hash(name);
  const payload = writer.finish();
  const header = frameHeader({ type: FRAME_TYPES.snapshot, previous: new Uint8Array(CHECKSUM_BYTES), parts: [payload] });
  const bytes = new Uint8Array(header.length + payload.length);
  bytes.set(header);
  bytes.set(payload, header.length);
  return bytes;
}

/** Undefined when damaged. Throws StoreError "unknownVersion" for another release's. */
function decodeManifest(bytes: Uint8Array): Manifest | undefined {
  const frame = decodeFrame(bytes);
  if (frame === "unknownVersion") throw versionError("A snapshot manifest");
  if (frame === "damaged" || frame.type !== FRAME_TYPES.snapshot) return undefined;
  const reader = new ByteReader(frame.payload);
  if (reader.u8() !== MANIFEST_VERSION) throw versionError("A snapshot manifest");
  const height = Height.of(reader.u64());
  const root = reader.hash<StateRoot>();
  const application = reader.bytes(reader.u32());
  const chunkNames: string[] = [];
  for (let left = reader.u32(); left > 0 && !reader.isBroken; left--) chunkNames.push(toHex(reader.bytes(32)));
  if (!reader.isExhausted) throw corruptError("A snapshot manifest passes its checksum and cannot be decoded.");
  return { height, root, application, chunkNames };
}
