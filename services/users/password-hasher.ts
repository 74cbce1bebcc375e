import { scrypt, timingSafeEqual } from 'node:crypto';
import { MeshError } from '../../mesh/contract/error.js';
import type { Random } from '../../mesh/runtime/ports.js';

/** Turns passwords into what is stored, and compares. A port, because a simulation can't wait for real hashing. */
export interface PasswordHasher {
  /** @throws MeshError RESOURCE_EXHAUSTED (OVERLOADED) when too many passwords wait already. */
  hash(password: string): Promise<string>;
  /** Whether the password is the one that `stored` was made from; takes as long either way. @throws as `hash`. */
  matches(password: string, stored: string): Promise<boolean>;
  /** Has the form of a stored hash and was made from no password at all. */
  readonly nobodys: string;
}

/** See the manifest's settings of the same names. */
export interface PoolLimits {
  readonly hashesAtOnce: number;
  readonly hashesWaiting: number;
}

/** N = 2^15, r = 8, p = 1: 32 MiB and about 70 ms a hash. Above the 2^14 of RFC 7914's interactive login. */
const logN = 15;
const blockSize = 8;
const parallelization = 1;
const hashLength = 32;
const saltLength = 16;
const maxMemoryBytes = 64 * 1024 * 1024;

/** scrypt (RFC 7914) in a bounded pool, so that a flood of logins takes neither all memory nor all threads. */
export function scryptHasher(random: Random, limits: PoolLimits): PasswordHasher {
  const enter = createPool(limits);
  const derive = (password: string, salt: Uint8Array, cost: number) =>
    enter(
      () =>
        new Promise<Buffer>((resolve, reject) => {
          const options = { N: 2 ** cost, r: blockSize, p: parallelization, maxmem: maxMemoryBytes };
          scrypt(password.normalize('NFKC'), salt, hashLength, options, (error, key) =>
            error ? reject(error) : resolve(key),
          );
        }),
    );
  const stored = (salt: Uint8Array, key: Uint8Array) =>
    `$scrypt$ln=${logN},r=${blockSize},p=${parallelization}$${base64(salt)}$${base64(key)}`;
  return {
    hash: async (password) => {
      const salt = random.secretBytes(saltLength);
      return stored(salt, await derive(password, salt, logN));
    },
    // A key drawn by lot: nobody can know a password for it, and none has to be hashed at the start.
    nobodys: stored(random.secretBytes(saltLength), random.secretBytes(hashLength)),
    matches: async (password, stored) => {
      const match = /^\$scrypt\$ln=(\d+),r=8,p=1\$([^$]+)\$([^$]+)$/.exec(stored);
      if (match === null) throw new RangeError('a stored password hash has an unknown form');
      const expected = Buffer.from(match[3] ?? '', 'base64');
      const key = await derive(password, Buffer.from(match[2] ?? '', 'base64'), Number(match[1]));
      return timingSafeEqual(key, expected);
    },
  };
}

/** Runs at most so many at once, lets so many wait, and turns the rest away at once. */
export function createPool(limits: PoolLimits): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= limits.hashesAtOnce) {
      if (waiting.length >= limits.hashesWaiting) {
        throw new MeshError({
          code: 'RESOURCE_EXHAUSTED',
          reason: 'OVERLOADED',
          message: 'too many passwords are being checked: try again in a few seconds',
        });
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
