/** The scenarios that are checked in, as `corpus/<name>.yaml`: what must hold, must stall or must break, and what once went wrong elsewhere. */

import { readdirSync } from "node:fs";
import path from "node:path";
import { assert } from "../../types/assert.ts";
import type { Scenario } from "./manifest.ts";
import { readScenarioFile } from "./read_file.ts";

export interface CorpusScenario {
  /** The file's name without its ending, and the scenario's own name. */
  readonly name: string;
  readonly file: string;
  readonly scenario: Scenario;
}

export const CORPUS_DIRECTORY = path.join(import.meta.dirname, "corpus");

const ENDING = ".yaml";

/** Names in code unit order, whatever the directory's. */
export function listCorpus(): readonly string[] {
  const files = readdirSync(CORPUS_DIRECTORY).filter((file) => file.endsWith(ENDING));
  return files.map((file) => file.slice(0, -ENDING.length)).sort((left, right) => (left < right ? -1 : 1));
}

/** One scenario of the corpus. A file with mistakes is our own, so it is an assertion. */
export function readCorpusScenario(name: string): CorpusScenario {
  const file = path.join(CORPUS_DIRECTORY, `${name}${ENDING}`);
  const read = readScenarioFile(file);
  assert(read.ok, `corpus scenario ${name}: ${read.ok ? "" : read.mistakes.join("; ")}`);
  return { name, file, scenario: read.scenario };
}

export function readCorpus(): readonly CorpusScenario[] {
  return listCorpus().map(readCorpusScenario);
}
