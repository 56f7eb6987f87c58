/** Import rules: arrows point only to earlier rows of the map (docs/ARCHITECTURE.md), domains never import each other, and each
 *  package is imported only in the folders that own it. */

import { posix } from "node:path";
import ts from "typescript";
import { type Finding, lineOfNode, type Project, type SourceFile, walk } from "./project.ts";

/** Rows that hold no clock, randomness, network, file, log, timer, promise or `async`. */
export const PURE_FOLDERS = ["types", "crypto", "consensus", "mempool", "builder", "availability", "ledger", "replica"] as const;

const DOMAINS = ["consensus", "mempool", "builder", "availability", "ledger"];
const ADAPTERS = ["storage", "p2p"];
const NODE_AND_ABOVE = [...PURE_FOLDERS, ...ADAPTERS, "node"];

/** What each folder may import; `typesOnly` through `import type` alone. Folders that are not named here have no place in the map. */
const MAY_IMPORT: Readonly<Record<string, { readonly values: readonly string[]; readonly typesOnly: readonly string[] }>> = {
  types: { values: [], typesOnly: [] },
  crypto: { values: ["types"], typesOnly: [] },
  ...Object.fromEntries(DOMAINS.map((domain) => [domain, { values: ["types", "crypto"], typesOnly: [] }])),
  replica: { values: ["types", "crypto", ...DOMAINS], typesOnly: [] },
  ...Object.fromEntries(ADAPTERS.map((adapter) => [adapter, { values: ["types", "crypto"], typesOnly: ["replica"] }])),
  node: { values: NODE_AND_ABOVE, typesOnly: [] },
  client: { values: ["types", "crypto"], typesOnly: [] },
  testnet: { values: [...NODE_AND_ABOVE, "client"], typesOnly: [] },
  web: { values: ["types", "client"], typesOnly: [] },
  scripts: { values: [...NODE_AND_ABOVE, "client", "testnet", "web"], typesOnly: [] },
  test: { values: [...NODE_AND_ABOVE, "client", "testnet", "web", "scripts"], typesOnly: [] },
};

/** Where packages may be imported; `scripts` and `test` may import any. A package that matches no row has no owner yet. */
const PACKAGE_OWNERS: readonly { readonly pattern: RegExp; readonly folders: readonly string[] }[] = [
  { pattern: /^(libp2p|@libp2p\/.+|@chainsafe\/libp2p-.+|@multiformats\/.+|it-.+|uint8arraylist|ws)$/, folders: ["p2p"] },
  { pattern: /^(hono|@hono\/.+|pino)$/, folders: ["node"] },
  { pattern: /^libsodium-wrappers-sumo$/, folders: ["node"] },
  { pattern: /^zod$/, folders: ["node", "testnet"] },
  { pattern: /^yaml$/, folders: ["testnet"] },
  { pattern: /^(sodium-native|@chainsafe\/blst|@noble\/.+)$/, folders: ["crypto"] },
  { pattern: /^@chainsafe\/ssz$/, folders: ["types", "testnet"] },
  { pattern: /^@chainsafe\/(hashtree|as-sha256)$/, folders: ["crypto", "ledger"] },
];

const FOLDERS_WITHOUT_OWNERSHIP = ["scripts", "test"];

interface Import {
  readonly node: ts.Node;
  readonly specifier: string;
  readonly isTypeOnly: boolean;
}

export function checkImports(project: Project): Finding[] {
  return project.sources.flatMap((file) => importsOf(file).flatMap((each) => judge(file, each)));
}

function judge(file: SourceFile, { node, specifier, isTypeOnly }: Import): Finding[] {
  const refuse = (rule: string, message: string): Finding[] => [{ path: file.path, line: lineOfNode(file, node), rule, message }];
  if (!specifier.startsWith(".")) return judgePackage(file, specifier, refuse);
  const target = posix.join(posix.dirname(file.path), specifier);
  const folder = target.split("/")[0] ?? "";
  if (folder === "..") return refuse("import-direction", `${specifier} is outside of the project`);
  if (folder === file.folder) return [];
  const allowed = MAY_IMPORT[file.folder];
  if (allowed === undefined) return refuse("import-direction", `folder ${file.folder || "(root)"} has no row in the map`);
  if (allowed.values.includes(folder)) return [];
  if (!allowed.typesOnly.includes(folder)) return refuse("import-direction", `${file.folder} may not import ${folder} (${specifier})`);
  return isTypeOnly
    ? []
    : refuse("import-direction", `${file.folder} may import only types from ${folder}: use \`import type\` (${specifier})`);
}

function judgePackage(file: SourceFile, specifier: string, refuse: (rule: string, message: string) => Finding[]): Finding[] {
  if (FOLDERS_WITHOUT_OWNERSHIP.includes(file.folder)) return [];
  const isPure = PURE_FOLDERS.some((folder) => folder === file.folder);
  if (specifier.startsWith("node:")) return isPure ? refuse("purity", `${file.folder} may not import ${specifier}`) : [];
  const name = specifier.startsWith("@") ? specifier.split("/").slice(0, 2).join("/") : (specifier.split("/")[0] ?? specifier);
  const owner = PACKAGE_OWNERS.find(({ pattern }) => pattern.test(name));
  if (owner === undefined) return refuse("package-owner", `${name} has no owner: name one in scripts/tidy/imports.ts`);
  if (owner.folders.includes(file.folder)) return [];
  return refuse("package-owner", `${name} is imported only in ${owner.folders.join(", ")}`);
}

/** Import and export declarations, dynamic imports, and types named by `import("…")`. */
function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  walk(file.tree, (node) => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      found.push({
        node,
        specifier: node.moduleSpecifier.text,
        isTypeOnly: node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword,
      });
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
      found.push({ node, specifier: node.moduleSpecifier.text, isTypeOnly: node.isTypeOnly });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument !== undefined && ts.isStringLiteral(argument)) found.push({ node, specifier: argument.text, isTypeOnly: false });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
      found.push({ node, specifier: node.argument.literal.text, isTypeOnly: true });
    }
  });
  return found;
}
