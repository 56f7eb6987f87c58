/** What the host says about itself: runtime, release of this software, cores. */

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import process from "node:process";

/** "node 26.9.0" or "deno 2.9.6". */
export function runtimeName(): string {
  const deno: unknown = process.versions.deno;
  return typeof deno === "string" ? `deno ${deno}` : `node ${process.versions.node}`;
}

/** The version in package.json. */
export function softwareVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const isNamed = typeof manifest === "object" && manifest !== null && "version" in manifest && typeof manifest.version === "string";
  return isNamed ? String(manifest.version) : "unknown";
}

/** One thread on small machines; otherwise half of the cores, at most four: consensus and the network need the rest. */
export function defaultSignatureWorkers(): number {
  return Math.min(4, Math.max(1, Math.floor(availableParallelism() / 2)));
}
