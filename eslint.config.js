/** typescript-eslint for the one thing that Biome and the compiler do not see: promises without an owner, in the adapter folders. */

import tseslint from "typescript-eslint";

/** @type {import("eslint").Linter.Config[]} */
export default [
  {
    files: ["storage/**/*.ts", "p2p/**/*.ts", "node/**/*.ts", "client/**/*.ts", "testnet/**/*.ts", "scripts/**/*.ts"],
    languageOptions: { parser: tseslint.parser, parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { "@typescript-eslint": tseslint.plugin },
    rules: { "@typescript-eslint/no-floating-promises": "error", "@typescript-eslint/no-misused-promises": "error" },
  },
];
