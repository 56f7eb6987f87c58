/** The benchmark report: a table for people and a JSON file for comparisons between runs. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Calibration, CalibrationName } from "./calibration.ts";

/** One figure. `value` is null when the run did not produce it. */
export interface Figure {
  readonly name: string;
  readonly value: number | null;
  readonly unit: string;
  /** The calibration figure that it is compared with; undefined when none has a bearing. */
  readonly relativeTo: CalibrationName | undefined;
  /** What is aimed at on two cores with four validators, for the reader. */
  readonly target: string | undefined;
}

export interface Section {
  readonly name: string;
  readonly about: string;
  readonly figures: readonly Figure[];
  /** Why there are no figures. */
  readonly failure: string | undefined;
}

export interface Report {
  readonly startedAt: string;
  readonly machine: { readonly cores: number; readonly cpu: string; readonly runtime: string; readonly platform: string };
  readonly calibration: Calibration | undefined;
  readonly sections: readonly Section[];
}

/** How a figure relates to its calibration figure: times as one operation of it where the unit is a time; otherwise, for rates,
 *  the share of what one core could do of that operation. Undefined where there is nothing to compare. */
export function ratioOf(figure: Figure, calibration: Calibration | undefined): number | undefined {
  if (figure.value === null || figure.relativeTo === undefined || calibration === undefined) return undefined;
  const referenceUs = calibration[figure.relativeTo];
  if (figure.unit === "ms") return (figure.value * 1_000) / referenceUs;
  if (figure.unit === "us") return figure.value / referenceUs;
  if (figure.unit === "MB/s") return (figure.value * 1e6 * referenceUs) / 64 / 1e6;
  return (figure.value * referenceUs) / 1e6;
}

/** The table, one line per figure. */
export function describeReport(report: Report): string {
  const { machine, calibration } = report;
  const lines = [`${machine.cores} cores, ${machine.cpu}, ${machine.platform}, ${machine.runtime}`];
  if (calibration !== undefined) {
    lines.push("", "calibration");
    for (const [name, value] of Object.entries(calibration)) lines.push(row(name.replace(/Us$/, ""), numberOf(value), "us", "", ""));
  }
  for (const section of report.sections) {
    lines.push("", `${section.name}: ${section.about}`);
    if (section.failure !== undefined) lines.push(`  failed: ${section.failure}`);
    for (const figure of section.figures) {
      const ratio = ratioOf(figure, calibration);
      const compared = ratio === undefined ? "" : `${numberOf(ratio)} × ${(figure.relativeTo ?? "").replace(/Us$/, "")}`;
      lines.push(row(figure.name, figure.value === null ? "–" : numberOf(figure.value), figure.unit, compared, figure.target ?? ""));
    }
  }
  return lines.join("\n");
}

/** Writes the report as JSON, with the ratios, and returns the path. The folder is not under version control. */
export function writeReport(report: Report, root: string): string {
  const folder = join(root, "bench-results");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${report.startedAt.replace(/[:.]/g, "-")}.json`);
  writeFileSync(path, `${reportJson(report)}\n`);
  return path;
}

export function reportJson(report: Report): string {
  const sections = report.sections.map((section) => ({
    ...section,
    figures: section.figures.map((figure) => ({ ...figure, ratio: ratioOf(figure, report.calibration) })),
  }));
  return JSON.stringify({ ...report, sections }, null, 2);
}

function row(name: string, value: string, unit: string, compared: string, target: string): string {
  return `  ${name.padEnd(44)} ${value.padStart(10)} ${unit.padEnd(12)} ${compared.padEnd(24)} ${target}`.trimEnd();
}

/** Three significant digits, without exponents. */
function numberOf(value: number): string {
  const rounded = Number(value.toPrecision(3));
  return Math.abs(rounded) >= 100 ? String(Math.round(value)) : String(rounded);
}
