/** Golden roots: the same on every runtime and in every later version, until the format is changed on purpose. */

import { readFileSync } from "node:fs";
import t from "tap";
import { LEDGER_GOLDEN_FILE, type LedgerGolden, ledgerGolden } from "../conformance/ledger_golden.ts";

t.test("L13: createLedger, a fixed script: roots, codes, proofs and manifest equal the golden file on every runtime", async (t) => {
  const golden = JSON.parse(readFileSync(LEDGER_GOLDEN_FILE, "utf8")) as LedgerGolden;
  const got = JSON.parse(JSON.stringify(ledgerGolden())) as LedgerGolden;
  t.strictSame(got, golden);
  t.ok(new Set(golden.blocks.map(({ stateRoot }) => stateRoot)).size === golden.blocks.length, "every block moves the root");
});
