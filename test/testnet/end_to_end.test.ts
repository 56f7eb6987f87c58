/** The command as a user runs it: real validator processes over libp2p. Judged by its events, its exit code, and by what is left. */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import t, { type Test } from "tap";
import { findRuntime } from "../../scripts/gate/runtimes.ts";
import { commandLineOf, OWN_RUNTIME, PROJECT_ROOT } from "../../testnet/runtimes.ts";
import type { Summary } from "../../testnet/summary.ts";

/** The deadline of the whole file; on a machine with two busy cores it takes half a minute. */
t.setTimeout(240_000);

interface Event {
  readonly type: string;
  readonly pid?: number;
  readonly directory?: string;
}

interface Outcome {
  readonly exitCode: number | null;
  readonly events: readonly Event[];
  readonly summary: Summary;
  readonly stderr: string;
  /** Of every validator process that was ever ready. */
  readonly pids: readonly number[];
  readonly directory: string;
}

/** Runs the testnet with --json; `onEvent` may act on what it says. */
async function runTestnet(
  args: readonly string[],
  onEvent: (event: Event, testnetPid: number) => void = () => undefined,
): Promise<Outcome> {
  const line = commandLineOf(OWN_RUNTIME, "scripts/testnet.ts", ["--json", ...args]);
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(line.command, line.args, { cwd: PROJECT_ROOT, env: { ...env, ...line.env }, stdio: ["ignore", "pipe", "pipe"] });
  const events: Event[] = [];
  let stderr = "";
  let rest = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdout.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const text of lines) {
      const event = JSON.parse(text) as Event;
      events.push(event);
      onEvent(event, child.pid ?? 0);
    }
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return {
    exitCode,
    events,
    summary: events.at(-1) as unknown as Summary,
    stderr,
    pids: events.flatMap(({ type, pid }) => (type === "ready" && pid !== undefined ? [pid] : [])),
    directory: events.find(({ type }) => type === "cluster")?.directory ?? "",
  };
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

function checkNothingLeft(t: Test, outcome: Outcome): void {
  t.notOk(outcome.pids.some(isAlive), "no validator is left");
  t.not(outcome.directory, "");
  t.notOk(existsSync(outcome.directory), "no file is left");
}

function checkAgreement(t: Test, { summary, stderr, exitCode }: Outcome): void {
  t.match(summary, { type: "summary", ok: true, validators: 4, stateRootsEqual: true, conflicts: 0 }, stderr);
  t.equal(exitCode, 0);
  t.ok(summary.finalizedHeight > 1 && summary.blocks > 1, "blocks became final and were compared");
  t.ok(summary.firstFinalMs !== null && summary.firstFinalMs > 0);
  t.ok(summary.transactions.finalized > 0, "transactions became final");
  t.equal(summary.transactions.refused, 0);
}

t.test("testnet: four validators under load, all submitted is final, roots are equal, nothing is left", async (t) => {
  const outcome = await runTestnet(["--duration", "3", "--load", "100", "--operations-per-transaction", "2"]);
  checkAgreement(t, outcome);
  const { transactions, finalityMs } = outcome.summary;
  t.equal(transactions.finalized, transactions.submitted);
  t.equal(transactions.unfinished, 0);
  t.ok(finalityMs.p50 !== null && finalityMs.p99 !== null && finalityMs.p50 <= finalityMs.p99);
  t.equal(outcome.pids.length, 4);
  checkNothingLeft(t, outcome);
});

t.test("testnet: --sealed beside the load, the key is waited for, all of both is executed", async (t) => {
  const args = ["--duration", "4", "--load", "40", "--sealed", "40", "--operations-per-transaction", "2"];
  const outcome = await runTestnet(args);
  checkAgreement(t, outcome);
  t.match(outcome.stderr, /sealing key ready after \d+ ms/);
  t.match(
    outcome.events.find(({ type }) => type === "sealingKey"),
    { keyId: /^[0-9a-f]{64}$/, threshold: 3 },
  );
  const { sealed, transactions } = outcome.summary;
  t.equal(transactions.finalized, transactions.submitted, "open ones are counted by themselves");
  if (sealed === undefined) throw new Error("the summary has no sealed part");
  t.ok(sealed.submitted > 40, "sealed ones were submitted");
  t.equal(sealed.ordered, sealed.submitted, "each sealed one is ordered once");
  t.equal(sealed.opened, sealed.submitted, "each sealed one is opened");
  t.match(sealed, { failed: 0, refused: 0, unfinished: 0 });
  for (const { p50, p99 } of [sealed.openMs, sealed.finalityMs]) t.ok(p50 !== null && p99 !== null && p50 <= p99);
  checkNothingLeft(t, outcome);
});

t.test("testnet: --builders with --kill-builders, they build and pay, bundles run, and without them no view is lost", async (t) => {
  const outcome = await runTestnet(["--duration", "8", "--load", "40", "--builders", "2", "--kill-builders"]);
  checkAgreement(t, outcome);
  const { builders, transactions } = outcome.summary;
  if (builders === undefined) throw new Error("the summary has no part about builders");
  t.equal(transactions.finalized, transactions.submitted);
  const built = Object.values(builders.blocksByBuilder).reduce((total, count) => total + count, 0);
  t.ok(built > 5, `${built} blocks by builders`);
  t.ok(builders.bids >= built && BigInt(builders.paid) >= BigInt(built), "every block was bid for and paid");
  t.ok(builders.bundles.transactionsIncluded > 0, "private bundles ran");
  t.ok(builders.killed !== undefined && builders.killed.blocksAfter > 5, "blocks keep coming");
  checkNothingLeft(t, outcome);
});

const missing = (["node", "deno"] as const).find((name) => findRuntime(name) === undefined);
const skip = missing === undefined ? false : `${missing} is not installed`;

t.test("testnet: Node and Deno mixed with --kill-one, progress meanwhile, it catches up, all agree", { skip }, async (t) => {
  const outcome = await runTestnet(["--duration", "6", "--load", "50", "--runtime", "mixed", "--kill-one"]);
  checkAgreement(t, outcome);
  const { killOne, restarted } = outcome.summary;
  t.equal(restarted, 1);
  t.match(killOne, { validator: 3 });
  t.ok((killOne?.finalizedWhileDown ?? 0) > 0, "blocks became final while it was down");
  t.ok(killOne?.caughtUpMs !== undefined, "it caught up");
  t.equal(outcome.pids.length, 5);
  checkNothingLeft(t, outcome);
});

t.test("testnet: SIGINT without --duration, ends well, checks what there was, nothing is left", async (t) => {
  const outcome = await runTestnet(["--application", "null", "--payload-bytes", "64"], (event, pid) => {
    if (event.type === "progress") process.kill(pid, "SIGINT");
  });
  checkAgreement(t, outcome);
  checkNothingLeft(t, outcome);
});

t.test("testnet: a validator dies, exit code 127 and an account of it, nothing is left", async (t) => {
  const ready: number[] = [];
  const outcome = await runTestnet(["--duration", "60", "--load", "0"], (event) => {
    if (event.type === "ready" && event.pid !== undefined) ready.push(event.pid);
    if (event.type === "cluster") process.kill(ready[2] as number, "SIGKILL");
  });
  t.equal(outcome.exitCode, 127);
  t.match(outcome.summary, { ok: false, exitCode: 127, failure: { code: "crash", message: /^validator \d .*ended by SIGKILL/ } });
  checkNothingLeft(t, outcome);
});

t.test("testnet: a senseless value, exit code 1 and one precise line, nothing started", async (t) => {
  const line = commandLineOf(OWN_RUNTIME, "scripts/testnet.ts", ["--validators", "many"]);
  const child = spawn(line.command, line.args, { cwd: PROJECT_ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on("close", resolve));
  t.equal(exitCode, 1);
  t.equal(stderr, 'testnet: --validators must be a whole number from 1 to 64, not "many"\n');
});
