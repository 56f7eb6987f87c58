/** Reads what a node answers, by hand: each function takes anything and gives a value of its type or undefined. Fields that this
 *  version does not know are ignored. Never throws. */

import { tryFromHex } from "../types/bytes.ts";
import { parseHash } from "../types/ids.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Longer texts are no answers. */
const TEXT_CHARACTERS_MAX = 2_048;

export function objectOf(value: unknown): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** A safe integer from 0. */
export function integerOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value.length <= TEXT_CHARACTERS_MAX ? value : undefined;
}

export function hashOf<T extends string>(value: unknown): T | undefined {
  return typeof value === "string" ? parseHash<T>(value) : undefined;
}

/** Lower-case hex of at most `bytesMax` bytes. */
export function bytesOf(value: unknown, bytesMax: number): Uint8Array | undefined {
  return typeof value === "string" && value.length <= 2 * bytesMax ? tryFromHex(value) : undefined;
}

/** A decimal string below 2^128. */
export function amountOf(value: unknown): bigint | undefined {
  if (typeof value !== "string" || !/^(0|[1-9][0-9]{0,38})$/.test(value)) return undefined;
  const amount = BigInt(value);
  return amount < 2n ** 128n ? amount : undefined;
}

/** As `amountOf`, below zero too. */
export function signedAmountOf(value: unknown): bigint | undefined {
  if (typeof value !== "string" || !value.startsWith("-")) return amountOf(value);
  const amount = amountOf(value.slice(1));
  return amount === undefined ? undefined : -amount;
}

/** All items or nothing. */
export function listOf<T>(value: unknown, read: (item: unknown) => T | undefined, countMax: number): readonly T[] | undefined {
  if (!Array.isArray(value) || value.length > countMax) return undefined;
  const items: T[] = [];
  for (const each of value) {
    const item = read(each);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return items;
}
