/** `npm run twins` as a process: exit codes, the last line with --json, replay of a file. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { commandLineOf, OWN_RUNTIME, PROJECT_ROOT } from "../../../testnet/runtimes.ts";
import { formatScenario } from "../../../testnet/twins/scenario.ts";

function twins(...args: readonly string[]) {
  const line = commandLineOf(OWN_RUNTIME, "scripts/twins.ts", args);
  const { status, stdout, stderr } = spawnSync(line.command, line.args, {
    cwd: PROJECT_ROOT,
    env: { ...process.env, ...line.env },
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const lastLine = (text: string): Record<string, unknown> => JSON.parse(text.trimEnd().split("\n").at(-1) ?? "") as Record<string, unknown>;

t.test("npm run twins: a run that passes, 0 and a summary line", async (t) => {
  const { status, stdout, stderr } = twins("--rounds", "1", "--phases", "1", "--exhaustive", "--json");
  t.equal(status, 0, stderr);
  t.match(lastLine(stdout), { type: "summary", scenarios: 42, total: "42", violations: [] });
  t.match(stderr, /passed: all honest instances agree/);
});

t.test("npm run twins: disagreement, 129, the scenario as a file, and both ways to replay it", async (t) => {
  const shape = "--validators 4 --twins 2 --rounds 1 --phases 1";
  const found = twins(...shape.split(" "), "--exhaustive");
  t.equal(found.status, 129, found.stderr);
  t.match(found.stdout, /a safety violation \(agreement\): at height 1 instance 2 has final block/);
  const [, index] = /^replay: npm run twins -- .* --index (\d+)$/m.exec(found.stdout) ?? [];
  const again = twins(...shape.split(" "), "--index", index ?? "", "--json");
  t.equal(again.status, 129, again.stderr);
  const { violations } = lastLine(again.stdout) as {
    violations: readonly [{ invariant: string; detail: string; scenario: Parameters<typeof formatScenario>[0] }];
  };
  const [{ invariant, detail, scenario }] = violations;
  t.equal(invariant, "agreement");

  const folder = mkdtempSync(join(tmpdir(), "twins-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "found.json");
  writeFileSync(path, formatScenario(scenario));
  const replayed = twins("--scenario", path);
  t.equal(replayed.status, 129, replayed.stderr);
  t.ok(replayed.stdout.includes(detail), "the same violation");
  t.ok(replayed.stdout.includes(`--scenario ${path}`), "and the command once more");
});

t.test("npm run twins: mistakes, 1 for usage and 2 for a file that cannot be read", async (t) => {
  const usage = twins("--rounds", "0");
  t.equal(usage.status, 1);
  t.match(usage.stderr, /^twins: --rounds must be a whole number/);
  t.match(twins("--rounds", "1", "--phases", "1", "--index", "42"), { status: 1, stderr: /--index must be below 42/ });
  const missing = twins("--scenario", "nowhere/none.json");
  t.equal(missing.status, 2);
  t.match(missing.stderr, /scenario nowhere\/none\.json cannot be read/);
});
