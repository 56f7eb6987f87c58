/** Rules about one file: its name, its header, its length, the length of its functions, default exports, notes left behind. */

import ts from "typescript";
import { commentsOf, type Finding, lineOf, lineOfNode, type Project, type SourceFile, walk } from "./project.ts";

const FILE_LINES_MAX = 399;
const FUNCTION_LINES_MAX = 70;
const FILE_NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*(\.test|\.d)?\.ts$/;
const NOTE = /\b(TODO|FIXME|XXX)\b/;

export function checkFiles(project: Project): Finding[] {
  const sources = project.sources.flatMap((file) => [
    ...checkName(file),
    ...checkHeader(file),
    ...checkLength(file),
    ...checkFunctions(file),
    ...checkDefaultExports(file),
    ...checkNotes(file),
  ]);
  const documents = project.documents.flatMap(({ path, lines }) =>
    lines.flatMap((text, index): Finding[] =>
      NOTE.test(withoutCode(text)) ? [{ path, line: index + 1, rule: "leftover", message: "a note left behind; settle it" }] : [],
    ),
  );
  return [...sources, ...documents];
}

function checkName(file: SourceFile): Finding[] {
  const name = file.path.split("/").at(-1) ?? file.path;
  return FILE_NAME.test(name) ? [] : [{ path: file.path, line: 1, rule: "file-name", message: `${name} is not snake_case` }];
}

function checkHeader(file: SourceFile): Finding[] {
  const text = file.text.replace(/^#!.*\n/, "");
  if (text.startsWith("/**")) return [];
  return [{ path: file.path, line: 1, rule: "file-header", message: "the file does not open with a doc comment that says what it is" }];
}

function checkLength(file: SourceFile): Finding[] {
  const lines = file.text.split("\n").length - (file.text.endsWith("\n") ? 1 : 0);
  if (lines <= FILE_LINES_MAX) return [];
  return [{ path: file.path, line: FILE_LINES_MAX + 1, rule: "file-length", message: `${lines} lines; at most ${FILE_LINES_MAX}` }];
}

/** A function's lines without those of functions declared inside of it: those are counted for themselves. */
function checkFunctions(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  walk(file.tree, (node) => {
    if (!ts.isFunctionLike(node) || !("body" in node) || node.body === undefined || isFlatDispatcher(node)) return;
    const lines = ownLines(file, node);
    if (lines <= FUNCTION_LINES_MAX) return;
    const message = `${nameOf(node)} has ${lines} lines; at most ${FUNCTION_LINES_MAX}`;
    findings.push({ path: file.path, line: lineOfNode(file, node), rule: "function-length", message });
  });
  return findings;
}

function ownLines(file: SourceFile, node: ts.Node): number {
  const linesOf = (part: ts.Node): number => lineOf(file, part.getEnd()) - lineOfNode(file, part) + 1;
  let lines = linesOf(node);
  const subtractNested = (part: ts.Node): void => {
    const isNamed =
      ts.isFunctionDeclaration(part) || ts.isMethodDeclaration(part) || ts.isArrowFunction(part) || ts.isFunctionExpression(part);
    // What remains of a nested function is the line that it begins on.
    if (isNamed && part.body !== undefined) lines -= linesOf(part) - 1;
    else ts.forEachChild(part, subtractNested);
  };
  ts.forEachChild(node, subtractNested);
  return lines;
}

/** One switch and nothing else, save a declaration or an assertion before it. */
function isFlatDispatcher(node: ts.SignatureDeclaration): boolean {
  const body = "body" in node ? node.body : undefined;
  if (body === undefined || !ts.isBlock(body)) return false;
  const rest = body.statements.filter((statement) => !ts.isVariableStatement(statement) && !ts.isExpressionStatement(statement));
  return rest.length === 1 && rest[0] !== undefined && ts.isSwitchStatement(rest[0]) && body.statements.length <= 3;
}

function nameOf(node: ts.SignatureDeclaration): string {
  if (node.name !== undefined) return node.name.getText();
  const { parent } = node;
  return ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) ? parent.name.getText() : "a function";
}

function checkDefaultExports(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  walk(file.tree, (node) => {
    const hasModifier =
      ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) === true;
    if (!hasModifier && !ts.isExportAssignment(node)) return;
    findings.push({ path: file.path, line: lineOfNode(file, node), rule: "default-export", message: "exports have names" });
  });
  return findings;
}

function checkNotes(file: SourceFile): Finding[] {
  return commentsOf(file).flatMap(({ text, position }) =>
    text.split("\n").flatMap((line, index): Finding[] => {
      const note = NOTE.exec(withoutCode(line))?.[1];
      if (note === undefined) return [];
      return [{ path: file.path, line: lineOf(file, position) + index, rule: "leftover", message: `a ${note} left behind; settle it` }];
    }),
  );
}

/** Text without its `code spans`, which may quote anything. */
function withoutCode(text: string): string {
  return text.replace(/`[^`]*`/g, "");
}
