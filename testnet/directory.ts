/** The directory of one run: made at its start, emptied at its end. Only what the run itself wrote is ever removed. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { TestnetFailure } from "./failure.ts";

export interface RunDirectory {
  readonly path: string;
  /** Removes what the run wrote; the directory too if the run made it. Synchronous, so that an exit handler can call it. */
  remove(): void;
}

const TRIES_WHILE_BUSY = 5;

/** A fresh temporary directory, or `wanted`, which is new or empty. Throws TestnetFailure. */
export function prepareDirectory(wanted: string | undefined): RunDirectory {
  if (wanted === undefined) {
    const path = attempt(tmpdir(), () => mkdtempSync(join(tmpdir(), "sealstone-testnet-")));
    return { path, remove: () => removeTree(path) };
  }
  const path = resolve(wanted);
  const created = attempt(path, () => mkdirSync(path, { recursive: true, mode: 0o700 }));
  const found = attempt(path, () => readdirSync(path));
  if (found.length > 0) {
    throw new TestnetFailure("usage", `--data ${path} is not empty (it holds ${found[0]}); name a new or empty directory`);
  }
  return { path, remove: () => removeOwn(path, created !== undefined) };
}

function removeOwn(path: string, isOurs: boolean): void {
  if (!existsSync(path)) return;
  removeTree(join(path, "genesis.json"));
  removeTree(join(path, "accounts.json"));
  for (const name of readdirSync(path)) if (/^v\d+$/.test(name)) removeTree(join(path, name));
  if (isOurs && readdirSync(path).length === 0) rmdirSync(path);
}

function removeTree(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: TRIES_WHILE_BUSY });
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new TestnetFailure("environment", `directory ${path} cannot be used (${text}); choose another with --data`, { cause });
  }
}
