/** Rules about documents: every folder of code opens with a README, every relative link leads to a file of the project, and
 *  every numbered rule of a specification is named in code and in the title of a test. */

import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import ts from "typescript";
import { type Finding, type MarkdownFile, type Project, type SourceFile, walk } from "./project.ts";

/** Specifications with numbered rules, and the letter of their numbers. */
const SPECIFICATIONS = [
  { path: "consensus/README.md", letter: "R" },
  { path: "ledger/README.md", letter: "L" },
  { path: "builder/README.md", letter: "B" },
] as const;

const LINK = /!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)/g;
const HAS_SCHEME = /^[a-z][a-z0-9+.-]*:/i;

export function checkDocuments(project: Project): Finding[] {
  return [...checkReadmes(project), ...project.documents.flatMap((file) => checkLinks(project, file)), ...checkRules(project)];
}

function checkReadmes(project: Project): Finding[] {
  const folders = new Set(project.sources.map((file) => file.folder).filter((folder) => folder !== ""));
  const missing = [...folders].filter((folder) => !project.documents.some(({ path }) => path === `${folder}/README.md`));
  return missing.map((folder) => ({ path: `${folder}/README.md`, line: 1, rule: "readme", message: `folder ${folder} has no README.md` }));
}

function checkLinks(project: Project, file: MarkdownFile): Finding[] {
  let isFenced = false;
  return file.lines.flatMap((text, index): Finding[] => {
    if (text.trimStart().startsWith("```")) isFenced = !isFenced;
    if (isFenced) return [];
    const targets = [...text.replace(/`[^`]*`/g, "").matchAll(LINK)].map((match) => match[1] ?? "");
    return targets.flatMap((target): Finding[] => {
      const reason = brokenLink(project, file.path, target);
      return reason === undefined ? [] : [{ path: file.path, line: index + 1, rule: "link", message: `${target} ${reason}` }];
    });
  });
}

function brokenLink(project: Project, from: string, target: string): string | undefined {
  if (HAS_SCHEME.test(target) || target.startsWith("#")) return undefined;
  const path = decodeURIComponent(target.split("#")[0] ?? "");
  if (path.startsWith("/")) return "is absolute: links are relative";
  const resolved = posix.join(posix.dirname(from), path);
  if (resolved.startsWith("..")) return "leads out of the project";
  return existsSync(join(project.root, resolved)) ? undefined : "leads nowhere";
}

interface SpecificationRule {
  readonly number: string;
  readonly line: number;
  /** Folders that the rule's own text places it in with "(in `folder/`)", besides the specification's. */
  readonly folders: readonly string[];
}

function checkRules(project: Project): Finding[] {
  const titles = project.sources.filter(({ path }) => path.endsWith(".test.ts")).flatMap(testTitles);
  return SPECIFICATIONS.flatMap(({ path, letter }): Finding[] => {
    const document = project.documents.find((file) => file.path === path);
    const folder = path.split("/")[0] ?? "";
    const hasCode = project.sources.some((file) => file.folder === folder);
    if (document === undefined) return [];
    const rules = readRules(document, letter);
    if (rules.length === 0 && hasCode)
      return [{ path, line: 1, rule: "rule-number", message: `no numbered rule (**${letter}1 …**) found` }];
    return rules.flatMap((rule) => checkRule(project, { path, folder, rule, titles }));
  });
}

function checkRule(
  project: Project,
  subject: { readonly path: string; readonly folder: string; readonly rule: SpecificationRule; readonly titles: readonly string[] },
): Finding[] {
  const { path, folder, rule, titles } = subject;
  const findings: Finding[] = [];
  const isNamed = new RegExp(`\\b${rule.number}\\b`);
  const refuse = (message: string): number => findings.push({ path, line: rule.line, rule: "rule-number", message });
  const folders = rule.folders.length > 0 ? rule.folders : [folder];
  for (const each of folders) {
    const isInCode = project.sources.some((file) => file.folder === each && isNamed.test(file.text));
    if (!isInCode) refuse(`${rule.number} is named by no code in ${each}`);
  }
  if (!titles.some((title) => isNamed.test(title))) refuse(`${rule.number} is named in no title of a test`);
  return findings;
}

/** A rule begins where a heading, a list item, a table cell or a paragraph opens with its number, in bold or as a heading. */
function readRules(document: MarkdownFile, letter: string): SpecificationRule[] {
  const opening = new RegExp(`^\\s*(?:#{2,6}\\s+\\**|(?:[-*|]\\s+)?\\*\\*)(${letter}\\d+)\\b`);
  const rules: { number: string; line: number; folders: string[] }[] = [];
  for (const [index, text] of document.lines.entries()) {
    const number = opening.exec(text)?.[1];
    if (number !== undefined && !rules.some((rule) => rule.number === number)) rules.push({ number, line: index + 1, folders: [] });
    else if (text.startsWith("#")) continue;
    const places = [...text.matchAll(/\((?:partly )?in `([a-z0-9_]+)\/[^`]*`\)/g)].map((match) => match[1] ?? "");
    rules.at(-1)?.folders.push(...places);
  }
  return rules;
}

/** Titles of tests: first arguments of calls to `test`, as far as they are literal, and literals elsewhere in a test file that
 *  read like one ("R5: …"), as in tables of cases. */
function testTitles(file: SourceFile): string[] {
  const titles: string[] = [];
  walk(file.tree, (node) => {
    if (ts.isStringLiteralLike(node) && /^[A-Z]\d+\b.*: /.test(node.text)) titles.push(node.text);
    if (!ts.isCallExpression(node)) return;
    const callee = ts.isPropertyAccessExpression(node.expression) ? node.expression.name.text : node.expression.getText();
    const [title] = node.arguments;
    if (callee !== "test" || title === undefined) return;
    if (ts.isStringLiteralLike(title)) titles.push(title.text);
    else if (ts.isTemplateExpression(title))
      titles.push([title.head.text, ...title.templateSpans.map((span) => span.literal.text)].join(" "));
  });
  return titles;
}
