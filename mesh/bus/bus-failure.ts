import { MeshError } from '../contract/error.js';

/** What a failure of a broker is to whoever publishes or asks: nothing is known of it, and it may be tried again. */
export function busUnavailable(cause: unknown): MeshError {
  return new MeshError({
    code: 'UNAVAILABLE',
    reason: 'STORAGE_UNAVAILABLE',
    message: "the bus can't be used now: try again",
    cause,
  });
}

/** A replay of what is no dead letter. */
export function noDeadLetter(group: string, messageId: string): MeshError {
  return new MeshError({
    code: 'NOT_FOUND',
    reason: 'CONFLICT',
    message: `${group} has no dead letter ${messageId}: list them first`,
  });
}
