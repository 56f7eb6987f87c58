/** The hunt for planted bugs: its command line, its report, and the canary in a process of its own on the runtime of this test. */

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import t from "tap";
import { TestnetFailure } from "../../testnet/failure.ts";
import { CANARY } from "../../testnet/mutants/canary.ts";
import { type HuntResult, huntMutant, replayCommand } from "../../testnet/mutants/hunting.ts";
import type { Mutant } from "../../testnet/mutants/mutant.ts";
import { MUTANTS_USAGE, type MutantOptions, parseMutantOptions } from "../../testnet/mutants/options.ts";
import { parseHuntEvent } from "../../testnet/mutants/protocol.ts";
import { describeResult, describeSummary, eventOf, summaryOf } from "../../testnet/mutants/report.ts";
import { findMutant, MUTANTS } from "../../testnet/mutants/table.ts";
import { OWN_RUNTIME, PROJECT_ROOT } from "../../testnet/runtimes.ts";

const CANARY_SECONDS = 60;

function mutantOf(name: string): Mutant {
  const mutant = findMutant(name);
  if (mutant === undefined) throw new Error(`${name} is in the table`);
  return mutant;
}

function optionsOf(...args: readonly string[]): MutantOptions {
  const parsed = parseMutantOptions(args);
  if (parsed.type !== "run") throw new Error("these arguments run something");
  return parsed.options;
}

t.test("huntMutant: the canary, found by a case that passes without it", async (t) => {
  const result = await huntMutant(mutantOf(CANARY), CANARY_SECONDS);
  t.match(result, { outcome: "killed", found: { finding: { kind: /./, invariant: /./, detail: /./ } } });
  t.ok(result.cases >= 1 && result.seconds > 0);
});

t.test("huntMutant: a bug that does not fit the sources, an environment failure that names it", async (t) => {
  const stranger: Mutant = {
    name: "not-in-the-table",
    rule: "R1",
    class: "views",
    file: "a.ts",
    find: "a",
    replace: "b",
    what: "Nothing.",
  };
  await t.rejects(huntMutant(stranger, 1), { code: "environment", message: /not-in-the-table/ });
});

/** What a process with this bug planted, or none, answers. */
function probe(...names: readonly string[]): unknown {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const args = [...(OWN_RUNTIME === "deno" ? ["run", "-A"] : []), join(PROJECT_ROOT, "test/testnet/mutants_probe.ts"), ...names];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: PROJECT_ROOT, env, encoding: "utf8" }));
}

t.test("applyMutant: the bug is in force where it is planted, what is not loaded yet is named, without it nothing differs", async (t) => {
  t.same(probe(), { before: [], after: [], quorum: [false, false, true] });
  t.same(probe("quorum-at-half"), { before: ["types/validator_set.ts"], after: [], quorum: [false, true, true] });
  t.match(probe("votes-again"), { after: ["consensus/safety_rules.ts"], quorum: [false, false, true] });
});

t.test("parseMutantOptions: without arguments all bugs, one at a time; each option is taken", async (t) => {
  t.same(optionsOf(), { mutants: MUTANTS, seconds: 120, jobs: 1, json: false });
  const some = optionsOf("--only", "votes-again", "--only", CANARY, "--seconds", "5", "--jobs=2", "--json");
  t.same(some, { mutants: [mutantOf("votes-again"), mutantOf(CANARY)], seconds: 5, jobs: 2, json: true });
  t.same(parseMutantOptions(["--help", "--seconds", "none"]), { type: "help" });
  t.same(parseMutantOptions(["--list"]), { type: "list" });
  t.match(MUTANTS_USAGE, /Exit codes: 0 all were found, 1 usage, 2 environment .*, 129 one survived/);
});

t.test("parseMutantOptions: every mistake is named with what is allowed", async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["--only quorum", /--only "quorum" names no planted bug; near it: .*quorum-at-half/],
    ["--only nothing-like-it", /--only "nothing-like-it" names no planted bug; --list shows all/],
    ["--seconds 0", /--seconds must be a whole number from 1 to 86400, not "0"/],
    ["--jobs many", /--jobs must be a whole number from 1 to 64, not "many"/],
    ["--jobs 65", /--jobs/],
    ["--fast", /--fast.*--help lists the options/],
    ["votes-again", /votes-again/],
  ];
  for (const [text, expected] of cases) {
    t.throws(() => parseMutantOptions(text.split(" ")), expected, text);
    t.throws(() => parseMutantOptions(text.split(" ")), TestnetFailure, text);
  }
});

t.test("parseHuntEvent: events are read, other lines are not", async (t) => {
  const event = { type: "case", case: { index: 3, name: "seed 2", replay: ["--seed", "2"] } } as const;
  t.same(parseHuntEvent(JSON.stringify(event)), event);
  for (const line of ["", "hello", "{", '{"type":"other"}', "null", "[1]"]) t.equal(parseHuntEvent(line), undefined, line);
});

const found = (name: string, seconds: number): HuntResult => ({
  mutant: mutantOf(name),
  outcome: "killed",
  seconds,
  cases: 4,
  found: {
    case: { index: 3, name: "seed 2", replay: ["--seed", "2"] },
    finding: { invariant: "signedOnce", kind: "safety", detail: "Twice." },
  },
  unsound: [],
  stuckIn: undefined,
});

const lost = (name: string): HuntResult => ({ ...found(name, 9), outcome: "survived", found: undefined });

t.test("summaryOf: killed and survived are counted, the median is of those that were killed", async (t) => {
  const [one, two, three] = ["votes-again", "votes-after-timeout", "votes-without-body"] as const;
  t.same(summaryOf([found(one, 3), lost(two), found(three, 1)]), {
    type: "summary",
    mutants: 3,
    killed: 2,
    survived: [two],
    medianSecondsToKill: 2,
  });
  t.equal(summaryOf([found(one, 3), found(two, 1), found(three, 9)]).medianSecondsToKill, 3);
  t.match(summaryOf([lost(one)]), { killed: 0, medianSecondsToKill: null });
  t.equal(describeSummary(summaryOf([found(one, 1.234)])), "1 of 1 planted bugs found, after 1.23 s in the median");
  t.match(describeSummary(summaryOf([lost(one)])), /^0 of 1 planted bugs found; survived: votes-again$/);
});

t.test("eventOf and describeResult: a kill with its case and replay command, a survivor with what it would take", async (t) => {
  const killed = found("votes-again", 1.5);
  t.match(eventOf(killed), {
    type: "mutant",
    name: "votes-again",
    rule: "R2",
    outcome: "killed",
    seconds: 1.5,
    cases: 4,
    case: "seed 2",
    invariant: "signedOnce",
  });
  const seed = { index: 3, name: "seed 2", replay: ["--seed", "2"] };
  t.match(
    replayCommand(killed.mutant, seed),
    /^SEALSTONE_MUTANT=votes-again .* \.\/testnet\/mutants\/preload\.ts scripts\/simulate\.ts --seed 2$/,
  );
  t.match(describeResult(killed), /^killed +R2 +votes-again +1\.5 s {2}seed 2: signedOnce$/);
  const survivor = lost("votes-after-timeout");
  t.match(eventOf(survivor), { outcome: "survived", invariant: undefined });
  t.match(describeResult(survivor), /survived.*4 cases\n.*given up\.\n +It takes: A proposal that arrives/);
  const strange = { ...survivor, stuckIn: "seed 9", unsound: ["seed 1"] };
  t.match(describeResult(strange), /seed 9 did not end/);
  t.match(describeResult(strange), /fail without the bug too: seed 1/);
  t.match(eventOf(strange), { stuckIn: "seed 9", unsound: ["seed 1"] });
});
