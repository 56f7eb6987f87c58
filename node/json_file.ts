/** Reads JSON files that operators write and checks them against a schema, so that every mistake is named by its path in the
 *  file together with what is allowed there. */

import { readFile } from "node:fs/promises";
import type { z } from "zod";
import { messageOf, NodeError, systemCodeOf } from "./errors.ts";

/** Mistakes listed in one message; the rest is counted. */
const ISSUES_SHOWN_MAX = 8;

/** Reads `path` as JSON of `schema`. `what` names the file's role in messages ("configuration", "genesis"). */
export async function readJsonFile<T>(path: string, what: string, schema: z.ZodType<T>): Promise<T> {
  return parseJson(await readTextFile(path, what), `${what} ${path}`, schema);
}

/** Reads a text file; a missing or unreadable one is the operator's mistake. */
export async function readTextFile(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const code = systemCodeOf(cause);
    if (code === "ENOENT") throw new NodeError("usage", `${what} ${path} does not exist; check the path or create the file`, { cause });
    if (code === "EISDIR") throw new NodeError("usage", `${what} ${path} is a directory; name the file inside it`, { cause });
    throw new NodeError("environment", `${what} ${path} cannot be read (${messageOf(cause)}); check its permissions`, { cause });
  }
}

/** Parses JSON text of `schema`; `where` begins every message. */
export function parseJson<T>(text: string, where: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new NodeError("usage", `${where} is not JSON: ${messageOf(cause)}`, { cause });
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new NodeError("usage", `${where} has mistakes:\n${describeIssues(result.error).join("\n")}`);
  return result.data;
}

/** One line for each mistake: `  rpc.port: must be a whole number from 0 to 65535`. */
export function describeIssues(error: z.ZodError): string[] {
  const lines = error.issues.slice(0, ISSUES_SHOWN_MAX).map((issue) => `  ${pathText(issue.path)}: ${issue.message}`);
  const hidden = error.issues.length - lines.length;
  return hidden > 0 ? [...lines, `  and ${hidden} more`] : lines;
}

/** `peers[2].addresses[0]`; the whole document is called "(file)". */
export function pathText(path: readonly PropertyKey[]): string {
  let text = "";
  for (const part of path) text += typeof part === "number" ? `[${part}]` : `${text === "" ? "" : "."}${String(part)}`;
  return text === "" ? "(file)" : text;
}
