/** Seeded randomness: one stream per concern (network link, disk, workload, each node), so that removing one fault does not reshuffle
 *  the rest. xorshift128 on 32-bit words: the same numbers on every runtime. Never used for keys outside simulation. */

export interface Stream {
  /** Uniform 32 bits. */
  uint32(): number;
  /** Uniform in [0, 1). */
  real(): number;
  /** Uniform integer in [0, bound). */
  below(bound: number): number;
  /** Uniform integer in [min, max]. */
  between(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  /** A new list in random order. */
  shuffled<Item>(items: readonly Item[]): Item[];
  bytes(length: number): Uint8Array;
}

/** The stream of `name` under `seed`: independent of all other names. */
export function createStream(seed: number, name: string): Stream {
  let a = mix(seed >>> 0, 0x9e37_79b9);
  let b = mix(Math.floor(seed / 2 ** 32) >>> 0, 0x243f_6a88);
  let c = 0xb7e1_5162;
  let d = 1;
  for (let index = 0; index < name.length; index++) {
    c = mix(c ^ name.charCodeAt(index), a);
    d = mix(d + name.charCodeAt(index), b);
  }
  const uint32 = (): number => {
    const t = (a ^ (a << 11)) >>> 0;
    a = b;
    b = c;
    c = d;
    d = (d ^ (d >>> 19) ^ (t ^ (t >>> 8))) >>> 0;
    return d;
  };
  if ((a | b | c | d) === 0) d = 1;
  for (let round = 0; round < 16; round++) uint32();
  const below = (bound: number): number => Math.floor((uint32() / 2 ** 32) * bound);
  return {
    uint32,
    real: () => uint32() / 2 ** 32,
    below,
    between: (min, max) => min + below(max - min + 1),
    chance: (probability) => uint32() / 2 ** 32 < probability,
    pick: <Item>(items: readonly Item[]) => items[below(items.length)] as Item,
    shuffled: <Item>(items: readonly Item[]) => {
      const copy = [...items];
      for (let index = copy.length - 1; index > 0; index--) {
        const other = below(index + 1);
        const held = copy[index] as Item;
        copy[index] = copy[other] as Item;
        copy[other] = held;
      }
      return copy;
    },
    bytes: (length) => Uint8Array.from({ length }, () => uint32() & 0xff),
  };
}

/** A round of murmur3's finalizer over two words. */
function mix(value: number, salt: number): number {
  let word = (value ^ salt) >>> 0;
  word = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b) >>> 0;
  word = Math.imul(word ^ (word >>> 13), 0xc2b2_ae35) >>> 0;
  return (word ^ (word >>> 16)) >>> 0;
}
