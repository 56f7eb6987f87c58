/** Files in memory that behave as badly as a disk may: after a crash, writes that were not synced are lost, torn at
 *  sectors or kept, and directory changes that were not synced are undone. POSIX promises no more than this.
 *
 *  kill: the process dies, the kernel keeps everything. powerLost: nothing unsynced survives. torn: a random part does. */

import type { FileLock, Files, OpenFile } from "../../storage/files.ts";

export type CrashMode = "kill" | "powerLost" | { readonly torn: number };

const SECTOR_BYTES = 512;

interface Inode {
  current: Uint8Array;
  /** Content that a power cut cannot take away. */
  durable: Uint8Array;
}

interface DirectoryChange {
  readonly directory: string;
  readonly apply: (names: Map<string, Inode>) => void;
}

export class FaultyDisk {
  readonly #names: Map<string, Inode>;
  readonly #durableNames: Map<string, Inode>;
  #changes: DirectoryChange[] = [];
  readonly #locks = new Set<string>();
  #isDead = false;
  /** Bytes that still fit; writes beyond it fail with ENOSPC after filling up what is left. */
  roomBytes = Number.POSITIVE_INFINITY;

  constructor(names: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#names = new Map(Array.from(names, ([path, bytes]) => [path, { current: bytes.slice(), durable: bytes.slice() }]));
    this.#durableNames = new Map(this.#names);
  }

  /** What is on the disk now, as a running process sees it. */
  image(): Map<string, Uint8Array> {
    return new Map(Array.from(this.#names, ([path, { current }]) => [path, current.slice()]));
  }

  /** Ends this disk's life and gives the one that the next process finds. */
  crash(mode: CrashMode): FaultyDisk {
    this.#isDead = true;
    if (mode === "kill") return new FaultyDisk(this.image());
    const random = mode === "powerLost" ? () => 0 : randomOf(mode.torn);
    const names = new Map(this.#durableNames);
    // Metadata is journaled in order: a prefix of the changes survives.
    const survivors = Math.floor(random() * (this.#changes.length + 1));
    for (const change of this.#changes.slice(0, survivors)) change.apply(names);
    return new FaultyDisk(new Map(Array.from(names, ([path, inode]) => [path, tear(inode, random)])));
  }

  files(): Files {
    return {
      makeDirectory: () => this.#live(),
      list: (path) => this.#list(path),
      exists: (path) => this.#names.has(path),
      open: (path) => this.#open(path, this.#inode(path)),
      create: (path) => this.#create(path),
      readAll: (path) => this.#names.get(path)?.current.slice(),
      rename: (from, to) => this.#rename(from, to),
      remove: (path) => this.#remove(path),
      syncDirectory: (path) => this.#syncDirectory(path),
      replace: async (path, bytes) => this.#replace(path, bytes),
      lock: (path) => this.#lock(path),
      databasePath: () => ":memory:",
    };
  }

  #live(): void {
    if (this.#isDead) throw new Error("the process is dead");
  }

  #inode(path: string): Inode {
    this.#live();
    const inode = this.#names.get(path);
    if (inode === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    return inode;
  }

  #list(path: string): string[] {
    const names = new Set<string>();
    for (const name of this.#names.keys()) if (name.startsWith(`${path}/`)) names.add(name.slice(path.length + 1).split("/")[0] as string);
    return [...names].sort();
  }

  #change(path: string, apply: (names: Map<string, Inode>) => void): void {
    this.#live();
    apply(this.#names);
    this.#changes.push({ directory: path.slice(0, path.lastIndexOf("/")), apply });
  }

  #create(path: string): OpenFile {
    if (this.#names.has(path)) throw Object.assign(new Error(`EEXIST: ${path}`), { code: "EEXIST" });
    const inode = { current: new Uint8Array(0), durable: new Uint8Array(0) };
    this.#change(path, (names) => void names.set(path, inode));
    return this.#open(path, inode);
  }

  #rename(from: string, to: string): void {
    const inode = this.#inode(from);
    this.#change(to, (names) => {
      names.delete(from);
      names.set(to, inode);
    });
  }

  #remove(path: string): void {
    this.#inode(path);
    this.#change(path, (names) => void names.delete(path));
  }

  #syncDirectory(path: string): void {
    this.#live();
    const isInside = ({ directory }: DirectoryChange): boolean => directory === path;
    for (const change of this.#changes.filter(isInside)) change.apply(this.#durableNames);
    this.#changes = this.#changes.filter((change) => !isInside(change));
  }

  #replace(path: string, bytes: Uint8Array): void {
    const temporary = `${path}.tmp`;
    if (this.#names.has(temporary)) this.#remove(temporary);
    const file = this.#create(temporary);
    file.append([bytes]);
    file.sync();
    this.#rename(temporary, path);
  }

  #lock(path: string): FileLock | undefined {
    this.#live();
    if (this.#locks.has(path)) return undefined;
    this.#locks.add(path);
    return { release: () => void this.#locks.delete(path) };
  }

  #open(path: string, inode: Inode): OpenFile {
    const write = (bytes: Uint8Array, position: number): void => {
      this.#live();
      const grown = Math.max(0, position + bytes.length - inode.current.length);
      const fitting = grown > this.roomBytes ? bytes.subarray(0, Math.max(0, bytes.length - (grown - this.roomBytes))) : bytes;
      const next = new Uint8Array(Math.max(inode.current.length, position + fitting.length));
      next.set(inode.current);
      next.set(fitting, position);
      this.roomBytes -= next.length - inode.current.length;
      inode.current = next;
      if (fitting.length < bytes.length) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    };
    return {
      path,
      get size() {
        return inode.current.length;
      },
      append: (parts) => {
        for (const part of parts) write(part, inode.current.length);
      },
      writeAt: write,
      read: (position, length) => inode.current.slice(position, position + length),
      truncate: (length) => {
        this.#live();
        inode.current = inode.current.slice(0, length);
      },
      sync: () => {
        this.#live();
        inode.durable = inode.current.slice();
      },
      close: () => undefined,
    };
  }
}

/** Content after a power cut: each unsynced sector is the old one, the new one, or (beyond the old end) zeros. */
function tear({ current, durable }: Inode, random: () => number): Uint8Array {
  const length = durable.length + Math.round(random() * (current.length - durable.length));
  const torn = new Uint8Array(length);
  torn.set(durable.subarray(0, length));
  for (let offset = 0; offset < length; offset += SECTOR_BYTES) {
    if (random() < 0.5) continue;
    const end = Math.min(offset + SECTOR_BYTES, length);
    torn.set(current.subarray(offset, end), offset);
  }
  return torn;
}

/** mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}
