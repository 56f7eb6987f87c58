/** Where Node and Deno are: the running one, then the one that the project installs, then the PATH. A runtime that is too old
 *  counts as absent. With `npm ci` both are installed; with `deno install` alone there is no Node, and the gate runs Deno's half. */

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export type RuntimeName = "node" | "deno";

export interface Runtime {
  readonly name: RuntimeName;
  readonly executable: string;
  readonly version: string;
}

export const PROJECT_ROOT = fileURLToPath(new URL("../..", import.meta.url));

export const OWN_RUNTIME: RuntimeName = "deno" in process.versions ? "deno" : "node";

const MAJOR_VERSION_MIN = { node: 24, deno: 2 } as const;
const VERSION_DEADLINE_MS = 20_000;

export function findRuntime(name: RuntimeName): Runtime | undefined {
  for (const executable of candidatesOf(name)) {
    const version = versionOf(name, executable);
    if (version !== undefined && Number.parseInt(version, 10) >= MAJOR_VERSION_MIN[name]) return { name, executable, version };
  }
  return undefined;
}

/** Arguments that make `runtime` run a script of the project, with every permission. */
export function scriptArgs(runtime: RuntimeName, script: string, args: readonly string[]): string[] {
  return runtime === "deno" ? ["run", "-A", "--no-prompt", script, ...args] : [script, ...args];
}

/** Environment for everything the gate starts: no colours, no look-ups on the network, compiled code kept between runs. tap's own
 *  limit per test, in seconds, is for people who wait; a busy machine only needs the deadline of the file. */
export const GATE_ENVIRONMENT: Readonly<Record<string, string>> = {
  TAP_TIMEOUT: "240",
  NO_COLOR: "1",
  DENO_NO_UPDATE_CHECK: "1",
  NODE_COMPILE_CACHE: join(PROJECT_ROOT, "node_modules", ".cache", "sealstone", "compile"),
};

function candidatesOf(name: RuntimeName): string[] {
  const suffix = process.platform === "win32" ? ".exe" : "";
  const installed = name === "node" ? ["node", "bin", `node${suffix}`] : ["deno", `deno${suffix}`];
  const own = name === OWN_RUNTIME ? [process.execPath] : [];
  const onPath = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, `${name}${suffix}`));
  return [...own, join(PROJECT_ROOT, "node_modules", ...installed), ...onPath].filter((path) => existsSync(path));
}

/** The version that `--version` gives, for example "26.9.0"; undefined when the file does not run or is the other runtime: Deno
 *  puts a `node` on the PATH of its tasks that is Deno itself. */
function versionOf(name: RuntimeName, executable: string): string | undefined {
  try {
    const text = execFileSync(executable, ["--version"], {
      encoding: "utf8",
      timeout: VERSION_DEADLINE_MS,
      stdio: ["ignore", "pipe", "ignore"],
    });
    return (name === "node" ? /^v(\d+\.\d+\.\d+)/ : /^deno (\d+\.\d+\.\d+)/).exec(text)?.[1];
  } catch {
    // Not a runtime after all, for example a launcher that needs the other runtime: the next candidate may do.
    return undefined;
  }
}
