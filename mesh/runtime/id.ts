import type { Clock, Random } from './ports.js';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'; // Crockford's base 32, lower case: no i, l, o, u.

/** Makes ids such as `ord_01jd8x...`: a prefix, 10 characters of time, 16 of chance (the layout of a ULID). */
export type IdSource = (prefix: string) => string;

/**
 * Ids that sort in the order in which one process made them, and carry up to 80 random bits. Within a millisecond, or after
 * the clock was set back, the upper half of the random part counts up from the last id and the lower half is drawn anew:
 * 40 bits that nobody can guess (after "Monotonicity" of the ULID specification, which leaves none).
 * @param clock gives the 48 bits of time.
 * @param random gives the bits of chance.
 */
export function createIdSource(clock: Clock, random: Random): IdSource {
  let lastMs = -1;
  let upper = 0;
  return (prefix) => {
    const drawn = random.bytes(16);
    const nowMs = clock.nowMs();
    if (nowMs > lastMs) {
      lastMs = nowMs;
      // One bit less than there is room for, so that it can count up.
      upper = drawn.subarray(0, 8).reduce((sum, byte) => sum * 32 + (byte & 31), 0) % 2 ** 39;
    } else upper += 1;
    return `${prefix}_${encode(lastMs, 10)}${encode(upper, 8)}${encodeRandom(drawn.subarray(8))}`;
  };
}

function encode(number: number, digits: number): string {
  let rest = number;
  let text = '';
  for (let position = 0; position < digits; position += 1) {
    text = alphabet[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

function encodeRandom(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += alphabet[byte & 31];
  return text;
}
