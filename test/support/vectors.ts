/** Published test vectors, kept outside the repository: `vectors/` of a folder `shared` beside the checkout, when it is there. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

const DIRECTORY = path.resolve(import.meta.dirname, "..", "..", "..", "shared", "vectors");

export interface Vectors<T> {
  /** The `skip` option of a test: why the file cannot be read, or false when it was. */
  readonly missing: string | false;
  /** The parsed JSON; not to be touched when `missing` is a text. */
  readonly vectors: T;
}

export function readVectors<T>(name: string): Vectors<T> {
  const file = path.join(DIRECTORY, name);
  if (existsSync(file)) return { missing: false, vectors: JSON.parse(readFileSync(file, "utf8")) as T };
  const missing = `published vectors ${name} are not beside this checkout`;
  return {
    missing,
    get vectors(): T {
      throw new Error(missing);
    },
  };
}
