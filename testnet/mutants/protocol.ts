/** What the supervisor and a hunting process say to each other: one order as the argument, one JSON line per event on standard output. */

export interface HuntOrder {
  /** Undefined: nothing is planted. So a case is judged without the bug. */
  readonly mutant: string | undefined;
  /** Index of the first case; "sealed": of the first scenario of the corpus that seals, since others say nothing of such bugs. */
  readonly from: number | "sealed";
  /** Cases to run at most. */
  readonly count: number;
  /** No further case is begun after this long. */
  readonly seconds: number;
}

export interface CaseName {
  readonly index: number;
  /** "seed 7", or the name of a corpus scenario. */
  readonly name: string;
  /** Arguments of `npm run simulate` that run the same. */
  readonly replay: readonly string[];
}

/** What gave the bug away. */
export interface Finding {
  readonly invariant: string;
  readonly kind: string;
  readonly detail: string;
}

export type HuntEvent =
  | { readonly type: "case"; readonly case: CaseName }
  | { readonly type: "found"; readonly case: CaseName; readonly finding: Finding; readonly cases: number }
  /** Time or cases are over and no invariant was violated. */
  | { readonly type: "nothing"; readonly cases: number };

/** An event, or undefined for a line that is none. */
export function parseHuntEvent(line: string): HuntEvent | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    const isEvent = typeof value === "object" && value !== null && "type" in value && TYPES.includes(String(value.type));
    return isEvent ? (value as HuntEvent) : undefined;
  } catch {
    // Whatever else is printed is not for us.
    return undefined;
  }
}

const TYPES: readonly string[] = ["case", "found", "nothing"] satisfies readonly HuntEvent["type"][];
