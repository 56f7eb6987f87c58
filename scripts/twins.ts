/** Command line of Twins: `npm run twins`, see testnet/twins/README.md. The only clock is the one that measures the speed. */

import { readFile } from "node:fs/promises";
import process from "node:process";
import { parse } from "yaml";
import { EXIT_CODES, failureOf, messageOf, TestnetFailure } from "../testnet/failure.ts";
import { createOutput, type Output } from "../testnet/output.ts";
import { createTwinsFixture } from "../testnet/twins/fixture.ts";
import { parseTwinsOptions, TWINS_USAGE, type TwinsOptions } from "../testnet/twins/options.ts";
import { exitCodeOf, summaryOf, type TwinsReport, textOf } from "../testnet/twins/report.ts";
import { parseTwinsScenario, type TwinsScenario } from "../testnet/twins/scenario.ts";
import { createScenarioSpace } from "../testnet/twins/space.ts";
import { replay, sweep } from "../testnet/twins/sweep.ts";

const LIVE_INTERVAL_MS = 500;

async function main(): Promise<number> {
  const parsed = parseTwinsOptions(process.argv.slice(2));
  if (parsed.type === "help") {
    process.stdout.write(`${TWINS_USAGE}\n`);
    return EXIT_CODES.ok;
  }
  const { options } = parsed;
  const nowMs = (): number => performance.now();
  const output = createOutput({ json: options.json, stdout: process.stdout, stderr: process.stderr, nowMs });
  const startedMs = nowMs();
  const report = options.type === "file" ? await runFile(options.path) : runSpace(options, output, nowMs);
  const finished: TwinsReport = { ...report, seconds: (nowMs() - startedMs) / 1_000 };
  for (const line of textOf(finished)) output.say(line);
  output.event(summaryOf(finished));
  return exitCodeOf(finished.result);
}

type Run = Omit<TwinsReport, "seconds">;

function runSpace(options: Extract<TwinsOptions, { type: "space" }>, output: Output, nowMs: () => number): Run {
  const { shape, plan } = options;
  const space = createScenarioSpace(shape);
  if (plan.type === "index" && plan.index >= space.total) {
    throw new TestnetFailure("usage", `--index must be below ${space.total}, the number of scenarios of this shape; not ${plan.index}`);
  }
  const { validators, twins, rounds, phases } = shape;
  output.say(`validators ${validators}, twins ${twins}, rounds ${rounds}, phases ${phases}: ${space.total} scenarios`);
  if (plan.type === "sample") output.say(`seed ${plan.seed} draws ${plan.scenarios} of them without repetition`);
  if (3 * twins >= validators) output.say("a third or more of the weight is twinned: agreement is expected to break");
  let lastMs = nowMs();
  const result = sweep({ fixture: createTwinsFixture(validators), space, plan }, ({ scenarios }) => {
    if (nowMs() - lastMs < LIVE_INTERVAL_MS) return;
    lastMs = nowMs();
    output.live(`${scenarios} scenarios`);
  });
  return { result, space, path: undefined };
}

async function runFile(path: string): Promise<Run> {
  const scenario = await readScenario(path);
  return { result: replay(createTwinsFixture(scenario.validators), scenario), space: undefined, path };
}

async function readScenario(path: string): Promise<TwinsScenario> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new TestnetFailure("environment", `scenario ${path} cannot be read (${messageOf(cause)}); check the path`, { cause });
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new TestnetFailure("usage", `scenario ${path} is neither JSON nor YAML: ${messageOf(cause)}`, { cause });
  }
  const parsed = parseTwinsScenario(value);
  if (!parsed.ok)
    throw new TestnetFailure("usage", `scenario ${path} has mistakes:\n${parsed.mistakes.map((line) => `  ${line}`).join("\n")}`);
  return parsed.scenario;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const failure = failureOf(error);
    process.stderr.write(`${failure.code === "usage" ? "twins: " : ""}${failure.message}\n`);
    process.exitCode = failure.exitCode;
  },
);
