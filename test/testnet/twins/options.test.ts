/** The command line of Twins: what is accepted, and that every mistake is named. */

import t from "tap";
import type { TestnetFailure } from "../../../testnet/failure.ts";
import { parseTwinsOptions } from "../../../testnet/twins/options.ts";

const parse = (text: string) => parseTwinsOptions(text.split(" ").filter((word) => word !== ""));

t.test("parseTwinsOptions: no arguments, a sample of one twin of four", async (t) => {
  const shape = { validators: 4, twins: 1, rounds: 4, phases: 2 };
  t.same(parse(""), { type: "run", options: { type: "space", shape, plan: { type: "sample", scenarios: 10_000, seed: 1 }, json: false } });
});

t.test("parseTwinsOptions: every option given, each is taken", async (t) => {
  const shape = { validators: 7, twins: 2, rounds: 3, phases: 1 };
  const text = "--validators 7 --twins 2 --rounds 3 --phases 1";
  t.match(parse(`${text} --scenarios 50 --seed 0 --json`), {
    options: { shape, plan: { type: "sample", scenarios: 50, seed: 0 }, json: true },
  });
  t.match(parse(`${text} --exhaustive`), { options: { shape, plan: { type: "exhaustive" } } });
  t.match(parse(`${text} --index 123456789012345678901`), { options: { plan: { type: "index", index: 123_456_789_012_345_678_901n } } });
  t.same(parse("--scenario found.yaml --json"), { type: "run", options: { type: "file", path: "found.yaml", json: true } });
  t.same(parse("--help --rounds 0"), { type: "help" });
});

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ["--validators 0", /--validators must be a whole number from 1 to 8, not "0"/],
  ["--twins 5", /--twins must be a whole number from 0 to 4, not "5"/],
  ["--validators 7 --twins 3", /7 with --twins 3 are 10 instances; at most 9 can be enumerated/],
  ["--rounds 17", /--rounds must be a whole number from 1 to 16/],
  ["--phases 3", /--phases must be a whole number from 1 to 2/],
  ["--scenarios 0", /--scenarios must be a whole number from 1/],
  ["--seed -1", /--seed/],
  ["--seed 4294967296", /--seed must be a whole number from 0 to 4294967295/],
  ["--index x", /--index must be a whole number, not "x"/],
  ["--exhaustive --seed 3", /--exhaustive leaves nothing to choose for --seed/],
  ["--index 3 --scenarios 3", /--index leaves nothing to choose for --scenarios/],
  ["--scenario a.json --rounds 2", /--scenario leaves nothing to choose for --rounds/],
  ["--scenario=", /--scenario needs the name of a file/],
  ["--nodes 4", /--nodes/],
];

t.test("parseTwinsOptions: a mistake, named with what is allowed", async (t) => {
  for (const [text, expected] of REFUSED) {
    t.throws(() => parse(text), { name: "TestnetFailure", code: "usage", message: expected } as unknown as TestnetFailure, text);
  }
});
