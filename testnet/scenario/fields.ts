/** Building blocks of the scenario's schema. Every message says what is allowed, so that it can be put right without other documents. */

import { z } from "zod";

export const VALIDATOR_INDEX_MAX = 63;

export const integer = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

export const validatorIndex = integer(0, VALIDATOR_INDEX_MAX);

export const real = (min: number, max: number) => {
  const error = `must be a number from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
};

export const probability = real(0, 1);

/** Simulated time is whole microseconds. */
export const milliseconds = (max: number) => {
  const error = `must be milliseconds from 0 to ${max}, in whole microseconds`;
  return z.number({ error }).min(0, { error }).max(max, { error }).refine(isWholeMicroseconds, { error });
};

/** `[least, most]`; that they are in order is checked here too. */
export const millisecondsRange = (max: number) => {
  const error = `must be [least, most] in milliseconds, from 0 to ${max}`;
  return z.tuple([milliseconds(max), milliseconds(max)], { error }).refine(([least, most]) => least <= most, { error });
};

export const text = (max: number) => {
  const error = `must be 1 to ${max} printable characters`;
  return z.string({ error }).regex(new RegExp(`^[ -~]{1,${max}}$`), { error });
};

export const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, { error: `must be one of ${values.join(", ")}` });

export const listOf = <Item extends z.ZodType>(
  item: Item,
  { what, min = 0, max }: { readonly what: string; readonly min?: number; readonly max: number },
) => {
  const error = `must be a list of ${min} to ${max} ${what}`;
  return z.array(item, { error }).min(min, { error }).max(max, { error });
};

/** An object whose unknown keys are mistakes. */
export const strict = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) => {
      const allowed = Object.keys(shape).join(", ");
      if (issue.code !== "unrecognized_keys") return `must be an object with: ${allowed}`;
      return `unknown ${issue.keys.map((key) => JSON.stringify(key)).join(", ")}; allowed here: ${allowed}`;
    },
  });

type Variant<Key extends string> = z.ZodObject<Record<Key, z.ZodLiteral<string>> & z.core.$ZodLooseShape>;

/** One of several objects, told apart by the literal in `key`. */
export function variants<const Key extends string, const Options extends readonly [Variant<Key>, ...Variant<Key>[]]>(
  key: Key,
  options: Options,
) {
  const names = options.map((option) => [...option.shape[key].values].join(", ")).join(", ");
  return z.discriminatedUnion(key, options, {
    error: (issue) => (issue.code === "invalid_union" ? `must be one of ${names}` : `must be an object with "${key}": one of ${names}`),
  });
}

function isWholeMicroseconds(ms: number): boolean {
  const us = ms * 1_000;
  return Math.abs(us - Math.round(us)) < 1e-6 * Math.max(1, us);
}
