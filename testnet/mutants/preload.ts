/** Plants the bug that SEALSTONE_MUTANT names into any command, to look at how it comes to light:
 *  `SEALSTONE_MUTANT=NAME node --import ./testnet/mutants/preload.ts scripts/simulate.ts --seed 7` (Deno: `deno run -A --preload …`).
 *  Says loudly that it did, and ends the process with 2 where it cannot. */

import process from "node:process";
import { applyMutant, MUTANT_VARIABLE } from "./apply.ts";
import { findMutant } from "./table.ts";

const ENVIRONMENT_EXIT_CODE = 2;

function refuse(message: string): never {
  process.stderr.write(`mutants: ${message}\n`);
  process.exit(ENVIRONMENT_EXIT_CODE);
}

function plant(name: string | undefined): void {
  const mutant = name === undefined ? undefined : findMutant(name);
  if (mutant === undefined) return refuse(`${MUTANT_VARIABLE}=${name ?? ""} names no planted bug; npm run mutants -- --list shows them`);
  try {
    const applied = applyMutant(mutant);
    process.stderr.write(`mutants: ${mutant.name} is planted (${mutant.rule}): ${mutant.what}\n`);
    process.on("exit", () => {
      for (const file of applied.notLoaded) process.stderr.write(`mutants: ${file} was never loaded, so ${mutant.name} had no effect\n`);
    });
  } catch (error) {
    refuse(error instanceof Error ? error.message : String(error));
  }
}

plant(process.env[MUTANT_VARIABLE]);
