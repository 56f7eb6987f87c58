/** Joins what several steps of one turn must make durable into the one write that their effects wait for (R9). */

import type { Durable } from "../replica/interface.ts";
import type { SafetyRecord } from "../types/safety_record.ts";

/** Joins in order. Of several records of one (epoch, view) only the last is kept: it holds everything of the earlier ones. */
export function mergeDurable(parts: readonly Durable[]): Durable | undefined {
  const [first] = parts;
  if (first === undefined || parts.length === 1) return first;
  const records = new Map<string, SafetyRecord>();
  for (const part of parts) {
    for (const record of part.records) records.set(`${record.epoch}/${record.view}`, record);
  }
  return {
    records: [...records.values()],
    blocks: parts.flatMap((part) => part.blocks),
    finality: parts.flatMap((part) => part.finality),
    operations: parts.flatMap((part) => part.operations),
    evidence: parts.flatMap((part) => part.evidence),
    shares: parts.flatMap((part) => part.shares),
  };
}
