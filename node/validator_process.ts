/** One validator as a process: configuration in, `ready` line out, signals, and the exit code that tells a supervisor what to do.
 *  0 stopped as asked, 1 usage, 2 environment, 127 crash, 129 safety: do not restart that one in a loop. */

import process from "node:process";
import { readConfig } from "./config.ts";
import { EXIT_CODES, exitCodeOf, messageOf, reportFailure } from "./errors.ts";
import { createLogger, type Logger } from "./logger.ts";
import { type NodeExit, type RunningNode, type StartOptions, startNode } from "./node.ts";
import { readPassphrase } from "./passphrase.ts";

export interface ValidatorProcessOptions {
  readonly configFile: string;
  /** Read instead of the environment variable that the configuration names. */
  readonly passphraseFile: string | undefined;
  readonly acceptMissingCounter: boolean;
  readonly parts: Pick<StartOptions, "openStore" | "wrapSigner">;
}

/** Runs until a signal or a fatal condition; resolves with the exit code. Never rejects. */
export async function runValidator(options: ValidatorProcessOptions): Promise<number> {
  try {
    return await run(options);
  } catch (error) {
    return reportFailure(error);
  }
}

async function run(options: ValidatorProcessOptions): Promise<number> {
  const config = await readConfig(options.configFile);
  const log = createLogger({ level: config.log.level, name: config.keyFile });
  const crashed = watchForCrash(log);
  // Listened for from the beginning: a stop that is asked for during the start is obeyed after it.
  const asked = nextSignal();
  const passphrase = await readPassphrase(config.passphraseEnv, options.passphraseFile);
  const { acceptMissingCounter, parts } = options;
  const node = await startNode(config, { passphrase, log, acceptMissingCounter, ...parts });
  process.stdout.write(`${readyLine(node)}\n`);
  const end = await Promise.race([asked, node.ended, crashed]);
  if (typeof end !== "string") {
    log.fatal({ exitCode: end.exitCode, reason: end.reason }, "ended");
    return end.exitCode;
  }
  log.info({ signal: end }, "shutting down");
  await node.stop();
  log.info("stopped");
  return EXIT_CODES.ok;
}

/** What a supervisor waits for on stdout. */
export function readyLine({ rpcUrl, addresses, validator, builder, height, view }: RunningNode): string {
  return JSON.stringify({ type: "ready", rpc: rpcUrl, addresses, validator: validator ?? null, builder, height, view });
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve(signal));
  });
}

/** An error that nobody handled is a bug of ours: the state of the process is unknown, so nothing more is done with it. */
function watchForCrash(log: Logger): Promise<NodeExit> {
  return new Promise((resolve) => {
    const onCrash = (error: unknown): void => {
      log.fatal({ err: error }, "crashed");
      resolve({ exitCode: exitCodeOf(error), reason: messageOf(error) });
    };
    process.once("uncaughtException", onCrash);
    process.once("unhandledRejection", onCrash);
  });
}
