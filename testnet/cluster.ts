/** One cluster of real validator processes: its files, its processes, and where each validator serves. The processes are started
 *  before anything heavy is loaded here, so that they load their code while this process makes their keys. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { RunDirectory } from "./directory.ts";
import type { NetworkFiles } from "./network_files.ts";
import type { ApplicationName, RuntimeChoice } from "./options.ts";
import { parametersFor, TESTNET_PASSPHRASE } from "./parameters.ts";
import { createSupervisor, ProcessEnded, type ProcessExit, type ProcessPlan, type ReadyLine } from "./processes.ts";
import { commandLineOf, PROJECT_ROOT, type RuntimeName, runtimeOf } from "./runtimes.ts";

export interface ServingValidator {
  readonly validator: number;
  readonly rpc: string;
}

export interface Cluster {
  readonly size: number;
  /** Writes all files and resolves when every validator serves. */
  start(): Promise<NetworkFiles>;
  /** Validators that are up, in order. */
  serving(): readonly ServingValidator[];
  /** More than two thirds of the validators are up (all weigh the same). */
  hasQuorum(): boolean;
  runtimeOf(validator: number): RuntimeName;
  kill(validator: number): Promise<void>;
  restart(validator: number): Promise<ReadyLine>;
  /** Ends all processes in order. */
  stop(): Promise<void>;
  /** Ends all processes at once; for exit handlers. */
  killAllNow(): void;
}

export interface ClusterOptions {
  readonly directory: RunDirectory;
  readonly validators: number;
  readonly runtime: RuntimeChoice;
  readonly application: ApplicationName;
  readonly accounts: number;
  /** Called for each validator that is ready, and for one that ends without being asked to. */
  readonly onReady: (validator: number, ready: ReadyLine, pid: number | undefined) => void;
  readonly onCrash: (exit: ProcessExit) => void;
}

const LAUNCHER = "testnet/launcher.ts";
const READY_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 5_000;
/** Another program may take a port between our look and the validator's: then all start again on other ports. */
const PORT_ATTEMPTS = 3;

/** Starts the processes, which load their code and wait; `start` lets them run. */
export function createCluster(options: ClusterOptions): Cluster {
  const indices = Array.from({ length: options.validators }, (_, index) => index);
  const ready = new Map<number, ReadyLine>();
  const supervisor = createSupervisor({
    plans: indices.map((index) => planOf(options.directory.path, index, options.runtime)),
    cwd: PROJECT_ROOT,
    env: { ...process.env, SEALSTONE_PASSPHRASE: TESTNET_PASSPHRASE },
    onCrash: (exit) => {
      ready.delete(exit.index);
      options.onCrash(exit);
    },
  });
  for (const index of indices) mkdirSync(join(options.directory.path, `v${index}`), { mode: 0o700 });
  for (const index of indices) supervisor.prepare(index);

  async function startOne(validator: number): Promise<ReadyLine> {
    const line = await supervisor.start(validator, READY_DEADLINE_MS);
    ready.set(validator, line);
    options.onReady(validator, line, supervisor.pidOf(validator));
    return line;
  }

  async function start(): Promise<NetworkFiles> {
    const [{ loadBlsSuite }, { loadSealingSuite }, { writeConfigurations, writeNetworkFiles }] = await Promise.all([
      import("../node/bls_suite.ts"),
      import("../node/sealing_suite.ts"),
      import("./network_files.ts"),
    ]);
    const [{ suite: bls }, sealing] = await Promise.all([loadBlsSuite(), loadSealingSuite()]);
    const { validators, application, accounts } = options;
    const files = await writeNetworkFiles({
      directory: options.directory.path,
      validators,
      application,
      accounts,
      parameters: parametersFor(application),
      bls,
      sealing,
    });
    for (let attempt = 1; ; attempt++) {
      try {
        await Promise.all(indices.map(startOne));
        return files;
      } catch (error) {
        if (attempt === PORT_ATTEMPTS || !(error instanceof ProcessEnded) || !lostItsPort(error.exit)) throw error;
        await supervisor.stopAll(0);
        ready.clear();
        await writeConfigurations(files);
      }
    }
  }

  return {
    size: options.validators,
    start,
    serving: () => [...ready].map(([validator, { rpc }]) => ({ validator, rpc })).sort((left, right) => left.validator - right.validator),
    hasQuorum: () => 3 * ready.size > 2 * options.validators,
    runtimeOf: (validator) => runtimeOf(options.runtime, validator),
    async kill(validator) {
      ready.delete(validator);
      await supervisor.kill(validator);
    },
    restart: startOne,
    async stop() {
      ready.clear();
      await supervisor.stopAll(STOP_DEADLINE_MS);
    },
    killAllNow: () => supervisor.killAllNow(),
  };
}

function planOf(directory: string, index: number, choice: RuntimeChoice): ProcessPlan {
  const own = join(directory, `v${index}`);
  const runtime = runtimeOf(choice, index);
  const input = JSON.stringify(["--config", join(own, "config.json")]);
  return { index, runtime, commandLine: commandLineOf(runtime, LAUNCHER, []), input, logPath: join(own, "log") };
}

function lostItsPort(exit: ProcessExit): boolean {
  return exit.logTail.some((line) => line.includes("EADDRINUSE"));
}
