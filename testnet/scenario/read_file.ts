/** Scenario files on disk: `.yaml`, `.yml` or `.json`. Paths inside a file are relative to it. */

import { readFileSync } from "node:fs";
import path from "node:path";
import type { Scenario } from "./manifest.ts";
import { formatOf, mistakesText, readScenario } from "./read.ts";

/** `mistakes`: one line each, `path: message`. */
export type ScenarioFileResult =
  | { readonly ok: true; readonly scenario: Scenario }
  | { readonly ok: false; readonly mistakes: readonly string[] };

export function readScenarioFile(file: string): ScenarioFileResult {
  const format = formatOf(file);
  if (format === undefined) return refuse("must end in .yaml, .yml or .json");
  const text = readText(file);
  if (text === undefined) return refuse("cannot be read; check the path");
  const read = readScenario(text, { format, readText: (name) => readText(path.resolve(path.dirname(file), name)) });
  return read.ok ? read : { ok: false, mistakes: mistakesText(read.mistakes).split("\n") };
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Whatever the reason, the caller names the file and says what to do.
    return undefined;
  }
}

const refuse = (message: string): ScenarioFileResult => ({ ok: false, mistakes: [`(file): ${message}`] });
