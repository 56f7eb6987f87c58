/** Small words that all texts of the report share. */

/** Characters of a hash that people are shown. */
export const HASH_SHOWN = 12;

export const nameOf = (validator: number): string => `V${validator}`;

export const namesOf = (validators: readonly number[]): string => joined(validators.map(nameOf));

export const shortHash = (hash: string): string => hash.slice(0, HASH_SHOWN);

/** "a", "a and b", "a, b and c"; "nobody" for none. */
export function joined(items: readonly string[]): string {
  if (items.length === 0) return "nobody";
  if (items.length === 1) return items[0] ?? "";
  return `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** "1 block", "2 blocks". */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** "12.345678 s" without its last zeros: whole microseconds lose nothing. */
export function describeMoment(atUs: number): string {
  const micros = String(atUs % 1_000_000).padStart(6, "0");
  const digits = micros.endsWith("000") ? micros.slice(0, 3) : micros;
  return `${Math.floor(atUs / 1_000_000)}.${digits} s`;
}

export const describeDelay = (delayUs: number): string => `${Math.round(delayUs / 10) / 100} ms`;

/** "0–6 9": runs of three or more are drawn together. */
export function compactIndices(indices: readonly number[]): string {
  const sorted = [...new Set(indices)].sort((left, right) => left - right);
  const runs: number[][] = [];
  for (const index of sorted) {
    const last = runs.at(-1);
    if (last?.at(-1) === index - 1) last.push(index);
    else runs.push([index]);
  }
  return runs.map((run) => (run.length < 3 ? run.join(" ") : `${run[0]}–${run.at(-1)}`)).join(" ");
}
