/** Quorum arithmetic of the checkers, in exact integers and from the definition alone: a quorum weighs strictly more than two
 *  thirds of everything. Shares no line with types/validator_set.ts, so that a mistake there is not repeated here. */

export interface Quorum {
  readonly count: number;
  readonly total: number;
  weightOf(validators: Iterable<number>): number;
  isQuorum(weight: number): boolean;
  /** At least a third of everything: what conflicting finality must be blamed on. */
  isThird(weight: number): boolean;
  /** The validators that a bitfield names, ascending; undefined when it names somebody who is no member. */
  signersOf(bits: Uint8Array): readonly number[] | undefined;
}

export function createQuorum(weights: readonly number[]): Quorum {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const least = Number((2n * BigInt(total)) / 3n) + 1;
  const third = Number((BigInt(total) + 2n) / 3n);
  return {
    count: weights.length,
    total,
    weightOf(validators) {
      let weight = 0;
      for (const validator of validators) weight += weights[validator] ?? 0;
      return weight;
    },
    isQuorum: (weight) => weight >= least,
    isThird: (weight) => weight >= third,
    signersOf(bits) {
      const signers: number[] = [];
      for (let byte = 0; byte < bits.length; byte++) {
        let rest = bits[byte] as number;
        for (let bit = 0; rest !== 0; bit++, rest >>>= 1) if (rest % 2 === 1) signers.push(8 * byte + bit);
      }
      const last = signers.at(-1);
      return last !== undefined && last >= weights.length ? undefined : signers;
    },
  };
}

/** Do these validators, each named once, weigh a quorum? */
export function isQuorumOf(validators: Iterable<number>, weights: readonly number[]): boolean {
  const quorum = createQuorum(weights);
  return quorum.isQuorum(quorum.weightOf(new Set(validators)));
}
