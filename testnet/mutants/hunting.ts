/** Hunts one planted bug: a process of its own runs case after case with the bug until an invariant is violated. A violation counts
 *  only if the same case passes without the bug, in a process without it; else the hunt goes on behind that case.
 *  Touches only processes that it started itself; none of them outlives it. */

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { TestnetFailure } from "../failure.ts";
import { OWN_RUNTIME, PROJECT_ROOT } from "../runtimes.ts";
import type { Mutant } from "./mutant.ts";
import { type CaseName, type Finding, type HuntEvent, type HuntOrder, parseHuntEvent } from "./protocol.ts";

export interface HuntResult {
  readonly mutant: Mutant;
  readonly outcome: "killed" | "survived";
  /** Until it was found, or until we gave up; what was spent on judging cases without the bug is not counted. */
  readonly seconds: number;
  /** Cases that were run with the bug. */
  readonly cases: number;
  readonly found: { readonly case: CaseName; readonly finding: Finding } | undefined;
  /** Cases that fail without the bug as well, and so prove nothing. */
  readonly unsound: readonly string[];
  /** The case that did not end, when the process had to be ended. */
  readonly stuckIn: string | undefined;
}

export interface Hunter {
  /** Rejects with TestnetFailure "environment" when the bug does not fit the sources or the process cannot run. */
  hunt(mutant: Mutant, seconds: number): Promise<HuntResult>;
  /** Ends all processes at once. */
  endAll(): void;
}

/** A case under way may take this much longer than the time that is given. */
const GRACE_SECONDS = 60;
/** A run makes much short-lived garbage. */
const V8_FLAGS = "--max-semi-space-size=16";
const STDERR_CHARACTERS_MAX = 4_000;

interface Outcome {
  readonly event: Exclude<HuntEvent, { readonly type: "case" }> | undefined;
  /** The last case that was begun. */
  readonly last: CaseName | undefined;
  readonly seconds: number;
}

export function createHunter(): Hunter {
  const running = new Set<ChildProcess>();
  const controls = new Map<number, Promise<boolean>>();

  /** Does the case pass without a bug? Asked once per case. */
  function isSound(index: number): Promise<boolean> {
    const known = controls.get(index);
    if (known !== undefined) return known;
    const asked = runHunt(running, { mutant: undefined, from: index, count: 1, seconds: GRACE_SECONDS }).then(
      ({ event }) => event?.type === "nothing",
    );
    controls.set(index, asked);
    return asked;
  }

  async function hunt(mutant: Mutant, seconds: number): Promise<HuntResult> {
    const unsound: string[] = [];
    let spent = 0;
    let cases = 0;
    for (let from: HuntOrder["from"] = mutant.class === "sealing" ? "sealed" : 0; ; ) {
      const order: HuntOrder = { mutant: mutant.name, from, count: Number.MAX_SAFE_INTEGER, seconds: seconds - spent };
      const { event, last, seconds: taken } = await runHunt(running, order);
      spent += taken;
      cases += event?.cases ?? (last === undefined || from === "sealed" ? 0 : last.index - from + 1);
      const ended = { mutant, seconds: spent, cases, unsound };
      if (event === undefined) return { ...ended, outcome: "survived", found: undefined, stuckIn: last?.name };
      if (event.type === "nothing") return { ...ended, outcome: "survived", found: undefined, stuckIn: undefined };
      if (await isSound(event.case.index)) return { ...ended, outcome: "killed", found: event, stuckIn: undefined };
      unsound.push(event.case.name);
      if (spent >= seconds) return { ...ended, outcome: "survived", found: undefined, stuckIn: undefined };
      from = event.case.index + 1;
    }
  }

  return {
    hunt,
    endAll() {
      for (const child of running) child.kill("SIGKILL");
    },
  };
}

/** Hunts one bug and ends whatever it started. */
export async function huntMutant(mutant: Mutant, seconds: number): Promise<HuntResult> {
  const hunter = createHunter();
  try {
    return await hunter.hunt(mutant, seconds);
  } finally {
    hunter.endAll();
  }
}

/** The command that runs a case with the bug, for people. */
export function replayCommand(mutant: Mutant, found: CaseName): string {
  const runtime = OWN_RUNTIME === "deno" ? "deno run -A --preload" : "node --import";
  const words = [`SEALSTONE_MUTANT=${mutant.name}`, runtime, "./testnet/mutants/preload.ts", "scripts/simulate.ts", ...found.replay];
  return words.join(" ");
}

function runHunt(running: Set<ChildProcess>, order: HuntOrder): Promise<Outcome> {
  const script = join(PROJECT_ROOT, "testnet", "mutants", "hunt.ts");
  const flags = OWN_RUNTIME === "deno" ? ["run", "-A", "--no-prompt", `--v8-flags=${V8_FLAGS}`] : [V8_FLAGS];
  const args = [...flags, script, JSON.stringify(order)];
  const startedMs = performance.now();
  // Standard input stays open: its end tells the process that we are gone.
  const child = spawn(process.execPath, args, { cwd: PROJECT_ROOT, stdio: ["pipe", "pipe", "pipe"], windowsHide: true });
  running.add(child);
  child.stdin.on("error", () => undefined);
  let errors = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text: string) => {
    errors = (errors + text).slice(-STDERR_CHARACTERS_MAX);
  });
  let last: CaseName | undefined;
  let event: Outcome["event"];
  let isOverdue = false;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const said = parseHuntEvent(line);
    if (said?.type === "case") last = said.case;
    else if (said !== undefined) event = said;
  });
  const deadline = setTimeout(
    () => {
      isOverdue = true;
      child.kill("SIGKILL");
    },
    (order.seconds + GRACE_SECONDS) * 1_000,
  );
  return new Promise((resolve, reject) => {
    const finish = (why: string | undefined): void => {
      clearTimeout(deadline);
      running.delete(child);
      if (event !== undefined || isOverdue) resolve({ event, last, seconds: (performance.now() - startedMs) / 1_000 });
      else reject(new TestnetFailure("environment", `the hunt for ${order.mutant ?? "nothing"} ended ${why ?? "early"}: ${errors.trim()}`));
    };
    child.once("error", (error) => finish(`before it began (${error.message})`));
    child.once("close", (code, signal) => finish(signal === null ? `with exit code ${code}` : `by ${signal}`));
  });
}
