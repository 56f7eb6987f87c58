/** Command lines: named options, each mistake a NodeError "usage" that says what to do, and results as JSON on stdout. */

import process from "node:process";
import { parseArgs } from "node:util";
import { z } from "zod";
import { messageOf, NodeError } from "./errors.ts";

type OptionTable = Readonly<Record<string, { readonly type: "string" | "boolean"; readonly short?: string }>>;

/** Options only: a word that is none is a mistake, such as a command that there is not. */
export function parse(arguments_: readonly string[], options: OptionTable) {
  const parsed = parseWithFiles(arguments_, options);
  const [word] = parsed.positionals;
  if (word !== undefined) throw new NodeError("usage", `${JSON.stringify(word)} is no command or option of this program; see --help.`);
  return parsed;
}

/** Words that are no options are file names. */
export function parseWithFiles(arguments_: readonly string[], options: OptionTable) {
  try {
    return parseArgs({ args: [...arguments_], options, allowPositionals: true, strict: true });
  } catch (cause) {
    throw new NodeError("usage", `${messageOf(cause)}\nSee --help.`, { cause });
  }
}

export const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

export function required(value: unknown, name: string): string {
  const text = textOf(value);
  if (text === undefined || text === "") throw new NodeError("usage", `${name} is needed. See --help.`);
  return text;
}

export function integerOf(
  value: unknown,
  range: { readonly name: string; readonly fallback: number; readonly min: number; readonly max: number },
): number {
  const { name, fallback, min, max } = range;
  if (value === undefined) return fallback;
  const parsed = z.coerce.number().int().min(min).max(max).safeParse(value);
  if (!parsed.success) throw new NodeError("usage", `${name} must be a whole number from ${min} to ${max}`);
  return parsed.data;
}

export function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}
