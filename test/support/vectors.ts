/** Published test vectors, kept outside the repository: `vectors/` of a folder `shared` beside the checkout, when it is there. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

const DIRECTORY = path.resolve(import.meta.dirname, "..", "..", "..", "shared", "vectors");

/** The parsed JSON of a vector file, or why it cannot be read; tests skip with that text. */
export function readVectors<T>(
  name: string,
): { readonly ok: true; readonly vectors: T } | { readonly ok: false; readonly missing: string } {
  const file = path.join(DIRECTORY, name);
  if (!existsSync(file)) return { ok: false, missing: `published vectors ${name} are not beside this checkout` };
  return { ok: true, vectors: JSON.parse(readFileSync(file, "utf8")) as T };
}
