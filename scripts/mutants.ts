/** Command line of the hunt for planted bugs: `npm run mutants`, see testnet/mutants/README.md. */

import process from "node:process";
import { EXIT_CODES, failureOf, TestnetFailure } from "../testnet/failure.ts";
import { createHunter, type HuntResult } from "../testnet/mutants/hunting.ts";
import { MUTANTS_USAGE, type MutantOptions, parseMutantOptions } from "../testnet/mutants/options.ts";
import { describeMutant, describeResult, describeSummary, eventOf, summaryOf } from "../testnet/mutants/report.ts";
import { MUTANTS } from "../testnet/mutants/table.ts";
import { createOutput } from "../testnet/output.ts";
import { runBounded } from "./gate/processes.ts";

const INTERRUPTED_EXIT_CODE = 130;

async function main(): Promise<number> {
  const parsed = parseMutantOptions(process.argv.slice(2));
  if (parsed.type !== "run") {
    const text = parsed.type === "help" ? MUTANTS_USAGE : MUTANTS.map(describeMutant).join("\n");
    process.stdout.write(`${text}\n`);
    return EXIT_CODES.ok;
  }
  return run(parsed.options);
}

async function run({ mutants, seconds, jobs, json }: MutantOptions): Promise<number> {
  const output = createOutput({ json, stdout: process.stdout, stderr: process.stderr, nowMs: () => performance.now() });
  const hunter = createHunter();
  process.on("exit", () => hunter.endAll());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(INTERRUPTED_EXIT_CODE));
  const results = await runBounded<HuntResult>(
    mutants.map((mutant) => async () => {
      const result = await hunter.hunt(mutant, seconds);
      output.say(describeResult(result));
      output.event(eventOf(result));
      return result;
    }),
    jobs,
  );
  const summary = summaryOf(results);
  output.say(describeSummary(summary));
  output.event({ ...summary });
  return summary.survived.length === 0 ? EXIT_CODES.ok : EXIT_CODES.safety;
}

function fail(error: unknown): never {
  const failure = failureOf(error);
  process.stderr.write(`mutants: ${failure.message}\n`);
  process.exit(failure instanceof TestnetFailure ? failure.exitCode : EXIT_CODES.crash);
}

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
main().then((code) => process.exit(code), fail);
