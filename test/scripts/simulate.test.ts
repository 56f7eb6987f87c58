/** The simulator's command line as its users meet it: exit codes, the summary, mistakes and the files that it writes. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { runProcess } from "../../scripts/gate/processes.ts";
import { GATE_ENVIRONMENT, OWN_RUNTIME, PROJECT_ROOT, scriptArgs } from "../../scripts/gate/runtimes.ts";
import { parseSimulateOptions } from "../../testnet/simulator/simulate_options.ts";

const folder = mkdtempSync(join(tmpdir(), "sealstone-simulate-"));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

async function simulate(...args: string[]): Promise<{ exitCode: number | undefined; stdout: string; stderr: string }> {
  const plan = { command: process.execPath, args: scriptArgs(OWN_RUNTIME, "scripts/simulate.ts", args), cwd: PROJECT_ROOT };
  return runProcess({ ...plan, env: GATE_ENVIRONMENT, deadlineMs: 120_000 });
}

t.test("simulate: seeds that pass, exit code 0 and the summary last", async (t) => {
  const { exitCode, stdout, stderr } = await simulate("--seeds", "2..4", "--json", "--junit", join(folder, "junit.xml"));
  t.equal(exitCode, 0, stderr);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly type: string; readonly traceHash?: string });
  t.same(
    lines.map(({ type }) => type),
    ["run", "run", "run", "summary"],
  );
  const summary = lines.at(-1);
  t.match(summary, { seeds: 3, passed: 3, failed: [], simulatedSeconds: Number, wallSeconds: Number, eventsPerSecond: Number });
  t.match(summary?.traceHash, /^[0-9a-f]{32}$/);
  t.match(readFileSync(join(folder, "junit.xml"), "utf8"), /tests="3" failures="0"/);
});

t.test("simulate: one seed, all options that it draws on one line, and the run as a page", async (t) => {
  const { exitCode, stdout } = await simulate("--seed", "7", "--report", join(folder, "run.html"));
  t.equal(exitCode, 0);
  t.match(stdout.split("\n")[0], /^name="seed 7" seed=7 expect=pass n=\d+ weights=/);
  t.match(readFileSync(join(folder, "run.html"), "utf8"), /^<!doctype html>/i);
});

t.test("simulate: a scenario that fails, exit code, verdict, first violating event and the command to replay it", async (t) => {
  const file = join(folder, "calm_break.yaml");
  const traitors = "[{ validator: 0, strategy: silentLeader, chance: 1 }, { validator: 1, strategy: silentLeader, chance: 1 }]";
  writeFileSync(
    file,
    `version: 1
name: calm
seed: 1
validators: 4
byzantine: ${traitors}
phases: { faultsMs: 500 }
expect: break
`,
  );
  const { exitCode, stdout } = await simulate("--scenario", file);
  t.equal(exitCode, 129);
  t.match(stdout, /failed: safety, invariant agreement/);
  t.match(stdout, `npm run simulate -- --scenario ${file}`);
});

t.test("simulate: files that are no scenario or cannot be written, exit codes 1 and 2 and what to mend", async (t) => {
  const file = join(folder, "wrong.yaml");
  writeFileSync(file, "version: 1\nname: wrong\nvalidators: 4\nfaults: [{ when: { on: never }, action: { type: crash, validator: 9 } }]\n");
  const wrong = await simulate("--scenario", file);
  t.equal(wrong.exitCode, 1);
  t.match(wrong.stderr, /faults\[?\.?0/);
  const unwritable = await simulate("--seed", "2", "--report", join(folder, "missing", "run.html"));
  t.equal(unwritable.exitCode, 2);
  t.match(unwritable.stderr, /cannot write/);
});

t.test("parseSimulateOptions: ranges, and each mistake with what is allowed", async (t) => {
  const seedsOf = (...args: string[]) => {
    const parsed = parseSimulateOptions(args);
    return parsed.type === "run" ? [parsed.options.first, parsed.options.last] : parsed.type;
  };
  t.same(seedsOf("--seed", "9"), [9, 9]);
  t.same(seedsOf("--seeds", "20"), [1, 20]);
  t.same(seedsOf("--seeds", "5..9"), [5, 9]);
  t.same(seedsOf("--help"), "help");
  for (const [args, message] of [
    [["--seed", "x"], /whole number/],
    [["--seed", "4294967296"], /from 0 to 4294967295/],
    [["--seeds", "9..5"], /is empty/],
    [["--seeds", "0"], /runs nothing/],
    [["--seed", "1", "--seeds", "2"], /exclude each other/],
    [["--minutes", "0"], /above 0/],
    [["--scenario", "f", "--minutes", "1"], /does not go with/],
    [["--sed", "1"], /sed/],
  ] as const) {
    t.throws(() => parseSimulateOptions([...args]), { message }, args.join(" "));
  }
});
