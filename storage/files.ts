/** The few file operations that the store is made of. One implementation over node:fs (`real_files.ts`), one in memory
 *  that loses and tears unsynced writes (tests). All calls throw the platform's error; callers give it a meaning. */

export interface OpenFile {
  readonly path: string;
  readonly size: number;
  /** Writes all parts at the end, with one call. */
  append(parts: readonly Uint8Array[]): void;
  /** Overwrites `bytes.length` bytes; used for files of fixed size only. */
  writeAt(bytes: Uint8Array, position: number): void;
  /** Up to `length` bytes; fewer at the end of the file. The result is the caller's own. */
  read(position: number, length: number): Uint8Array;
  truncate(length: number): void;
  /** Data, and the size when it changed, are on the device when this returns (fdatasync). */
  sync(): void;
  /** May be called again. */
  close(): void;
}

export interface FileLock {
  release(): void;
}

export interface Files {
  makeDirectory(path: string): void;
  /** Names in a directory, sorted; empty when it does not exist. */
  list(path: string): readonly string[];
  exists(path: string): boolean;
  /** Opens an existing file for reading and writing. */
  open(path: string): OpenFile;
  /** Creates a file that must not exist. */
  create(path: string): OpenFile;
  readAll(path: string): Uint8Array | undefined;
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Makes creations, renames and removals in a directory durable. */
  syncDirectory(path: string): void;
  /** Creates or replaces `path` with `bytes`: temporary file, sync, rename. The directory is synced by the caller.
   *  Off the main thread where the platform allows. */
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /** An exclusive lock that the kernel drops when the process dies; undefined when somebody holds it. */
  lock(path: string): FileLock | undefined;
  /** The path for SQLite, or ":memory:" where there is no real file. */
  databasePath(path: string): string;
}

export const TEMPORARY_SUFFIX = ".tmp";

/** Called right before and right after every write, sync, rename, truncation and removal; the ordinal counts the calls. */
export type DurableWriteHook = (ordinal: number, label: string) => void;

/** The same files with `hook` around every change, so that a test can kill the process at each of them. */
export function hookFiles(files: Files, hook: DurableWriteHook): Files {
  let ordinal = 0;
  const around = <T>(verb: string, path: string, change: () => T): T => {
    const label = `${verb} ${finalNameOf(path)}`;
    hook(ordinal++, `before ${label}`);
    const result = change();
    hook(ordinal++, `after ${label}`);
    return result;
  };
  const wrap = (file: OpenFile): OpenFile => ({
    path: file.path,
    get size() {
      return file.size;
    },
    append: (parts) => around("append", file.path, () => file.append(parts)),
    writeAt: (bytes, position) => around("write", file.path, () => file.writeAt(bytes, position)),
    read: (position, length) => file.read(position, length),
    truncate: (length) => around("truncate", file.path, () => file.truncate(length)),
    sync: () => around("sync", file.path, () => file.sync()),
    close: () => file.close(),
  });
  return {
    makeDirectory: (path) => files.makeDirectory(path),
    list: (path) => files.list(path),
    exists: (path) => files.exists(path),
    open: (path) => wrap(files.open(path)),
    create: (path) => around("create", path, () => wrap(files.create(path))),
    readAll: (path) => files.readAll(path),
    rename: (from, to) => around("rename", to, () => files.rename(from, to)),
    remove: (path) => around("remove", path, () => files.remove(path)),
    syncDirectory: (path) => around("syncDirectory", path, () => files.syncDirectory(path)),
    replace: async (path, bytes) => {
      hook(ordinal++, `before replace ${nameOf(path)}`);
      await files.replace(path, bytes);
      hook(ordinal++, `after replace ${nameOf(path)}`);
    },
    lock: (path) => files.lock(path),
    databasePath: (path) => files.databasePath(path),
  };
}

/** The same files, and a way to close all that were opened through them: for an opening that fails halfway. */
export function trackFiles(files: Files): { readonly files: Files; readonly closeAll: () => void } {
  const opened = new Set<OpenFile>();
  const track = (file: OpenFile): OpenFile => {
    const tracked: OpenFile = {
      path: file.path,
      get size() {
        return file.size;
      },
      append: (parts) => file.append(parts),
      writeAt: (bytes, position) => file.writeAt(bytes, position),
      read: (position, length) => file.read(position, length),
      truncate: (length) => file.truncate(length),
      sync: () => file.sync(),
      close: () => {
        opened.delete(tracked);
        file.close();
      },
    };
    opened.add(tracked);
    return tracked;
  };
  return {
    files: { ...files, open: (path) => track(files.open(path)), create: (path) => track(files.create(path)) },
    closeAll: () => {
      for (const file of opened) file.close();
    },
  };
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function finalNameOf(path: string): string {
  const name = nameOf(path);
  return name.endsWith(TEMPORARY_SUFFIX) ? name.slice(0, -TEMPORARY_SUFFIX.length) : name;
}

/** Writes a small file durably and at once: temporary file, sync, rename, sync of the directory. */
export function replaceNow(files: Files, options: { readonly directory: string; readonly name: string; readonly bytes: Uint8Array }): void {
  const path = `${options.directory}/${options.name}`;
  const temporary = `${path}${TEMPORARY_SUFFIX}`;
  if (files.exists(temporary)) files.remove(temporary);
  const file = files.create(temporary);
  try {
    file.append([options.bytes]);
    file.sync();
  } finally {
    file.close();
  }
  files.rename(temporary, path);
  files.syncDirectory(options.directory);
}
