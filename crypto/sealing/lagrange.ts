/** Lagrange coefficients at zero over evaluation points validator + 1. The same sets of validators come again and again while a
 *  key lives, so the coefficients of the last sets are kept. */

import { assert } from "../../types/assert.ts";
import type { ValidatorIndex } from "../../types/ids.ts";
import type { Group } from "./group.ts";

/** λ_i of the given validators, in their order. They must be different. */
export type LagrangeAtZero<Scalar> = (validators: readonly ValidatorIndex[]) => readonly Scalar[];

/** Sets whose coefficients are kept: at n = 128 some 86 coefficients of 32 bytes each. */
const SETS_MAX = 256;

export function createLagrange<Point, Scalar>(group: Group<Point, Scalar>): LagrangeAtZero<Scalar> {
  const known = new Map<string, readonly Scalar[]>();
  return (validators) => {
    const name = validators.join();
    const found = known.get(name);
    if (found !== undefined) return found;
    const coefficients = coefficientsOf(group, validators);
    const oldest = known.keys().next();
    if (known.size >= SETS_MAX && oldest.done !== true) known.delete(oldest.value);
    known.set(name, coefficients);
    return coefficients;
  };
}

/** The evaluation point of a validator: never zero, where the secret is. */
export function evaluationPointOf(validator: ValidatorIndex): number {
  return validator + 1;
}

/** λ_i = Π x_j / (x_j − x_i) over all j but i. */
function coefficientsOf<Point, Scalar>(group: Group<Point, Scalar>, validators: readonly ValidatorIndex[]): Scalar[] {
  assert(new Set(validators).size === validators.length, "shares of different validators");
  const points = validators.map((validator) => group.scalarOf(evaluationPointOf(validator)));
  return points.map((own, index) => {
    let numerator = group.scalarOf(1);
    let denominator = group.scalarOf(1);
    for (const [at, other] of points.entries()) {
      if (at === index) continue;
      numerator = group.multiplyScalars(numerator, other);
      denominator = group.multiplyScalars(denominator, group.subtractScalars(other, own));
    }
    return group.multiplyScalars(numerator, group.invertScalar(denominator));
  });
}
