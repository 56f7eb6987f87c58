/** What a planted bug is, and how it is put into a source text. Pure: reads no file and loads nothing.
 *  A mutant breaks one rule, the way a developer could have. Where the product guards a rule twice, `also` names the second guard, so
 *  that it is the rule that is missing and not one of its two halves. */

/** Which part of the product a mutant breaks; a test asks that none is left out. */
export const MUTANT_CLASSES = [
  "safetyRules",
  "persistence",
  "quorum",
  "certificates",
  "proposals",
  "views",
  "evidence",
  "bounds",
  "bodies",
  "finality",
  "catchUp",
  "conservation",
  "replay",
  "operations",
  "pool",
  "sealing",
  "builders",
] as const;
export type MutantClass = (typeof MUTANT_CLASSES)[number];

/** The numbered failures at the end of consensus/README.md. */
export type FailureNumber = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

export interface Edit {
  /** Relative to the project. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant extends Edit {
  /** kebab-case, unique. */
  readonly name: string;
  /** Of the specification that the file belongs to: R1 to R14, L1 to L22, B1 to B9, M1 to M5, SL1 to SL5, C1 to C6, N1 to N4, O1 to O5, G1 to G6. */
  readonly rule: string;
  readonly class: MutantClass;
  /** The bug in one sentence. */
  readonly what: string;
  /** What a history needs to show it, where that is not obvious. */
  readonly needs?: string;
  readonly failure?: FailureNumber;
  readonly also?: readonly Edit[];
}

/** The table does not fit the sources any more: an edit has to be brought up to date. */
export class MutantDoesNotFit extends Error {
  override readonly name = "MutantDoesNotFit";
}

export function editsOf(mutant: Mutant): readonly Edit[] {
  const { file, find, replace } = mutant;
  return [{ file, find, replace }, ...(mutant.also ?? [])];
}

/** The files that a mutant touches, each once. */
export function filesOf(mutant: Mutant): readonly string[] {
  return [...new Set(editsOf(mutant).map(({ file }) => file))];
}

/** The text of `file` with the mutant's edits. Throws MutantDoesNotFit unless each edit fits exactly once and changes something. */
export function mutate(text: string, mutant: Mutant, file: string): string {
  let mutated = text;
  for (const edit of editsOf(mutant)) if (edit.file === file) mutated = replaceOnce(mutated, edit, mutant.name);
  return mutated;
}

/** How often `find` occurs; overlapping occurrences count. */
export function occurrencesOf(text: string, find: string): number {
  let count = 0;
  for (let at = text.indexOf(find); at >= 0; at = text.indexOf(find, at + 1)) count++;
  return count;
}

function replaceOnce(text: string, { file, find, replace }: Edit, name: string): string {
  const count = find === "" ? 0 : occurrencesOf(text, find);
  if (count !== 1) {
    throw new MutantDoesNotFit(`the mutant ${name} does not fit ${file}: its text occurs ${count} times, not once:\n${find}`);
  }
  if (find === replace) throw new MutantDoesNotFit(`the mutant ${name} changes nothing in ${file}`);
  const at = text.indexOf(find);
  return text.slice(0, at) + replace + text.slice(at + find.length);
}
