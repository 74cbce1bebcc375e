import { MeshError } from '../contract/error.js';

/** An idempotency key that came with another request before. */
export function keyReused(key: string): MeshError {
  return new MeshError({
    code: 'ALREADY_EXISTS',
    reason: 'IDEMPOTENCY_KEY_REUSED',
    message: `the idempotency-key ${key} was used with another request: use a new key for a new command`,
  });
}
