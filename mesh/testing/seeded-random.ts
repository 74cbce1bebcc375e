import type { Random } from '../runtime/ports.js';

/**
 * Randomness that is the same for the same seed: mulberry32, a 32-bit generator of one multiplication chain. It passes
 * the usual statistical tests and is fit for simulations and tests, never for secrets ({@link Random.secretBytes} of
 * this port is as predictable as the rest, so that a run can be repeated).
 * @param seed any whole number; its lowest 32 bits count. Default 1.
 */
export function seededRandom(seed = 1): Random {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed is ${seed}: give a whole number`);
  let state = seed >>> 0;
  const word = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const bytes = (length: number) => Uint8Array.from({ length }, () => word() >>> 24);
  return { next: () => word() / 0x1_0000_0000, bytes, secretBytes: bytes };
}
