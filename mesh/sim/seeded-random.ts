import type { Random } from '../runtime/ports.js';

/** Randomness that a seed determines, with what a simulation wants besides. */
export interface SeededRandom extends Random {
  /** A number in [low, high). */
  between(low: number, high: number): number;
  /** A whole number from 0 to `count` - 1. */
  below(count: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** One of these. @throws RangeError when there are none. */
  pick<T>(items: readonly T[]): T;
  /** Another generator that only the seed and this name determine: what one part draws never shifts another's numbers. */
  fork(name: string): SeededRandom;
}

/** Makes the generator of a seed: sfc32 (Chris Doty-Humphrey, PractRand), seeded through a hash of the name. */
export function seededRandom(seed: number | string): SeededRandom {
  const name = String(seed);
  let [a, b, c] = [hash(`${name}/a`), hash(`${name}/b`), hash(`${name}/c`)];
  let counter = 1;
  const word = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let warmUp = 0; warmUp < 12; warmUp += 1) word();
  const next = () => word() / 2 ** 32;
  const bytes = (length: number) => {
    const filled = new Uint8Array(length);
    for (let index = 0; index < length; index += 1) filled[index] = word() >>> 24;
    return filled;
  };
  const below = (count: number) => Math.floor(next() * count);
  return {
    next,
    bytes,
    secretBytes: bytes,
    between: (low, high) => low + next() * (high - low),
    below,
    chance: (probability) => next() < probability,
    pick: (items) => {
      if (items.length === 0) throw new RangeError('there is nothing to pick from');
      return items[below(items.length)] as (typeof items)[number];
    },
    fork: (child) => seededRandom(`${name}/${child}`),
  };
}

/** FNV-1a over the text's code units, mixed once more (MurmurHash3's finalizer). */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}
