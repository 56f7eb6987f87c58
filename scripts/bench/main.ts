/** The benchmark report: calibrates this machine, measures parts and whole clusters, prints a table and writes it as JSON.
 *  `npm run bench -- [--only NAME] [--seconds N] [--json]`. Never a test: nothing fails for being slow. */

import { cpus, platform, release } from "node:os";
import { parseArgs } from "node:util";
import { OWN_RUNTIME, PROJECT_ROOT } from "../gate/runtimes.ts";
import { BUILT_CLUSTER_BENCH } from "./built_cluster.ts";
import { calibrate } from "./calibration.ts";
import { CLUSTER_BENCHES } from "./cluster.ts";
import { COMPONENT_BENCHES, figuresOf } from "./components.ts";
import { describeReport, type Figure, type Report, reportJson, type Section, writeReport } from "./report.ts";
import { SEALED_CLUSTER_BENCH } from "./sealed_cluster.ts";

const CLUSTERS = [...CLUSTER_BENCHES, SEALED_CLUSTER_BENCH, BUILT_CLUSTER_BENCH];
const NAMES = ["calibration", ...[...COMPONENT_BENCHES, ...CLUSTERS].map(({ name }) => name)];
const SECONDS = 30;

const USAGE = `Usage: npm run bench -- [options]        (with Deno: deno task bench [options])

  --only NAME    ${NAMES.join(", ")}; may be repeated
  --seconds N    length of each cluster run (${SECONDS})
  --json         the report as JSON on standard output, the table on standard error
  --help         this text`;

interface Options {
  readonly only: readonly string[];
  readonly seconds: number;
  readonly json: boolean;
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) return 1;
  const startedAt = new Date().toISOString();
  const isWanted = ({ name }: { readonly name: string }): boolean => options.only.length === 0 || options.only.includes(name);
  say("calibrating");
  const calibration = await calibrate();
  const sections: Section[] = [];
  for (const bench of COMPONENT_BENCHES.filter(isWanted)) {
    sections.push(await sectionOf(bench, async () => figuresOf(await bench.run(), bench.relativeTo)));
  }
  for (const bench of CLUSTERS.filter(isWanted)) {
    sections.push(await sectionOf(bench, () => bench.run(options.seconds, say)));
  }
  const report: Report = { startedAt, machine: describeMachine(), calibration, sections };
  const path = writeReport(report, PROJECT_ROOT);
  (options.json ? process.stderr : process.stdout).write(`${describeReport(report)}\n\n${path}\n`);
  if (options.json) process.stdout.write(`${reportJson(report)}\n`);
  return sections.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

/** A bench that fails is reported as failed; the others still run. */
async function sectionOf(bench: { readonly name: string; readonly about: string }, run: () => Promise<Figure[]>): Promise<Section> {
  const { name, about } = bench;
  say(`${name}: ${about}`);
  try {
    return { name, about, figures: await run(), failure: undefined };
  } catch (error) {
    return { name, about, figures: [], failure: error instanceof Error ? error.message : String(error) };
  }
}

function describeMachine(): Report["machine"] {
  const [first] = cpus();
  const version = OWN_RUNTIME === "deno" ? process.versions.deno : process.versions.node;
  return {
    cores: cpus().length,
    cpu: first?.model.trim() ?? "unknown",
    runtime: `${OWN_RUNTIME} ${version}`,
    platform: `${platform()} ${release()}`,
  };
}

function readOptions(args: readonly string[]): Options | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: "string", multiple: true },
        seconds: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
    const only = values.only ?? [];
    const seconds = Number(values.seconds ?? SECONDS);
    const unknown = only.find((name) => !NAMES.includes(name));
    if (unknown !== undefined) say(`--only ${unknown}: there is no such benchmark`);
    else if (!(seconds >= 1)) say("--seconds must be a number of at least 1");
    else if (values.help !== true) return { only, seconds, json: values.json === true };
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
  say(USAGE);
  return undefined;
}

/** Progress and advice go to standard error: standard output is for the report. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

// Sockets that a library left open must not keep the process.
process.exit(await main());
