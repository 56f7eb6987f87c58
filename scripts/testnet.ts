/** Command line of the local cluster: `npm run testnet`, see testnet/README.md. The clock of "first final block" starts with this
 *  process, so everything heavy is imported only when a run really begins. */

import module from "node:module";
import process from "node:process";
import { EXIT_CODES, failureOf, TestnetFailure } from "../testnet/failure.ts";
import { parseOptions, type TestnetOptions, USAGE } from "../testnet/options.ts";
import { COMPILE_CACHE, OWN_RUNTIME } from "../testnet/runtimes.ts";

/** Terminals and package managers may deliver one Ctrl-C twice; a later second one means "now". */
const SECOND_INTERRUPT_AFTER_MS = 500;
const INTERRUPTED_EXIT_CODE = 130;

async function main(): Promise<number> {
  const parsed = parseOptions(process.argv.slice(2), OWN_RUNTIME);
  if (parsed.type === "help") {
    process.stdout.write(`${USAGE}\n`);
    return EXIT_CODES.ok;
  }
  return run(parsed.options);
}

async function run(options: TestnetOptions): Promise<number> {
  const ending = new AbortController();
  if (OWN_RUNTIME === "node") module.enableCompileCache(COMPILE_CACHE);
  const [{ startRun }, { createOutput }] = await Promise.all([import("../testnet/run.ts"), import("../testnet/output.ts")]);
  const nowMs = (): number => performance.now();
  const output = createOutput({ json: options.json, stdout: process.stdout, stderr: process.stderr, nowMs });
  const started = startRun({ options, output, ending, nowMs });
  process.on("exit", () => started.abandon());
  endOnSignals(ending);
  return started.finished;
}

function endOnSignals(ending: AbortController): void {
  let firstMs: number | undefined;
  const onSignal = (): void => {
    const nowMs = performance.now();
    firstMs ??= nowMs;
    if (nowMs - firstMs > SECOND_INTERRUPT_AFTER_MS) process.exit(INTERRUPTED_EXIT_CODE);
    ending.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
}

function fail(error: unknown): never {
  const failure = failureOf(error);
  process.stderr.write(`${failure.code === "usage" ? "testnet: " : ""}${failure.message}\n`);
  process.exit(failure instanceof TestnetFailure ? failure.exitCode : EXIT_CODES.crash);
}

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
main().then((code) => process.exit(code), fail);
