/** The hunting process: plants one bug before anything else is loaded, then runs case after case. Started by `hunting.ts` with an order as
 *  its argument; says what it does in JSON lines. Ends when nobody listens any more. */

import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { messageOf } from "../failure.ts";
import { type AppliedMutant, applyMutant } from "./apply.ts";
import { MutantDoesNotFit } from "./mutant.ts";
import type { Finding, HuntEvent, HuntOrder } from "./protocol.ts";
import { findMutant } from "./table.ts";

const ENVIRONMENT_EXIT_CODE = 2;

function say(event: HuntEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function plant(name: string): AppliedMutant {
  const mutant = findMutant(name);
  if (mutant === undefined) throw new MutantDoesNotFit(`${name} names no planted bug`);
  return applyMutant(mutant);
}

async function hunt(order: HuntOrder): Promise<void> {
  const startedMs = performance.now();
  const applied = order.mutant === undefined ? undefined : plant(order.mutant);
  // Only now, so that the bug is in force in all that is loaded.
  const [{ caseAt, firstSealedCase }, { runScenario }] = await Promise.all([import("./cases.ts"), import("../simulator/run.ts")]);
  const [missing] = applied?.notLoaded ?? [];
  if (missing !== undefined) throw new MutantDoesNotFit(`the simulator does not load ${missing}, so ${order.mutant} has no effect`);
  const from = order.from === "sealed" ? firstSealedCase() : order.from;
  let cases = 0;
  while (cases < order.count && performance.now() - startedMs < order.seconds * 1_000) {
    const next = caseAt(from + cases);
    say({ type: "case", case: next.name });
    const finding = judge(() => runScenario(next.scenario).violation);
    cases++;
    if (finding !== undefined) return say({ type: "found", case: next.name, finding, cases });
    // Lets the end of standard input through.
    await setImmediate();
  }
  say({ type: "nothing", cases });
}

/** A run that throws has found something too: the same case without the bug tells whether it was the bug. */
function judge(run: () => Finding | undefined): Finding | undefined {
  try {
    const violation = run();
    if (violation === undefined) return undefined;
    const { invariant, kind, detail } = violation;
    return { invariant, kind, detail };
  } catch (error) {
    return { invariant: "noCrash", kind: "crash", detail: `the run itself failed: ${messageOf(error)}` };
  }
}

process.stdin.on("end", () => process.exit(ENVIRONMENT_EXIT_CODE));
process.stdin.resume();
hunt(JSON.parse(process.argv[2] ?? "{}") as HuntOrder).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(ENVIRONMENT_EXIT_CODE);
  },
);
