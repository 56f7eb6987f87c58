/** How checkers say what they saw: the parts of a violation, and hashes short enough to read. */

import type { Invariant, Violation } from "./checker.ts";

/** Builds the violations of one invariant. */
export function accuserOf(invariant: Invariant, kind: Violation["kind"]) {
  return (atUs: number, validators: readonly number[], detail: string): Violation => ({ invariant, kind, atUs, validators, detail });
}

/** The first eight digits: enough to tell the blocks of a run apart. */
export const brief = (hash: string): string => hash.slice(0, 8);

export const milliseconds = (us: number): string => `${Math.round(us / 1_000)} ms`;
