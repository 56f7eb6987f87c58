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

export interface ServingBuilder {
  readonly builder: number;
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
  /** Resolves when every builder serves; after `start`. */
  startBuilders(): Promise<readonly ServingBuilder[]>;
  /** Builders that are up, in order. */
  builders(): readonly ServingBuilder[];
  /** All of them, for good. */
  killBuilders(): Promise<void>;
  /** Ends all processes in order. */
  stop(): Promise<void>;
  /** Ends all processes at once; for exit handlers. */
  killAllNow(): void;
}

export interface ClusterOptions {
  readonly directory: RunDirectory;
  readonly validators: number;
  readonly builders: number;
  /** Do the validators? */
  readonly takesBids: boolean;
  readonly runtime: RuntimeChoice;
  readonly application: ApplicationName;
  readonly accounts: number;
  /** Called for each validator that is ready, and for one that ends without being asked to. */
  readonly onReady: (
    name: { readonly validator: number } | { readonly builder: number },
    ready: ReadyLine,
    pid: number | undefined,
  ) => void;
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
  /** Processes are numbered on from the validators. */
  const builderIndices = Array.from({ length: options.builders }, (_, index) => options.validators + index);
  const ready = new Map<number, ReadyLine>();
  const planFor = (index: number): ProcessPlan => planOf(options, index);
  const supervisor = createSupervisor({
    plans: [...indices, ...builderIndices].map(planFor),
    cwd: PROJECT_ROOT,
    env: { ...process.env, SEALSTONE_PASSPHRASE: TESTNET_PASSPHRASE },
    onCrash: (exit) => {
      ready.delete(exit.index);
      options.onCrash(exit);
    },
  });
  for (const index of [...indices, ...builderIndices]) mkdirSync(folderOf(options, index), { mode: 0o700 });
  for (const index of indices) supervisor.prepare(index);

  async function startOne(index: number): Promise<ReadyLine> {
    const line = await supervisor.start(index, READY_DEADLINE_MS);
    ready.set(index, line);
    const name = index < options.validators ? { validator: index } : { builder: index - options.validators };
    options.onReady(name, line, supervisor.pidOf(index));
    return line;
  }

  const servingIn = (among: readonly number[]): readonly { readonly index: number; readonly rpc: string }[] =>
    among.flatMap((index) => {
      const line = ready.get(index);
      return line === undefined ? [] : [{ index, rpc: line.rpc }];
    });

  const serving = (): readonly ServingValidator[] => servingIn(indices).map(({ index, rpc }) => ({ validator: index, rpc }));
  const builders = (): readonly ServingBuilder[] =>
    servingIn(builderIndices).map(({ index, rpc }) => ({ builder: index - options.validators, rpc }));

  async function start(): Promise<NetworkFiles> {
    const [{ loadBlsSuite }, { loadSealingSuite }, { writeConfigurations, writeNetworkFiles }] = await Promise.all([
      import("../node/bls_suite.ts"),
      import("../node/sealing_suite.ts"),
      import("./network_files.ts"),
    ]);
    const [{ suite: bls }, sealing] = await Promise.all([loadBlsSuite(), loadSealingSuite()]);
    const { validators, builders: builderCount, takesBids, application, accounts } = options;
    const files = await writeNetworkFiles({
      directory: options.directory.path,
      validators,
      builders: builderCount,
      takesBids,
      application,
      accounts,
      parameters: parametersFor(application, builderCount),
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
    serving,
    hasQuorum: () => 3 * serving().length > 2 * options.validators,
    runtimeOf: (validator) => runtimeOf(options.runtime, validator),
    async kill(validator) {
      ready.delete(validator);
      await supervisor.kill(validator);
    },
    restart: startOne,
    async startBuilders() {
      for (const index of builderIndices) supervisor.prepare(index);
      await Promise.all(builderIndices.map(startOne));
      return builders();
    },
    builders,
    async killBuilders() {
      for (const index of builderIndices) ready.delete(index);
      await Promise.all(builderIndices.map((index) => supervisor.kill(index)));
    },
    async stop() {
      ready.clear();
      await supervisor.stopAll(STOP_DEADLINE_MS);
    },
    killAllNow: () => supervisor.killAllNow(),
  };
}

type Layout = Pick<ClusterOptions, "directory" | "validators" | "runtime">;

const folderOf = ({ directory, validators }: Layout, index: number): string =>
  join(directory.path, index < validators ? `v${index}` : `b${index - validators}`);

function planOf(layout: Layout, index: number): ProcessPlan {
  const own = folderOf(layout, index);
  const runtime = runtimeOf(layout.runtime, index);
  const input = JSON.stringify(["--config", join(own, "config.json")]);
  const name = index < layout.validators ? `validator ${index}` : `builder ${index - layout.validators}`;
  return { index, name, runtime, commandLine: commandLineOf(runtime, LAUNCHER, []), input, logPath: join(own, "log") };
}

function lostItsPort(exit: ProcessExit): boolean {
  return exit.logTail.some((line) => line.includes("EADDRINUSE"));
}
