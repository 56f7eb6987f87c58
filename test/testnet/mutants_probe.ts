/** A process with the bug of its argument planted, or none: says what it loaded and what the quorum rule then answers. */

import process from "node:process";
import { applyMutant } from "../../testnet/mutants/apply.ts";
import { findMutant } from "../../testnet/mutants/table.ts";

const mutant = findMutant(process.argv[2] ?? "");
const applied = mutant === undefined ? undefined : applyMutant(mutant);
const before = applied?.notLoaded ?? [];
// Loaded only now, as everything must be that a bug is planted into.
const { isQuorum } = await import("../../types/validator_set.ts");
const answer = { before, after: applied?.notLoaded ?? [], quorum: [isQuorum(2, 4), isQuorum(3, 5), isQuorum(3, 4)] };
process.stdout.write(`${JSON.stringify(answer)}\n`);
