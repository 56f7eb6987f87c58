/** What the tidy rules look at: every source and Markdown file of the project, read and parsed once. */

import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import ts from "typescript";

/** One broken rule. `line` counts from 1. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

export interface SourceFile {
  /** Relative to the project, with forward slashes. */
  readonly path: string;
  /** First part of the path; empty for a file in the root. */
  readonly folder: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

export interface MarkdownFile {
  readonly path: string;
  readonly lines: readonly string[];
}

export interface Project {
  readonly root: string;
  readonly sources: readonly SourceFile[];
  readonly documents: readonly MarkdownFile[];
}

const FOLDERS_LEFT_OUT = new Set(["node_modules", "bench-results", "coverage"]);

export function readProject(root: string): Project {
  const paths = listFiles(root, "");
  return {
    root,
    sources: paths.filter((path) => path.endsWith(".ts")).map((path) => readSource(root, path)),
    documents: paths.filter((path) => path.endsWith(".md")).map((path) => ({ path, lines: readText(root, path).split("\n") })),
  };
}

/** Calls `visit` for every node below and including `node`. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

export function lineOf(file: SourceFile, position: number): number {
  return file.tree.getLineAndCharacterOfPosition(position).line + 1;
}

/** Where a node's own text begins, without the comments before it. */
export function lineOfNode(file: SourceFile, node: ts.Node): number {
  return lineOf(file, node.getStart(file.tree));
}

/** All comments of a file, with the position of each. */
export function commentsOf(file: SourceFile): { readonly text: string; readonly position: number }[] {
  const positions = new Set<number>();
  const comments: { text: string; position: number }[] = [];
  const add = (ranges: readonly ts.CommentRange[] | undefined): void => {
    for (const range of ranges ?? []) {
      if (positions.has(range.pos)) continue;
      positions.add(range.pos);
      comments.push({ text: file.text.slice(range.pos, range.end), position: range.pos });
    }
  };
  // Comments hang on tokens: those of each token's leading and trailing trivia, found through the tree, never inside of strings.
  walkTokens(file.tree, (token) => {
    add(ts.getLeadingCommentRanges(file.text, token.getFullStart()));
    add(ts.getTrailingCommentRanges(file.text, token.getEnd()));
  });
  return comments;
}

function walkTokens(node: ts.Node, visit: (token: ts.Node) => void): void {
  const sourceFile = node.getSourceFile();
  const descend = (parent: ts.Node): void => {
    const children = parent.getChildren(sourceFile);
    if (children.length === 0) visit(parent);
    for (const child of children) descend(child);
  };
  descend(node);
}

function listFiles(root: string, folder: string): string[] {
  const paths: string[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.name.startsWith(".") || FOLDERS_LEFT_OUT.has(entry.name)) continue;
    if (entry.isDirectory()) paths.push(...listFiles(root, path));
    else if (entry.isFile()) paths.push(path);
  }
  return paths.sort();
}

function readSource(root: string, path: string): SourceFile {
  const text = readText(root, path);
  const folder = path.includes("/") ? (path.split("/")[0] ?? "") : "";
  return { path, folder, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS) };
}

function readText(root: string, path: string): string {
  return readFileSync(join(root, path.split("/").join(sep)), "utf8");
}
