/** Files over node:fs, the same on Node and Deno. Synchronous on purpose: see docs/decisions on durable writes.
 *  The lock is SQLite's: a kernel lock (fcntl) that dies with its process, so it cannot go stale, whatever pids repeat. */

import fs from "node:fs";
import { open, rename } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { type FileLock, type Files, type OpenFile, TEMPORARY_SUFFIX } from "./files.ts";

export function createRealFiles(): Files {
  return {
    makeDirectory: (path) => void fs.mkdirSync(path, { recursive: true }),
    list: (path) => (fs.existsSync(path) ? fs.readdirSync(path).sort() : []),
    exists: (path) => fs.existsSync(path),
    open: (path) => new RealFile(path, fs.openSync(path, "r+")),
    create: (path) => new RealFile(path, fs.openSync(path, "wx+", 0o600)),
    readAll: (path) => (fs.existsSync(path) ? new Uint8Array(fs.readFileSync(path)) : undefined),
    rename: (from, to) => fs.renameSync(from, to),
    remove: (path) => fs.unlinkSync(path),
    syncDirectory,
    replace,
    lock,
    databasePath: (path) => path,
  };
}

class RealFile implements OpenFile {
  readonly path: string;
  readonly #descriptor: number;
  #size: number;
  #isClosed = false;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
    this.#size = fs.fstatSync(descriptor).size;
  }

  get size(): number {
    return this.#size;
  }

  append(parts: readonly Uint8Array[]): void {
    let length = 0;
    for (const part of parts) length += part.length;
    const written = fs.writevSync(this.#descriptor, parts, this.#size);
    this.#size += written;
    if (written < length) this.#appendRest(Buffer.concat(parts).subarray(written));
  }

  /** The kernel took only a part, as it does when the disk is almost full; the next write says why. */
  #appendRest(rest: Uint8Array): void {
    let offset = 0;
    while (offset < rest.length) {
      const written = fs.writeSync(this.#descriptor, rest, offset, rest.length - offset, this.#size);
      if (written === 0) throw new Error(`${this.path}: the system wrote nothing`);
      offset += written;
      this.#size += written;
    }
  }

  writeAt(bytes: Uint8Array, position: number): void {
    const written = fs.writeSync(this.#descriptor, bytes, 0, bytes.length, position);
    if (written < bytes.length) throw new Error(`${this.path}: the system wrote ${written} of ${bytes.length} bytes`);
    this.#size = Math.max(this.#size, position + bytes.length);
  }

  read(position: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.#size - position)));
    let filled = 0;
    while (filled < bytes.length) {
      const count = fs.readSync(this.#descriptor, bytes, filled, bytes.length - filled, position + filled);
      if (count === 0) return bytes.subarray(0, filled);
      filled += count;
    }
    return bytes;
  }

  truncate(length: number): void {
    fs.ftruncateSync(this.#descriptor, length);
    this.#size = length;
  }

  sync(): void {
    fs.fdatasyncSync(this.#descriptor);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    fs.closeSync(this.#descriptor);
  }
}

function syncDirectory(path: string): void {
  const descriptor = fs.openSync(path, "r");
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

async function replace(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}${TEMPORARY_SUFFIX}`;
  const handle = await open(temporary, "w", 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}

function lock(path: string): FileLock | undefined {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (error instanceof Error && /locked|busy/i.test(error.message)) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}
