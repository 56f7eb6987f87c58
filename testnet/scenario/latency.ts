/** Latency matrices that scenarios name: our small one, or a JSON file of measured round trips, `{ unit: "ms", kind: "rtt", regions, matrix }`
 *  with `matrix[i][j]` from `regions[i]` to `regions[j]`. Never opens a file: text comes from whoever may read. */

import { z } from "zod";
import type { LatencyMatrix } from "./manifest.ts";
import { SMALL_MATRIX, SMALL_MATRIX_NAME } from "./small_matrix.ts";

/** The text of a file that a scenario names, relative to the scenario; undefined where there is none. */
export type TextReader = (path: string) => string | undefined;

export type MatrixResult = { readonly ok: true; readonly matrix: LatencyMatrix } | { readonly ok: false; readonly message: string };

export const REGIONS_MAX = 64;
export const ROUND_TRIP_MS_MAX = 10_000;

const fileSchema = z.looseObject({
  unit: z.literal("ms", { error: '"unit" must be "ms"' }),
  kind: z.literal("rtt", { error: '"kind" must be "rtt"' }),
  regions: z.array(z.string(), { error: '"regions" must be a list of names' }),
  matrix: z.array(z.array(z.number()), { error: '"matrix" must be a list of rows of numbers' }),
});

/** Resolves a matrix by name or path. */
export function loadMatrix(name: string, readText: TextReader): MatrixResult {
  if (name === SMALL_MATRIX_NAME) return { ok: true, matrix: SMALL_MATRIX };
  if (!name.endsWith(".json")) return refuse(`must be "${SMALL_MATRIX_NAME}", a path that ends in .json, or { regions, roundTripMs }`);
  const text = readText(name);
  if (text === undefined) return refuse(`the file ${JSON.stringify(name)} cannot be read; paths are relative to the scenario`);
  return parseMatrix(text, name);
}

/** Reads the JSON text of a matrix file; `name` begins the message. */
export function parseMatrix(text: string, name: string): MatrixResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse(`${name} is not JSON`);
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) return refuse(`${name}: ${parsed.error.issues[0]?.message ?? "not a latency matrix"}`);
  const matrix = { regions: parsed.data.regions, roundTripMs: parsed.data.matrix };
  const [mistake] = matrixMistakes(matrix);
  return mistake === undefined ? { ok: true, matrix } : refuse(`${name}: ${mistake}`);
}

/** What is wrong with a matrix: it must be square, with a name for each row and round trips within bounds. */
export function matrixMistakes({ regions, roundTripMs }: LatencyMatrix): readonly string[] {
  const size = regions.length;
  const mistakes: string[] = [];
  if (size < 1 || size > REGIONS_MAX) mistakes.push(`a matrix has 1 to ${REGIONS_MAX} regions, not ${size}`);
  if (new Set(regions).size !== size) mistakes.push("each region has a name of its own");
  if (roundTripMs.length !== size) mistakes.push(`the matrix must be square: ${size} regions need ${size} rows, not ${roundTripMs.length}`);
  for (const [index, row] of roundTripMs.entries()) {
    if (row.length !== size) mistakes.push(`the matrix must be square: row ${index} needs ${size} columns, not ${row.length}`);
    if (!row.every(isRoundTrip)) mistakes.push(`row ${index} holds something other than a round trip from 0 to ${ROUND_TRIP_MS_MAX} ms`);
  }
  return mistakes;
}

const isRoundTrip = (value: number): boolean => Number.isFinite(value) && value >= 0 && value <= ROUND_TRIP_MS_MAX;

const refuse = (message: string): MatrixResult => ({ ok: false, message });
