/** The supervisor with trivial scripts in place of validators: every way to end, and nothing left behind. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { createSupervisor, ProcessEnded, type ProcessExit, type Supervisor } from "../../testnet/processes.ts";
import { commandLineOf, OWN_RUNTIME, runtimeOf } from "../../testnet/runtimes.ts";

const READY = `import process from "node:process";
console.log("some other text");
console.log(JSON.stringify({ type: "ready", rpc: "http://x", addresses: [], validator: 0, height: 5, view: 6 }));
setInterval(() => undefined, 1000);
`;
const SCRIPTS = {
  obedient: `process.on("SIGTERM", () => process.exit(0));\n${READY}`,
  stubborn: `process.on("SIGTERM", () => console.error("I stay"));\n${READY}`,
  failing: `console.error("the disk is on fire");\nprocess.exit(3);`,
  crashing: `process.on("SIGUSR2", () => { console.error("last words"); process.exit(70); });\n${READY}`,
  listening: `import process from "node:process";
process.stdin.once("data", (chunk) => console.log(JSON.stringify({ type: "ready", rpc: String(chunk) })));
process.stdin.once("end", () => process.exit(0));
`,
  silent: "setInterval(() => undefined, 1000);",
} as const;

const DEADLINE_MS = 20_000;

interface World {
  readonly supervisor: Supervisor;
  readonly crashed: Promise<ProcessExit>;
}

/** Process i runs scripts[i]. */
async function withSupervisor(scripts: readonly (keyof typeof SCRIPTS)[], check: (world: World) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "sealstone-test-"));
  const { promise: crashed, resolve: onCrash } = Promise.withResolvers<ProcessExit>();
  const plans = await Promise.all(
    scripts.map(async (name, index) => {
      const file = join(directory, `${name}${index}.mjs`);
      await writeFile(file, SCRIPTS[name]);
      const args = OWN_RUNTIME === "deno" ? ["run", "-A", file] : [file];
      return {
        index,
        name: `validator ${index}`,
        runtime: OWN_RUNTIME,
        commandLine: { command: process.execPath, args, env: {} },
        input: `input ${index}`,
        logPath: join(directory, `${index}.log`),
      };
    }),
  );
  const { NODE_OPTIONS: _, ...env } = process.env;
  const supervisor = createSupervisor({ plans, cwd: directory, env, onCrash });
  try {
    await check({ supervisor, crashed });
  } finally {
    await supervisor.stopAll(0);
    await rm(directory, { recursive: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // No such process: what the tests hope for.
    return false;
  }
}

t.test("start: the ready line among other text, its fields; stopAll ends with SIGTERM", async (t) => {
  await withSupervisor(["obedient"], async ({ supervisor }) => {
    const starting = supervisor.start(0, DEADLINE_MS);
    t.equal(supervisor.stateOf(0), "starting");
    t.match(await starting, { rpc: "http://x", height: 5, view: 6 });
    t.equal(supervisor.stateOf(0), "ready");
    const pid = supervisor.pidOf(0) ?? 0;
    t.ok(isAlive(pid));
    await supervisor.stopAll(DEADLINE_MS);
    t.notOk(isAlive(pid));
    t.equal(supervisor.stateOf(0), "stopped");
  });
});

t.test("prepare: the process runs and waits; start lets it begin with its input", async (t) => {
  await withSupervisor(["listening"], async ({ supervisor }) => {
    supervisor.prepare(0);
    const pid = supervisor.pidOf(0) ?? 0;
    t.ok(isAlive(pid));
    t.equal(supervisor.stateOf(0), "prepared");
    t.match(await supervisor.start(0, DEADLINE_MS), { rpc: "input 0\n" });
    t.equal(supervisor.pidOf(0), pid, "the same process");
  });
});

t.test("stopAll: a process that ignores SIGTERM, killed after the deadline", async (t) => {
  await withSupervisor(["stubborn", "obedient"], async ({ supervisor }) => {
    await Promise.all([supervisor.start(0, DEADLINE_MS), supervisor.start(1, DEADLINE_MS)]);
    const pids = [supervisor.pidOf(0) ?? 0, supervisor.pidOf(1) ?? 0];
    t.ok(pids.every(isAlive));
    await supervisor.stopAll(100);
    t.notOk(pids.some(isAlive));
  });
});

t.test("kill: gone at once, not reported as a crash, and can be started again", async (t) => {
  await withSupervisor(["obedient"], async ({ supervisor, crashed }) => {
    await supervisor.start(0, DEADLINE_MS);
    const pid = supervisor.pidOf(0) ?? 0;
    await supervisor.kill(0);
    t.notOk(isAlive(pid));
    await supervisor.start(0, DEADLINE_MS);
    t.not(supervisor.pidOf(0), pid);
    const first = await Promise.race([crashed, Promise.resolve("nothing")]);
    t.equal(first, "nothing");
  });
});

t.test("start: a process that ends before it is ready, rejected with its exit code and last log lines", async (t) => {
  await withSupervisor(["failing"], async ({ supervisor }) => {
    const error = await supervisor.start(0, DEADLINE_MS).catch((reason: unknown) => reason);
    t.ok(error instanceof ProcessEnded);
    if (error instanceof ProcessEnded) {
      t.match(error.exit, { index: 0, exitCode: 3, signal: null });
      t.match(error.message, /ended with exit code 3.*the disk is on fire/s);
      t.equal(error.exitCode, 127);
    }
  });
});

t.test("start: a process that never says that it is ready, rejected after the deadline", async (t) => {
  await withSupervisor(["silent"], async ({ supervisor }) => {
    await t.rejects(supervisor.start(0, 50), { code: "liveness", message: /validator 0 is not ready after 50 ms/ });
  });
});

t.test("start: a command that does not exist, rejected as environment", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "sealstone-test-"));
  const commandLine = { command: join(directory, "no-such-runtime"), args: [], env: {} };
  const supervisor = createSupervisor({
    plans: [{ index: 0, name: "validator 0", runtime: "node", commandLine, input: "", logPath: join(directory, "log") }],
    cwd: directory,
    env: {},
    onCrash: () => t.fail("it never ran"),
  });
  await t.rejects(supervisor.start(0, DEADLINE_MS), { exitCode: 2, message: /could not start/ });
  await rm(directory, { recursive: true });
});

t.test("createSupervisor: a ready process that ends by itself, onCrash gets code and last words", async (t) => {
  await withSupervisor(["crashing"], async ({ supervisor, crashed }) => {
    await supervisor.start(0, DEADLINE_MS);
    process.kill(supervisor.pidOf(0) ?? 0, "SIGUSR2");
    const exit = await crashed;
    t.match(exit, { index: 0, exitCode: 70, logTail: ["last words"] });
    t.equal(supervisor.stateOf(0), "stopped");
  });
});

t.test("runtimeOf: mixed alternates; commandLineOf names the runtime and the script", async (t) => {
  t.same(
    [0, 1, 2, 3].map((index) => runtimeOf("mixed", index)),
    ["node", "deno", "node", "deno"],
  );
  t.equal(runtimeOf("deno", 0), "deno");
  for (const runtime of ["node", "deno"] as const) {
    const line = commandLineOf(runtime, "scripts/validator.ts", ["--config", "c"]);
    t.match(line.command, new RegExp(runtime));
    t.match(line.args.at(-3), /scripts.validator\.ts$/);
    t.same(line.args.slice(-2), ["--config", "c"]);
  }
});
