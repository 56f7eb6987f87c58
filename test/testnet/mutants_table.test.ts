/** The table of planted bugs against the sources as they are: every edit fits exactly once, the result is still TypeScript, and
 *  nothing that has to be planted is missing. Whether the bugs are found is what `npm run mutants` measures. */

import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import t from "tap";
import { CANARY } from "../../testnet/mutants/canary.ts";
import {
  type Edit,
  editsOf,
  filesOf,
  MUTANT_CLASSES,
  type Mutant,
  MutantDoesNotFit,
  mutate,
  occurrencesOf,
} from "../../testnet/mutants/mutant.ts";
import { SECOND_GUARDS } from "../../testnet/mutants/second_guards.ts";
import { findMutant, MUTANTS } from "../../testnet/mutants/table.ts";
import { PROJECT_ROOT } from "../../testnet/runtimes.ts";

const MUTANTS_MIN = 50;

const texts = new Map<string, string>();

function sourceOf(file: string): string {
  const text = texts.get(file) ?? readFileSync(join(PROJECT_ROOT, file), "utf8");
  texts.set(file, text);
  return text;
}

/** An error of the compiler, or undefined. */
function faultOf(text: string): string | undefined {
  try {
    stripTypeScriptTypes(text);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

t.test("MUTANTS: each edit's text occurs exactly once, the mutated file still parses and differs", async (t) => {
  for (const mutant of MUTANTS) {
    for (const { file, find } of editsOf(mutant)) t.equal(occurrencesOf(sourceOf(file), find), 1, `${mutant.name}: ${file}`);
    for (const file of filesOf(mutant)) {
      const mutated = mutate(sourceOf(file), mutant, file);
      t.not(mutated, sourceOf(file), `${mutant.name} changes ${file}`);
      t.equal(faultOf(mutated), undefined, `${mutant.name}: ${file} parses`);
    }
  }
});

t.test("MUTANTS: names are unique kebab-case, no two are the same change, rules and sentences are there", async (t) => {
  const names = new Set(MUTANTS.map(({ name }) => name));
  t.equal(names.size, MUTANTS.length);
  t.ok(MUTANTS.length >= MUTANTS_MIN, `${MUTANTS.length} mutants`);
  const changes = new Set(MUTANTS.map((mutant) => JSON.stringify(editsOf(mutant))));
  t.equal(changes.size, MUTANTS.length);
  for (const { name, rule, what, needs } of MUTANTS) {
    t.match(name, /^[a-z]+(-[a-z]+)*$/, name);
    t.match(rule, /^(R([1-9]|1[0-4])|L([1-9]|1[0-9]|2[0-2])|B[1-9]|M[1-5]|SL[1-5]|C[1-6]|N[1-4]|O[1-5]|G[1-6])$/, `${name}: rule`);
    for (const sentence of [what, ...(needs === undefined ? [] : [needs])]) t.match(sentence, /^[A-Z].*[^.]\.$/, `${name}: a sentence`);
  }
});

t.test("MUTANTS: every class and each of the ten failures is planted, and the canary exists", async (t) => {
  for (const each of MUTANT_CLASSES) t.ok(MUTANTS.filter((mutant) => mutant.class === each).length >= 2, `class ${each}`);
  for (let failure = 1; failure <= 10; failure++)
    t.ok(
      MUTANTS.some((mutant) => mutant.failure === failure),
      `failure ${failure}`,
    );
  t.ok(findMutant(CANARY));
  t.equal(findMutant("nothing-of-the-kind"), undefined);
});

interface Condition {
  readonly function: string;
  readonly reason: string;
  /** Position of the condition's line. */
  readonly from: number;
  readonly to: number;
}

/** The lines of a rule file that refuse something, with the function that they stand in. */
function conditionsOf(text: string): readonly Condition[] {
  const conditions: Condition[] = [];
  let name = "";
  let from = 0;
  for (const line of text.split("\n")) {
    name = /^export function (\w+)/.exec(line)?.[1] ?? name;
    const reason = /^ {2}if .*return (?:refuse\()?"(\w+)"/.exec(line)?.[1];
    if (reason !== undefined) conditions.push({ function: name, reason, from, to: from + line.length });
    from += line.length + 1;
  }
  return conditions;
}

/** Where an edit begins and ends to differ from the text. */
function changedSpan(text: string, { find, replace }: Edit): { readonly from: number; readonly to: number } {
  let head = 0;
  while (head < find.length && find[head] === replace[head]) head++;
  let tail = 0;
  while (tail < Math.min(find.length, replace.length) - head && find.at(-1 - tail) === replace.at(-1 - tail)) tail++;
  const at = text.indexOf(find);
  return { from: at + head, to: at + find.length - tail };
}

t.test(
  "R2, R4, R5: every condition of the safety rules and header checks is planted, or listed with the guard that makes it a second one",
  async (t) => {
    for (const file of ["consensus/safety_rules.ts", "consensus/proposal_check.ts"]) {
      const text = sourceOf(file);
      const spans = MUTANTS.flatMap(editsOf)
        .filter((edit) => edit.file === file)
        .map((edit) => changedSpan(text, edit));
      const conditions = conditionsOf(text);
      t.ok(conditions.length >= 9, `${file}: ${conditions.length} conditions`);
      for (const condition of conditions) {
        const isPlanted = spans.some(({ from, to }) => from < condition.to && to > condition.from);
        const isListed = SECOND_GUARDS.some(
          (guard) => guard.file === file && guard.function === condition.function && guard.reason === condition.reason,
        );
        // The lag's threshold stands in the line above the condition that uses it.
        const isElsewhere = condition.reason === "executionLag";
        t.ok(isPlanted !== isListed || isElsewhere, `${file}: ${condition.function} ${condition.reason} is planted or listed`);
      }
      const known = new Set(conditions.map((condition) => `${condition.function}/${condition.reason}`));
      for (const guard of SECOND_GUARDS.filter((each) => each.file === file))
        t.ok(known.has(`${guard.function}/${guard.reason}`), `${guard.reason} exists`);
    }
  },
);

const sample = (edit: Partial<Mutant>): Mutant => ({
  name: "sample",
  rule: "R1",
  class: "views",
  what: "A sample.",
  file: "a.ts",
  find: "one",
  replace: "two",
  ...edit,
});

t.test("mutate: a text that occurs not at all, twice, or is not changed, is refused with the mutant's and the file's name", async (t) => {
  t.equal(mutate("one three", sample({}), "a.ts"), "two three");
  t.equal(mutate("one three", sample({ replace: "$& $1" }), "a.ts"), "$& $1 three", "the replacement is taken literally");
  for (const [text, edit] of [
    ["three", {}],
    ["one one", {}],
    ["aaa", { find: "aa" }],
    ["one", { replace: "one" }],
    ["one", { find: "" }],
  ] as const) {
    t.throws(() => mutate(text, sample(edit), "a.ts"), MutantDoesNotFit);
  }
  t.throws(() => mutate("three", sample({}), "a.ts"), /sample does not fit a\.ts: its text occurs 0 times/);
});

t.test("mutate: the edits of another file are left out, and those of one file are made one after the other", async (t) => {
  const mutant = sample({
    also: [
      { file: "b.ts", find: "x", replace: "y" },
      { file: "a.ts", find: "four", replace: "five" },
    ],
  });
  t.same(filesOf(mutant), ["a.ts", "b.ts"]);
  t.equal(mutate("one four", mutant, "a.ts"), "two five");
  t.equal(mutate("x", mutant, "b.ts"), "y");
});
