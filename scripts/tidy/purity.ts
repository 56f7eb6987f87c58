/** Purity of the pure folders: no `async`, `await` or promise, no clock, randomness, timer, log, network or process, found in the
 *  syntax tree. A name counts when it is the global one: properties, and names that the file itself declares, do not. */

import ts from "typescript";
import { PURE_FOLDERS } from "./imports.ts";
import { type Finding, lineOfNode, type Project, type SourceFile, walk } from "./project.ts";

const GLOBALS_REFUSED = new Set([
  "Promise",
  "Date",
  "performance",
  "process",
  "Deno",
  "globalThis",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "requestAnimationFrame",
  "console",
  "fetch",
  "crypto",
  "WebSocket",
  "Worker",
  "require",
]);

/** Members of otherwise harmless globals. */
const MEMBERS_REFUSED = new Set(["Math.random", "Atomics.wait", "Atomics.waitAsync"]);

export function checkPurity(project: Project): Finding[] {
  const pure = project.sources.filter((file) => PURE_FOLDERS.some((folder) => folder === file.folder));
  return pure.flatMap(checkFile);
}

function checkFile(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  const declared = declaredNames(file);
  walk(file.tree, (node) => {
    const what = impurityOf(node, declared);
    if (what === undefined) return;
    findings.push({ path: file.path, line: lineOfNode(file, node), rule: "purity", message: `${what} in the pure folder ${file.folder}` });
  });
  return findings;
}

function impurityOf(node: ts.Node, declared: ReadonlySet<string>): string | undefined {
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return "async";
  if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier !== undefined)) return "await";
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return "a dynamic import";
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const member = `${node.expression.text}.${node.name.text}`;
    return MEMBERS_REFUSED.has(member) && !declared.has(node.expression.text) ? member : undefined;
  }
  if (!ts.isIdentifier(node) || !GLOBALS_REFUSED.has(node.text)) return undefined;
  return declared.has(node.text) || isMemberName(node) ? undefined : node.text;
}

/** Is `node` the name of a property or a member, rather than a reference to a variable? */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  if (ts.isBindingElement(parent)) return parent.propertyName === node;
  const isMember =
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent) ||
    ts.isGetAccessorDeclaration(parent) ||
    ts.isSetAccessorDeclaration(parent);
  return isMember && parent.name === node;
}

/** Names that the file binds anywhere: variables, parameters, functions, classes, types and imports. */
function declaredNames(file: SourceFile): Set<string> {
  const names = new Set<string>();
  walk(file.tree, (node) => {
    const isDeclaration =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isClassDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node) ||
      ts.isImportSpecifier(node) ||
      ts.isImportClause(node) ||
      ts.isNamespaceImport(node);
    if (isDeclaration && node.name !== undefined && ts.isIdentifier(node.name)) names.add(node.name.text);
  });
  return names;
}
