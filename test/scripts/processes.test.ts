/** Child processes of the gate: output, exit codes, deadlines, and that nothing of a group survives. The children are small
 *  programs for the running runtime itself, given on its command line. */

import t from "tap";
import { type ProcessPlan, runBounded, runProcess } from "../../scripts/gate/processes.ts";

const DEADLINE_MS = 60_000;
const isDeno = "deno" in process.versions;

/** Runs `code`, with `process` and `spawn` in scope. */
function plan(code: string, deadlineMs = DEADLINE_MS): ProcessPlan {
  const program = `import process from "node:process"; import { spawn } from "node:child_process"; ${code}`;
  const args = isDeno ? ["eval", program] : ["--input-type=module", "--eval", program];
  return { command: process.execPath, args, cwd: process.cwd(), env: { SEALSTONE_TEST_WORD: "word" }, deadlineMs };
}

t.test("runProcess: a process that ends by itself, its output, environment and exit code", async (t) => {
  const result = await runProcess(
    plan("process.stdout.write(process.env.SEALSTONE_TEST_WORD); process.stderr.write('oops'); process.exit(3);"),
  );
  t.match(result, { exitCode: 3, isOverdue: false, stdout: "word", stderr: "oops" });
});

t.test("runProcess: a process that never ends, it is ended at the deadline and said to be overdue", async (t) => {
  const result = await runProcess(plan("process.stdout.write('begun'); setInterval(() => {}, 1000);", 2_000));
  t.equal(result.isOverdue, true);
  t.equal(result.exitCode, undefined);
});

t.test("runProcess: a command that does not exist, a result that says so", async (t) => {
  const result = await runProcess({ ...plan(""), command: "/nowhere/at/all" });
  t.equal(result.exitCode, undefined);
  t.match(result.stderr, "could not start /nowhere/at/all");
});

t.test("runProcess: a child that leaves a grandchild holding its output, both are gone when it returns", async (t) => {
  const forever = JSON.stringify([isDeno ? "eval" : "--eval", "setInterval(() => {}, 1000)"]);
  const code = `const c = spawn(process.execPath, ${forever}, { stdio: "inherit" }); process.stdout.write(String(c.pid), () => process.exit(0));`;
  const result = await runProcess(plan(code));
  t.equal(result.exitCode, 0);
  t.equal(result.isOverdue, false, "it returned although the grandchild held the pipe");
  t.match(result.stdout, /^\d+$/);
});

t.test("runBounded: jobs, never more than allowed at once, results in order", async (t) => {
  let running = 0;
  let runningMax = 0;
  const jobs = Array.from({ length: 7 }, (_, index) => async () => {
    runningMax = Math.max(runningMax, ++running);
    for (let turn = 0; turn <= 7 - index; turn++) await Promise.resolve();
    running--;
    return index;
  });
  t.same(await runBounded(jobs, 2), [0, 1, 2, 3, 4, 5, 6]);
  t.equal(runningMax, 2);
});
