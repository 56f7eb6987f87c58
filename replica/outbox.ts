/** Collects what one step of the replica produces: durable writes and effects, each in order.
 *  R9: the driver writes the durable part before it performs any effect of the step, so a vote's record, its block and the
 *  CC that prunes it need only be in the same outbox as the effect that depends on them. */

import type { Durable, ReplicaEffect, Step } from "./interface.ts";

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] extends readonly (infer Item)[] ? Item[] : T[Key] };

export interface Outbox {
  readonly durable: Mutable<Durable>;
  readonly effects: ReplicaEffect[];
}

export function createOutbox(): Outbox {
  return { durable: { records: [], blocks: [], finality: [], operations: [], evidence: [], shares: [] }, effects: [] };
}

export function toStep(outbox: Outbox): Step {
  const { durable, effects } = outbox;
  const isEmpty = Object.values(durable).every((list) => list.length === 0);
  return { durable: isEmpty ? undefined : durable, effects };
}
