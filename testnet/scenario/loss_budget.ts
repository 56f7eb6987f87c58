/** Which validators a drawn scenario may lose for good, to a strategy or to damage: together strictly below a third of the weight, so that an
 *  honest quorum lasts. */

export interface LossBudget {
  /** Takes a validator if there is room; true when it is taken, now or before. */
  take(validator: number): boolean;
  readonly taken: ReadonlySet<number>;
}

export function createLossBudget(weights: readonly number[]): LossBudget {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const taken = new Set<number>();
  let weightTaken = 0;
  return {
    taken,
    take(validator) {
      if (taken.has(validator)) return true;
      const weight = weights[validator] ?? total;
      if (3 * (weightTaken + weight) >= total) return false;
      weightTaken += weight;
      taken.add(validator);
      return true;
    },
  };
}
