/** Scenario files as text: YAML or JSON, one schema. Never opens a file by itself; a matrix that the scenario names is asked for. */

import { LineCounter, parseDocument } from "yaml";
import type { Mistake } from "./check.ts";
import type { TextReader } from "./latency.ts";
import { type ParsedScenario, parseScenario } from "./schema.ts";

export type ScenarioFormat = "yaml" | "json";

/** Reads `text`. All mistakes come at once: those of the text, else those of shape, else those of how fields go together. */
export function readScenario(
  text: string,
  { format, readText }: { readonly format: ScenarioFormat; readonly readText?: TextReader },
): ParsedScenario {
  const value = format === "json" ? parseJson(text) : parseYaml(text);
  return value.ok ? parseScenario(value.value, readText) : value;
}

/** The format that a file's name tells; undefined for none that we read. */
export function formatOf(path: string): ScenarioFormat | undefined {
  if (path.endsWith(".json")) return "json";
  return path.endsWith(".yaml") || path.endsWith(".yml") ? "yaml" : undefined;
}

/** One line for each mistake. */
export function mistakesText(mistakes: readonly Mistake[]): string {
  return mistakes.map(({ path, message }) => `${path}: ${message}`).join("\n");
}

type Value = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly mistakes: readonly Mistake[] };

/** Aliases let a small text stand for a huge value; scenarios have no use for more. */
const ALIASES_MAX = 100;

function parseYaml(text: string): Value {
  const lines = new LineCounter();
  // Strict YAML 1.2: no implicit types beyond the core schema, and a key stands once.
  const document = parseDocument(text, { version: "1.2", schema: "core", uniqueKeys: true, lineCounter: lines, prettyErrors: false });
  const problems = [...document.errors, ...document.warnings];
  if (problems.length > 0) {
    const mistakes = problems.map(({ pos, message }) => {
      const { line, col } = lines.linePos(pos[0]);
      return { path: `line ${line}, column ${col}`, message: `not YAML: ${message}` };
    });
    return { ok: false, mistakes };
  }
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: ALIASES_MAX }) };
  } catch (error) {
    return refuse(`not YAML that can be read: ${messageOf(error)}`);
  }
}

function parseJson(text: string): Value {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return refuse(`not JSON: ${messageOf(error)}`);
  }
}

const refuse = (message: string): Value => ({ ok: false, mistakes: [{ path: "(file)", message }] });

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
