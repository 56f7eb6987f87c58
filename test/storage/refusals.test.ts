/** Stores that must not be used, each with the code and the advice that an operator reads. Failures 3 and 10, R9: a lost
 *  or rolled-back store never signs again. */

import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import t, { type Test } from "tap";
import type { StoreErrorCode } from "../../storage/errors.ts";
import { type FileStoreOptions, openFileStore } from "../../storage/file_store.ts";
import { checksumIn, FRAME_TYPES, frameHeader, STORE_FORMAT } from "../../storage/frame.ts";
import { FrameScanner } from "../../storage/frame_scanner.ts";
import { createMemoryStore } from "../../storage/memory_store.ts";
import { createRealFiles } from "../../storage/real_files.ts";
import type { ChainId } from "../../types/ids.ts";
import { safetyRecordCodec } from "../../types/safety_record.ts";
import { EMPTY, hashOf, IDENTITY, scriptedSaves, timedOutRecord, votedRecord } from "./fixtures.ts";

interface Place {
  readonly root: string;
  readonly data: string;
  readonly counterFile: string;
}

function place(t: Test): Place {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "sealstone-refusals-"));
  t.teardown(() => fs.rmSync(root, { recursive: true, force: true }));
  return { root, data: path.join(root, "data"), counterFile: path.join(root, "elsewhere", "counter") };
}

/** Opens, saves `count` scripted saves, closes. */
async function use(options: Omit<FileStoreOptions, "identity">, range: readonly [number, number]): Promise<void> {
  const store = await openFileStore({ identity: IDENTITY, ...options });
  for (const save of scriptedSaves(12).slice(...range)) await store.save(save);
  await store.close();
}

async function refused(
  t: Test,
  options: Partial<FileStoreOptions> & { readonly directory: string },
  code: StoreErrorCode,
  message: RegExp,
): Promise<void> {
  await t.rejects(openFileStore({ identity: IDENTITY, ...options }), { name: "StoreError", code, message });
  await t.rejects(openFileStore({ identity: IDENTITY, ...options }), { code }, "the refusal changes nothing");
}

t.test("openFileStore: another chain's store, is refused as foreign", async (t) => {
  const { data } = place(t);
  await use({ directory: data }, [0, 3]);
  const identity = { ...IDENTITY, chainId: hashOf<ChainId>("another chain") };
  await refused(
    t,
    { directory: data, identity },
    "foreign",
    /belongs to chain [0-9a-f]{64}, and the node was started for chain.*operator's move: correct the data directory/,
  );
});

t.test("openFileStore: another validator's store, is refused as foreign, by the twin too", async (t) => {
  const { data } = place(t);
  await use({ directory: data }, [0, 3]);
  const identity = { ...IDENTITY, validatorKey: hashOf("another key") };
  await refused(t, { directory: data, identity }, "foreign", /belongs to validator key/);
  t.throws(() => createMemoryStore({ identity: IDENTITY }).reopen(identity), { code: "foreign" });
});

t.test("openFileStore: files of two stores of one key are mixed, is refused", async (t) => {
  const one = place(t);
  const two = place(t);
  await use({ directory: one.data }, [0, 3]);
  await use({ directory: two.data }, [0, 3]);
  for (const name of ["blocks-00000001.log", "journal-00000001.log"]) {
    fs.copyFileSync(path.join(two.data, name), path.join(one.data, name));
    await refused(
      t,
      { directory: one.data },
      "corrupt",
      /is not a segment of this store|does not begin with the header of this store's journal/,
    );
  }
});

t.test("failure 10: openFileStore: the store is open already, is refused as locked until it is closed", async (t) => {
  const { data } = place(t);
  const store = await openFileStore({ directory: data, identity: IDENTITY });
  await refused(t, { directory: data }, "locked", /holds .*lock.*operator's move: stop the other node/);
  await store.close();
  await use({ directory: data }, [0, 1]);
});

t.test("failure 10: openFileStore: two directories share one counter file, the second is refused as locked", async (t) => {
  const { data, root, counterFile } = place(t);
  const store = await openFileStore({ directory: data, counterFile, identity: IDENTITY });
  t.teardown(() => store.close());
  await refused(t, { directory: path.join(root, "second"), counterFile }, "locked", /holds .*elsewhere\/counter\.lock/);
});

const HOLDER = `
  const { openFileStore } = await import(process.argv[2]);
  const store = await openFileStore({ directory: process.argv[3], identity: JSON.parse(process.argv[4]) });
  process.stdout.write("open");
  setInterval(() => store.finalHeight, 1000);
`;

/** A process of this runtime that holds the store open. */
async function holder(t: Test, data: string): Promise<ChildProcess> {
  const script = path.join(path.dirname(data), "holder.mjs");
  fs.writeFileSync(script, HOLDER);
  const root = path.resolve(import.meta.dirname, "..", "..");
  const isDeno = "Deno" in globalThis;
  const runtime = isDeno ? ["run", "-A", "--config", path.join(root, "deno.json")] : [];
  const child = spawn(process.execPath, [...runtime, script, path.join(root, "storage", "file_store.ts"), data, JSON.stringify(IDENTITY)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.teardown(() => child.kill("SIGKILL"));
  await new Promise((resolve, reject) => {
    child.stdout?.once("data", resolve);
    child.once("exit", () => reject(new Error("the holder ended")));
  });
  child.removeAllListeners("exit");
  return child;
}

t.test("failure 10: openFileStore: another process has the store open, is refused; its kill -9 releases the lock", async (t) => {
  const { data } = place(t);
  await use({ directory: data }, [0, 3]);
  const child = await holder(t, data);
  await refused(t, { directory: data }, "locked", /Two nodes with one key would contradict each other/);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
  await use({ directory: data }, [3, 4]);
});

t.test("R9: openFileStore: an old journal was put back, is refused as rolled back", async (t) => {
  const { data } = place(t);
  const journal = path.join(data, "journal-00000001.log");
  await use({ directory: data }, [0, 4]);
  const old = fs.readFileSync(journal);
  await use({ directory: data }, [4, 5]);
  fs.writeFileSync(journal, old);
  await refused(
    t,
    { directory: data },
    "rolledBack",
    /ends with save 4, but save 5 was acknowledged.*restore the newest copy.*this key must never sign again/,
  );
});

t.test("R9: openFileStore: the whole directory was restored from a copy, is refused where a counter file lives elsewhere", async (t) => {
  const { data, root, counterFile } = place(t);
  const backup = path.join(root, "backup");
  await use({ directory: data, counterFile }, [0, 4]);
  fs.cpSync(data, backup, { recursive: true });
  await use({ directory: data, counterFile }, [4, 8]);
  fs.rmSync(data, { recursive: true });
  fs.cpSync(backup, data, { recursive: true });
  await refused(t, { directory: data, counterFile }, "rolledBack", /ends with save 4, but save \d+ was acknowledged/);
});

t.test("openFileStore: an old block file was put back, is refused", async (t) => {
  const { data } = place(t);
  const blocks = path.join(data, "blocks-00000001.log");
  await use({ directory: data }, [0, 4]);
  const old = fs.readFileSync(blocks);
  await use({ directory: data }, [4, 9]);
  fs.writeFileSync(blocks, old);
  await refused(t, { directory: data }, "corrupt", /blocks-00000001\.log has \d+ bytes where the journal has acknowledged \d+/);
});

t.test("R9: openFileStore: the journal is missing, is refused as lost", async (t) => {
  const { data } = place(t);
  await use({ directory: data }, [0, 3]);
  fs.rmSync(path.join(data, "journal-00000001.log"));
  await refused(
    t,
    { directory: data },
    "lost",
    /journal of .* is missing.*put the newest data directory back.*this key must never sign again/,
  );
});

t.test(
  "R9: openFileStore: the directory is empty and the counter file elsewhere says that the key has signed, is refused as lost",
  async (t) => {
    const { data, counterFile } = place(t);
    await use({ directory: data, counterFile }, [0, 3]);
    fs.rmSync(data, { recursive: true });
    await refused(t, { directory: data, counterFile }, "lost", /says that 3 saves were acknowledged, and .* is empty/);
  },
);

for (const kept of ["counter", "journal-00000001.log", "blocks-00000001.log"]) {
  t.test(`R9: openFileStore: the identity file is missing and of the rest only ${kept} is left, is refused as lost`, async (t) => {
    const { data } = place(t);
    await use({ directory: data }, [0, 3]);
    for (const name of fs.readdirSync(data)) if (name !== kept) fs.rmSync(path.join(data, name), { recursive: true });
    await refused(t, { directory: data }, "lost", /The file "identity" of .* is missing, and the directory holds a used store/);
  });
}

t.test("openFileStore: creation was interrupted before anything was signed, is created anew", async (t) => {
  const { data, counterFile } = place(t);
  await use({ directory: data, counterFile }, [0, 0]);
  fs.rmSync(path.join(data, "identity"));
  await use({ directory: data, counterFile }, [0, 3]);
});

t.test("R9: openFileStore: the counter file is missing, is refused, and accepted once the operator vouches for it", async (t) => {
  const { data, counterFile } = place(t);
  await use({ directory: data }, [0, 3]);
  await refused(
    t,
    { directory: data, counterFile },
    "counterMissing",
    /elsewhere\/counter is missing.*start once with acceptMissingCounter/,
  );
  await use({ directory: data, counterFile, acceptMissingCounter: true }, [3, 4]);
  await use({ directory: data, counterFile }, [4, 5]);
  fs.rmSync(path.join(data, "counter"));
  await refused(t, { directory: data, counterFile }, "counterMissing", /nothing proves that the journal \(at save 5\) is the newest/);
});

t.test("R9: openFileStore: acceptMissingCounter, does not accept a rolled-back journal", async (t) => {
  const { data, counterFile } = place(t);
  const journal = path.join(data, "journal-00000001.log");
  await use({ directory: data, counterFile }, [0, 4]);
  const old = fs.readFileSync(journal);
  await use({ directory: data, counterFile }, [4, 5]);
  fs.writeFileSync(journal, old);
  fs.rmSync(path.join(data, "counter"));
  await refused(t, { directory: data, counterFile, acceptMissingCounter: true }, "rolledBack", /save 5 was acknowledged/);
});

t.test("openFileStore: the counter file elsewhere is another key's, is refused as foreign", async (t) => {
  const { data, root, counterFile } = place(t);
  const identity = { ...IDENTITY, validatorKey: hashOf("another key") };
  const other = await openFileStore({ directory: path.join(root, "other"), counterFile, identity });
  await other.close();
  await refused(t, { directory: data, counterFile }, "foreign", /counter file .* belongs to another chain or validator key/);
});

t.test("R9: openFileStore: the counter file elsewhere counts another store of this key, is refused as rolled back", async (t) => {
  const { data, root, counterFile } = place(t);
  await use({ directory: data }, [0, 3]);
  await use({ directory: path.join(root, "other"), counterFile }, [0, 3]);
  await refused(t, { directory: data, counterFile }, "rolledBack", /counts 3 saves of another store of this key/);
});

for (const format of [1, STORE_FORMAT - 1, STORE_FORMAT + 1]) {
  t.test(`failure 3: openFileStore: the store has format ${format}, is refused until migrated`, async (t) => {
    const { data } = place(t);
    await use({ directory: data }, [0, 3]);
    const identity = path.join(data, "identity");
    const { createHash } = await import("node:crypto");
    const body = fs.readFileSync(identity, "utf8").split("\nchecksum ")[0]?.replace(`format ${STORE_FORMAT}`, `format ${format}`) as string;
    fs.writeFileSync(identity, `${body}\nchecksum ${createHash("sha256").update(body).digest("hex").slice(0, 32)}\n`);
    await refused(
      t,
      { directory: data },
      "unknownVersion",
      /format that this release does not know.*start the release that wrote it, or run that release's migration/,
    );
  });
}

t.test("failure 3: openFileStore: a safety record has an unknown version, is refused and never read with defaults", async (t) => {
  const { data } = place(t);
  const store = await openFileStore({ directory: data, identity: IDENTITY });
  await store.save({ ...EMPTY, records: [timedOutRecord(1)] });
  await store.save({ ...EMPTY, records: [votedRecord(2)] });
  await store.close();
  const journal = path.join(data, "journal-00000001.log");
  rewriteLastFrame(journal, (payload) => {
    const at = Buffer.from(payload).indexOf(safetyRecordCodec.encode(votedRecord(2)));
    payload[at] = safetyRecordCodec.version + 1;
  });
  await refused(
    t,
    { directory: data },
    "unknownVersion",
    /A safety record in journal-00000001\.log was written in a format that this release does not know/,
  );
});

/** Changes the payload of a log's last frame and seals it again with a valid checksum. */
function rewriteLastFrame(file: string, change: (payload: Uint8Array) => void): void {
  const opened = createRealFiles().open(file);
  const scanner = new FrameScanner(opened, { from: 0, limit: opened.size, chain: undefined });
  let last = scanner.next();
  for (let next = scanner.next(); next.type === "frame"; next = scanner.next()) last = next;
  if (last.type !== "frame") throw new Error("the log has a frame");
  const payload = last.frame.payload.slice();
  change(payload);
  const header = frameHeader({ type: FRAME_TYPES.save, previous: last.frame.previous, parts: [payload] });
  if (checksumIn(header).length !== 16) throw new Error("a checksum has 16 bytes");
  opened.truncate(last.offset);
  opened.append([header, payload]);
  opened.close();
}

t.test("openFileStore: a frame has an unknown format with a valid checksum, is refused as an unknown version", async (t) => {
  const { data } = place(t);
  await use({ directory: data }, [0, 3]);
  const { createHash } = await import("node:crypto");
  const journal = path.join(data, "journal-00000001.log");
  const bytes = fs.readFileSync(journal);
  const start = bytes.lastIndexOf(Buffer.from([0xf5, 0x53, 0x4c, 0x53]));
  bytes[start + 4] = 9;
  const sealed = createHash("sha256")
    .update(bytes.subarray(start, start + 28))
    .update(bytes.subarray(start + 44))
    .digest()
    .subarray(0, 16);
  sealed.copy(bytes, start + 28);
  fs.writeFileSync(journal, bytes);
  await refused(t, { directory: data }, "unknownVersion", /The record at byte \d+ of journal-00000001\.log/);
});
