/** House rules that neither the compiler nor the linter sees: import direction, purity, file and function size, names, headers,
 *  rule numbers, links. `npm run tidy [FOLDER]` prints one line per finding, `path:line rule message`, and fails on any. */

import { checkDocuments } from "./tidy/documents.ts";
import { checkFiles } from "./tidy/files.ts";
import { checkImports } from "./tidy/imports.ts";
import { type Finding, readProject } from "./tidy/project.ts";
import { checkPurity } from "./tidy/purity.ts";

/** All findings of the project in `root`, sorted by path and line. */
export function tidyProject(root: string): Finding[] {
  const project = readProject(root);
  const findings = [...checkImports(project), ...checkPurity(project), ...checkFiles(project), ...checkDocuments(project)];
  return findings.sort((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1));
}

function main(): void {
  const findings = tidyProject(process.argv[2] ?? process.cwd());
  for (const { path, line, rule, message } of findings) process.stdout.write(`${path}:${line} ${rule} ${message}\n`);
  process.stdout.write(findings.length === 0 ? "tidy\n" : `${findings.length} findings\n`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}

if (import.meta.main) main();
