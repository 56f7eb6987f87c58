/** The name of a bundle against a second computation from its definition, with the runtime's own SHA-256. */

import { createHash } from "node:crypto";
import t from "tap";
import { bundleIdOf } from "../../crypto/bundle_id.ts";
import { Height, type TransactionHash } from "../../types/ids.ts";

const hashes = ["ab".repeat(32), "cd".repeat(32)] as TransactionHash[];
const given = { from: Height.of(258), to: Height.of(2 ** 40), tip: (7n << 64n) + 9n, hashes };

const littleEndian = (value: bigint, bytes: number): string =>
  Buffer.from(value.toString(16).padStart(2 * bytes, "0"), "hex")
    .reverse()
    .toString("hex");

t.test("bundleIdOf: SHA-256 over tag, heights, tip and transaction hashes in order", async (t) => {
  const tag = Buffer.from("sls/bundle-id/1".padEnd(16, "\0"), "ascii").toString("hex");
  const text = tag + littleEndian(258n, 8) + littleEndian(2n ** 40n, 8) + littleEndian(given.tip, 16) + hashes.join("");
  t.equal(bundleIdOf(given), createHash("sha256").update(Buffer.from(text, "hex")).digest("hex"));
});

t.test("bundleIdOf: another height, tip, transaction or order is another bundle", async (t) => {
  const others = [
    given,
    { ...given, from: Height.of(259) },
    { ...given, to: Height.of(2 ** 40 + 1) },
    { ...given, tip: given.tip + (1n << 64n) },
    { ...given, tip: given.tip + 1n },
    { ...given, hashes: [...hashes].reverse() },
    { ...given, hashes: hashes.slice(1) },
  ];
  t.equal(new Set(others.map(bundleIdOf)).size, others.length);
});
