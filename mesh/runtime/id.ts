import type { Clock, Random } from './ports.js';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'; // Crockford's base 32, lower case: no i, l, o, u.

/** Makes ids such as `ord_01jd8x...`: a prefix, 10 characters of time, 16 of chance (the layout of a ULID). */
export type IdSource = (prefix: string) => string;

/**
 * Ids that sort by the millisecond they were made in and carry 80 random bits.
 * @param clock gives the 48 bits of time.
 * @param random gives the 80 bits of chance.
 */
export function createIdSource(clock: Clock, random: Random): IdSource {
  return (prefix) => `${prefix}_${encodeTime(clock.nowMs())}${encodeRandom(random.bytes(16))}`;
}

function encodeTime(ms: number): string {
  let rest = ms;
  let text = '';
  for (let position = 0; position < 10; position += 1) {
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
