/** Plants one bug while modules load: the text of its file is changed on the way from the disk to the compiler. The files themselves are
 *  never touched, and without a call here nothing differs. Modules that were loaded before keep their text, so this comes first.
 *
 *  Node compiles TypeScript that a hook returns. Deno takes it for JavaScript, so there the types are stripped first, by positions:
 *  line numbers stay true on both. */

import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { OWN_RUNTIME, PROJECT_ROOT } from "../runtimes.ts";
import { filesOf, type Mutant, mutate } from "./mutant.ts";

/** Names the bug that `preload.ts` plants. */
export const MUTANT_VARIABLE = "SEALSTONE_MUTANT";

/** As soon as a hook is registered, Deno 2.9 compiles native addons as JavaScript. This is JavaScript that loads the addon. */
const LOAD_ADDON = { format: "commonjs", shortCircuit: true, source: "process.dlopen(module, __filename);" } as const;

export interface AppliedMutant {
  /** Files of the mutant that no module has asked for yet; empty once the bug is in force. */
  readonly notLoaded: readonly string[];
}

/** Throws MutantDoesNotFit at once, before anything is loaded, when the table does not fit the sources. */
export function applyMutant(mutant: Mutant): AppliedMutant {
  const sources = new Map<string, string>();
  const waiting = new Map<string, string>();
  for (const file of filesOf(mutant)) {
    const path = join(PROJECT_ROOT, file);
    const url = pathToFileURL(path).href;
    const text = mutate(readFileSync(path, "utf8"), mutant, file);
    sources.set(url, OWN_RUNTIME === "deno" ? stripTypeScriptTypes(text) : text);
    waiting.set(url, file);
  }
  registerHooks({
    load(url, context, nextLoad) {
      if (OWN_RUNTIME === "deno" && url.endsWith(".node")) return LOAD_ADDON;
      const source = sources.get(url);
      if (source === undefined) return nextLoad(url, context);
      waiting.delete(url);
      return { format: OWN_RUNTIME === "deno" ? "module" : "module-typescript", shortCircuit: true, source };
    },
  });
  return {
    get notLoaded() {
      return [...waiting.values()];
    },
  };
}
