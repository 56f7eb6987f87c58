/** A small seeded generator for tests (xorshift128+ on 32-bit words); the same seed gives the same numbers everywhere. */

export interface Prng {
  /** Uniform in [0, 1). */
  real(): number;
  /** Uniform integer in [0, bound). */
  below(bound: number): number;
  bytes(length: number): Uint8Array;
}

export function createPrng(seed: number): Prng {
  let a = (seed ^ 0x9e37_79b9) >>> 0;
  let b = 0x243f_6a88;
  let c = 0xb7e1_5162;
  let d = (seed * 2_654_435_761) >>> 0 || 1;
  const next = (): number => {
    const t = (a ^ (a << 11)) >>> 0;
    a = b;
    b = c;
    c = d;
    d = (d ^ (d >>> 19) ^ (t ^ (t >>> 8))) >>> 0;
    return d;
  };
  for (let round = 0; round < 16; round++) next();
  return {
    real: () => next() / 2 ** 32,
    below: (bound) => Math.floor((next() / 2 ** 32) * bound),
    bytes: (length) => Uint8Array.from({ length }, () => next() & 0xff),
  };
}
