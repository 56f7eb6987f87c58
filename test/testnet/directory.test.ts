/** The directory of a run: nothing of the user's is ever removed. */

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { prepareDirectory } from "../../testnet/directory.ts";

function withParent(check: (parent: string) => void): void {
  const parent = mkdtempSync(join(tmpdir(), "sealstone-test-"));
  try {
    check(parent);
  } finally {
    rmSync(parent, { recursive: true });
  }
}

/** What a run leaves in its directory. */
function writeRun(path: string): void {
  mkdirSync(join(path, "v0", "data"), { recursive: true });
  for (const file of ["genesis.json", "accounts.json", "v0/keys.json", "v0/data/journal"]) writeFileSync(join(path, file), "x");
}

t.test("prepareDirectory: none named, a fresh temporary one that disappears whole", async (t) => {
  const directory = prepareDirectory(undefined);
  writeRun(directory.path);
  directory.remove();
  t.notOk(existsSync(directory.path));
  directory.remove();
});

t.test("prepareDirectory: a new one, made and removed again", async (t) => {
  withParent((parent) => {
    const directory = prepareDirectory(join(parent, "a", "b"));
    writeRun(directory.path);
    directory.remove();
    t.notOk(existsSync(directory.path));
    t.ok(existsSync(parent));
    directory.remove();
  });
});

t.test("remove: an empty one of the user's and a file of theirs put there meanwhile, both stay", async (t) => {
  withParent((parent) => {
    const directory = prepareDirectory(parent);
    writeRun(parent);
    writeFileSync(join(parent, "notes.txt"), "mine");
    directory.remove();
    t.ok(existsSync(join(parent, "notes.txt")));
    for (const name of ["genesis.json", "accounts.json", "v0"]) t.notOk(existsSync(join(parent, name)), `${name} is gone`);
  });
});

t.test("prepareDirectory: one that is not empty, usage error; one that is a file, environment error", async (t) => {
  withParent((parent) => {
    writeFileSync(join(parent, "genesis.json"), "a chain of theirs");
    t.throws(() => prepareDirectory(parent), { exitCode: 1, message: /is not empty \(it holds genesis\.json\)/ });
    t.throws(() => prepareDirectory(join(parent, "genesis.json")), { exitCode: 2, message: /choose another with --data/ });
    t.ok(existsSync(join(parent, "genesis.json")));
  });
});
