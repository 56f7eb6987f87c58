/** One cluster of real validator processes: its files, its processes, and where each validator serves. */

import { loadBlsSuite } from "../node/bls_suite.ts";
import type { RunDirectory } from "./directory.ts";
import {
  type NetworkFiles,
  TESTNET_PARAMETERS,
  TESTNET_PASSPHRASE,
  type ValidatorFiles,
  writeConfigurations,
  writeNetworkFiles,
} from "./network_files.ts";
import type { ApplicationName, RuntimeChoice } from "./options.ts";
import { createSupervisor, ProcessEnded, type ProcessExit, type ProcessPlan, type ReadyLine } from "./processes.ts";
import { commandLineOf, PROJECT_ROOT, type RuntimeName, runtimeOf } from "./runtimes.ts";

export interface ServingValidator {
  readonly validator: number;
  readonly rpc: string;
}

export interface Cluster {
  readonly files: NetworkFiles;
  readonly size: number;
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

export const VALIDATOR_SCRIPT = "scripts/validator.ts";
const READY_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 5_000;
/** Another program may take a port between our look and the validator's: then all start again on other ports. */
const PORT_ATTEMPTS = 3;

/** Writes all files and prepares the processes; `start` runs them. */
export async function createCluster(options: ClusterOptions): Promise<Cluster & { start(): Promise<void> }> {
  const { suite } = await loadBlsSuite();
  const files = await writeNetworkFiles({
    directory: options.directory.path,
    validators: options.validators,
    application: options.application,
    accounts: options.accounts,
    parameters: TESTNET_PARAMETERS,
    bls: suite,
  });
  const ready = new Map<number, ReadyLine>();
  const supervisor = createSupervisor({
    plans: files.validators.map((validator) => planOf(validator, options.runtime)),
    cwd: PROJECT_ROOT,
    env: { ...process.env, SEALSTONE_PASSPHRASE: TESTNET_PASSPHRASE },
    onCrash: (exit) => {
      ready.delete(exit.index);
      options.onCrash(exit);
    },
  });

  async function startOne(validator: number): Promise<ReadyLine> {
    const line = await supervisor.start(validator, READY_DEADLINE_MS);
    ready.set(validator, line);
    options.onReady(validator, line, supervisor.pidOf(validator));
    return line;
  }

  async function start(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await Promise.all(files.validators.map(({ index }) => startOne(index)));
        return;
      } catch (error) {
        if (attempt === PORT_ATTEMPTS || !(error instanceof ProcessEnded) || !lostItsPort(error.exit)) throw error;
        await supervisor.stopAll(0);
        ready.clear();
        await writeConfigurations(files);
      }
    }
  }

  return {
    files,
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

function planOf(validator: ValidatorFiles, choice: RuntimeChoice): ProcessPlan {
  const { index, logPath } = validator;
  const runtime = runtimeOf(choice, index);
  return { index, runtime, commandLine: commandLineOf(runtime, VALIDATOR_SCRIPT, ["--config", validator.configPath]), logPath };
}

function lostItsPort(exit: ProcessExit): boolean {
  return exit.logTail.some((line) => line.includes("EADDRINUSE"));
}
