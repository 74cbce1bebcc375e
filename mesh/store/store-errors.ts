import { MeshError } from '../contract/error.js';

/** An idempotency key that came with another request before. */
export function keyReused(key: string): MeshError {
  return new MeshError({
    code: 'ALREADY_EXISTS',
    reason: 'IDEMPOTENCY_KEY_REUSED',
    message: `the idempotency-key ${key} was used with another request: use a new key for a new command`,
  });
}

/**
 * A write that breaks a rule of the database: a mistake of the shop, which no repetition mends.
 * @param rule names it without any value.
 */
export function storageRefused(service: string, rule: string, cause: unknown): MeshError {
  return new MeshError({
    code: 'INTERNAL',
    reason: 'INTERNAL',
    message: `the database of ${service} refuses what it was given (${rule}): nothing was changed, and repeating it won't help`,
    cause,
  });
}
