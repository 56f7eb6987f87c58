/** Each tidy rule fires on a small project that breaks it, and stays quiet on one that keeps it. A project is a folder of
 *  files in a temporary directory; a case names the findings that it must have, and no others. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import t from "tap";
import { tidyProject } from "../../scripts/tidy.ts";

type Files = Readonly<Record<string, string>>;

interface Case {
  readonly title: string;
  readonly files: Files;
  /** "path:line rule" of each finding, in order. */
  readonly findings: readonly string[];
}

const HEADER = "/** What it is. */\n";

/** Findings of a project made of `files`, each source with a header and each folder with a README unless it says otherwise. */
function findingsOf(files: Files): string[] {
  const root = mkdtempSync(join(tmpdir(), "sealstone-tidy-"));
  try {
    for (const path of Object.keys(files)) {
      const folder = path.split("/")[0] ?? "";
      if (path.endsWith(".ts")) write(root, `${folder}/README.md`, `# ${folder}\n`);
    }
    for (const [path, text] of Object.entries(files)) write(root, path, path.endsWith(".ts") ? HEADER + text : text);
    return tidyProject(root).map(({ path, line, rule }) => `${path}:${line} ${rule}`);
  } finally {
    rmSync(root, { recursive: true });
  }
}

function write(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function check(cases: readonly Case[]): void {
  for (const { title, files, findings } of cases) {
    t.test(`tidy: ${title}`, async (t) => {
      t.same(findingsOf(files), findings);
    });
  }
}

const lines = (count: number): string => "// line\n".repeat(count);

check([
  {
    title: "a domain importing types and crypto is fine",
    files: { "availability/a.ts": 'import { x } from "../types/x.ts";\nimport "../crypto/y.ts";\n' },
    findings: [],
  },
  {
    title: "an arrow to a later row is refused",
    files: { "types/a.ts": 'import { x } from "../crypto/x.ts";\n' },
    findings: ["types/a.ts:2 import-direction"],
  },
  {
    title: "a domain importing a domain is refused",
    files: { "availability/a.ts": 'import type { X } from "../mempool/x.ts";\n' },
    findings: ["availability/a.ts:2 import-direction"],
  },
  {
    title: "a re-export counts as an import",
    files: { "mempool/a.ts": 'export { x } from "../consensus/x.ts";\n' },
    findings: ["mempool/a.ts:2 import-direction"],
  },
  {
    title: "a dynamic import counts as an import",
    files: { "storage/a.ts": 'void import("../node/x.ts");\n' },
    findings: ["storage/a.ts:2 import-direction"],
  },
  {
    title: "a type named by import() counts as an import",
    files: { "p2p/a.ts": 'export type A = import("../node/x.ts").X;\n' },
    findings: ["p2p/a.ts:2 import-direction"],
  },
  { title: "storage takes types from replica", files: { "storage/a.ts": 'import type { X } from "../replica/x.ts";\n' }, findings: [] },
  {
    title: "p2p takes no values from replica",
    files: { "p2p/a.ts": 'import { type X, y } from "../replica/x.ts";\n' },
    findings: ["p2p/a.ts:2 import-direction"],
  },
  {
    title: "a folder without a row in the map may import nothing",
    files: { "extra/a.ts": 'import "../types/x.ts";\n' },
    findings: ["extra/a.ts:2 import-direction"],
  },
  { title: "nobody imports scripts", files: { "node/a.ts": 'import "../scripts/x.ts";\n' }, findings: ["node/a.ts:2 import-direction"] },
  {
    title: "nothing outside of the project is imported",
    files: { "test/a.ts": 'import "../../x.ts";\n' },
    findings: ["test/a.ts:2 import-direction"],
  },
  {
    title: "a quoted import inside of a string is no import",
    files: { "types/a.ts": "export const text = 'import \"../node/x.ts\"';\n" },
    findings: [],
  },
]);

check([
  {
    title: "libp2p stays in p2p",
    files: { "p2p/a.ts": 'import "@libp2p/tcp";\n', "node/a.ts": 'import "libp2p";\n' },
    findings: ["node/a.ts:2 package-owner"],
  },
  {
    title: "hono stays in node",
    files: { "node/a.ts": 'import "hono/cors";\n', "p2p/a.ts": 'import "hono";\n' },
    findings: ["p2p/a.ts:2 package-owner"],
  },
  {
    title: "a package without an owner is refused",
    files: { "node/a.ts": 'import "left-pad";\n' },
    findings: ["node/a.ts:2 package-owner"],
  },
  {
    title: "scripts and tests may import any package",
    files: { "scripts/a.ts": 'import "typescript";\n', "test/a.ts": 'import "tap";\n' },
    findings: [],
  },
  {
    title: "a pure folder imports nothing of the runtime",
    files: { "replica/a.ts": 'import "node:fs";\n', "node/a.ts": 'import "node:fs";\n' },
    findings: ["replica/a.ts:2 purity"],
  },
]);

const IMPURE: readonly (readonly [title: string, code: string])[] = [
  ["an async function", "export async function f() {}"],
  ["an async arrow", "export const f = async () => 1;"],
  ["a promise", "export const p = Promise.resolve(1);"],
  ["a promise in a type", "export type P = Promise<number>;"],
  ["a clock", "export const now = Date.now();"],
  ["a precise clock", "export const now = performance.now();"],
  ["randomness", "export const x = Math.random();"],
  ["secure randomness", "export const x = crypto.getRandomValues(new Uint8Array(1));"],
  ["a timer", "setTimeout(() => {}, 1);"],
  ["a timer by another name", "const later = setInterval;\nlater;"],
  ["a microtask", "queueMicrotask(() => {});"],
  ["a log", 'console.log("x");'],
  ["the network", 'fetch("http://localhost");'],
  ["the environment", "export const e = process.env;"],
  ["a way around", "export const g = globalThis;"],
];

check([
  ...IMPURE.map(([title, code]) => ({
    title: `${title} is refused in a pure folder`,
    files: { "replica/a.ts": code },
    findings: ["replica/a.ts:2 purity"],
  })),
  ...IMPURE.map(([title, code]) => ({ title: `${title} is fine in an adapter`, files: { "storage/a.ts": code }, findings: [] })),
  { title: "await is refused in a pure folder", files: { "types/a.ts": "await 1;\n" }, findings: ["types/a.ts:2 purity"] },
  {
    title: "comments, strings, members and own names are no impurity",
    files: {
      "types/a.ts":
        '// async Date.now() and await console\nexport const text = "setTimeout(fetch)";\nexport interface A { readonly process: number; fetch(): void }\n' +
        "export const f = (a: A, performance: number) => a.process + performance;\nexport const g = { console: 1 };\n",
    },
    findings: [],
  },
]);

check([
  { title: "a file name in camel case is refused", files: { "types/blockHeader.ts": "" }, findings: ["types/blockHeader.ts:1 file-name"] },
  {
    title: "snake case, tests and declarations are fine",
    files: { "types/block_header.ts": "", "test/a/b_c.test.ts": "", "types/d.d.ts": "" },
    findings: [],
  },
  {
    title: "a file of 399 lines is fine, of 400 not",
    files: { "types/a.ts": lines(398), "types/b.ts": lines(399) },
    findings: ["types/b.ts:400 file-length"],
  },
  {
    title: "a function of 70 lines is fine, of 71 not",
    files: { "types/a.ts": `function f() {\n${lines(68)}}\n`, "types/b.ts": `const f = () => {\n${lines(69)}};\n` },
    findings: ["types/b.ts:2 function-length"],
  },
  {
    title: "lines of a nested function are its own",
    files: { "types/a.ts": `function f() {\n${lines(40)}function g() {\n${lines(40)}}\n}\n` },
    findings: [],
  },
  {
    title: "a flat dispatcher may be longer",
    files: { "types/a.ts": `function f(x: number) {\nswitch (x) {\n${lines(90)}}\n}\n` },
    findings: [],
  },
  {
    title: "a switch among other code is no flat dispatcher",
    files: { "types/a.ts": `function f(x: number) {\nfor (;;) break;\nswitch (x) {\n${lines(90)}}\n}\n` },
    findings: ["types/a.ts:2 function-length"],
  },
  { title: "a default export is refused", files: { "types/a.ts": "export default 1;\n" }, findings: ["types/a.ts:2 default-export"] },
  {
    title: "a default function is refused",
    files: { "types/a.ts": "export default function f() {}\n" },
    findings: ["types/a.ts:2 default-export"],
  },
  {
    title: "notes left behind are refused in comments and documents, not in strings and code spans",
    files: { "types/a.ts": 'const x = "TODO"; // `TODO`\n/* a\n FIXME b */\n', "docs/a.md": "`TODO` is fine\nTODO is not\n" },
    findings: ["docs/a.md:2 leftover", "types/a.ts:4 leftover"],
  },
]);

t.test("tidy: a file without a header comment is refused", async (t) => {
  t.same(findingsOf({ "types/README.md": "# types\n" }), []);
  const root = mkdtempSync(join(tmpdir(), "sealstone-tidy-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  write(root, "types/README.md", "# types\n");
  write(root, "types/a.ts", "// not a header\nexport const a = 1;\n");
  write(root, "types/b.ts", "#!/usr/bin/env node\n/** A script. */\n");
  t.same(tidyProject(root), [
    { path: "types/a.ts", line: 1, rule: "file-header", message: "the file does not open with a doc comment that says what it is" },
  ]);
});

t.test("tidy: a folder of code without a README is refused", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "sealstone-tidy-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  write(root, "types/a.ts", HEADER);
  t.same(
    tidyProject(root).map(({ path, rule }) => `${path} ${rule}`),
    ["types/README.md readme"],
  );
});

check([
  {
    title: "a link that leads nowhere is refused, also beside one that does not",
    files: {
      "docs/a.md": "[here](b.md) [there](c.md#x)\n",
      "docs/b.md": "[root](../docs/a.md#top) [web](https://example.org) [top](#top)\n",
    },
    findings: ["docs/a.md:1 link"],
  },
  { title: "a link out of the project is refused", files: { "docs/a.md": "[out](../../x.md)\n" }, findings: ["docs/a.md:1 link"] },
  { title: "an absolute link is refused", files: { "docs/a.md": "[root](/docs/a.md)\n" }, findings: ["docs/a.md:1 link"] },
  { title: "links in code are not followed", files: { "docs/a.md": "```\n[x](nowhere.md)\n```\n`[x](nowhere.md)`\n" }, findings: [] },
]);

const RULES = "# Rules\n\n- **R1 Propose.** Text.\n- **R2 Vote.** Text.\n";
const CODE = "// R1 R2\n";

check([
  {
    title: "rules named in code and titles are fine",
    files: { "consensus/README.md": RULES, "consensus/a.ts": CODE, "test/a.test.ts": 'test("R1, R2: x, y", f);\n' },
    findings: [],
  },
  {
    title: "a rule that no code names is refused",
    files: {
      "consensus/README.md": RULES,
      "consensus/a.ts": "// R1\n",
      "replica/a.ts": "// R2\n",
      "test/a.test.ts": 'test("R1, R2: x", f);\n',
    },
    findings: ["consensus/README.md:4 rule-number"],
  },
  {
    title: "a rule that no title names is refused, although a comment does",
    files: { "consensus/README.md": RULES, "consensus/a.ts": CODE, "test/a.test.ts": '// R2\ntest("R1: x", f);\n' },
    findings: ["consensus/README.md:4 rule-number"],
  },
  {
    title: "R1 is not named by R10",
    files: { "ledger/README.md": "### L1 Money\n", "ledger/a.ts": "// L10\n", "test/a.test.ts": 'test("L1: x", f);\n' },
    findings: ["ledger/README.md:1 rule-number"],
  },
  {
    title: "a rule placed in another folder is looked for there",
    files: {
      "consensus/README.md": "- **R9 Persist.** Synced (in `storage/`).\n",
      "consensus/a.ts": "",
      "storage/a.ts": "// R9\n",
      "test/a.test.ts": `test(\`R9: x \${1}\`, f);\n`,
    },
    findings: [],
  },
  {
    title: "titles in a table of cases count",
    files: { "ledger/README.md": "**L1** Money.\n", "ledger/a.ts": "// L1\n", "test/a.test.ts": 'const CASES = ["L1: x"];\n' },
    findings: [],
  },
  {
    title: "a specification without numbered rules is refused",
    files: { "ledger/README.md": "# Ledger\n", "ledger/a.ts": "" },
    findings: ["ledger/README.md:1 rule-number"],
  },
]);
