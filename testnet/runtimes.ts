/** The runtimes that validators run on, and the command line that starts one of them. */

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { TestnetFailure } from "./failure.ts";
import type { RuntimeChoice } from "./options.ts";

export type RuntimeName = "node" | "deno";

export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The project's root: where scripts/ and node_modules/ are. */
export const PROJECT_ROOT = fileURLToPath(new URL("..", import.meta.url));

/** What Node compiled at a first start serves all later ones. It lies with the installed packages and goes away with them; Deno
 *  has a cache of its own. */
export const COMPILE_CACHE = join(PROJECT_ROOT, "node_modules", ".cache", "sealstone", "compile");

/** A validator's garbage is young and small: a large young generation costs 50 MB a process and saves nothing measurable. */
const V8_FLAGS = "--max-semi-space-size=4";

export const OWN_RUNTIME: RuntimeName = "deno" in process.versions ? "deno" : "node";

/** Which runtime validator `index` runs on; mixed alternates, so that no runtime has a quorum of its own. */
export function runtimeOf(choice: RuntimeChoice, index: number): RuntimeName {
  if (choice !== "mixed") return choice;
  return index % 2 === 0 ? "node" : "deno";
}

/** How to run `script` (relative to the project) with `args`. Throws TestnetFailure "environment" without the runtime. */
export function commandLineOf(runtime: RuntimeName, script: string, args: readonly string[]): CommandLine {
  const command = findRuntime(runtime);
  const path = join(PROJECT_ROOT, script);
  if (runtime === "deno") {
    return { command, args: ["run", "-A", "--no-prompt", `--v8-flags=${V8_FLAGS}`, path, ...args], env: { DENO_NO_UPDATE_CHECK: "1" } };
  }
  return { command, args: [V8_FLAGS, path, ...args], env: { NODE_COMPILE_CACHE: COMPILE_CACHE } };
}

/** The running process's own executable, the one that the project installs, or one on the PATH, in this order. */
function findRuntime(runtime: RuntimeName): string {
  if (runtime === OWN_RUNTIME) return process.execPath;
  const suffix = process.platform === "win32" ? ".exe" : "";
  const installed = join(
    PROJECT_ROOT,
    "node_modules",
    ...(runtime === "deno" ? ["deno", `deno${suffix}`] : ["node", "bin", `node${suffix}`]),
  );
  const onPath = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, `${runtime}${suffix}`));
  const found = [installed, ...onPath].find((path) => existsSync(path) && isRuntime(runtime, path));
  if (found !== undefined) return found;
  throw new TestnetFailure(
    "environment",
    `${runtime} was not found; npm ci installs both runtimes, deno install only Deno; or add it to PATH`,
  );
}

/** Deno puts a `node` on the PATH of its tasks that is Deno itself: only Node's own version begins with "v". */
function isRuntime(runtime: RuntimeName, path: string): boolean {
  try {
    const version = execFileSync(path, ["--version"], { encoding: "utf8", timeout: 10_000, stdio: ["ignore", "pipe", "ignore"] });
    return version.startsWith(runtime === "node" ? "v" : "deno");
  } catch {
    // What cannot even say its version is no runtime.
    return false;
  }
}
