import type { Code, Reason } from './error.js';

const byCode: Readonly<Record<Code, number>> = {
  CANCELLED: 499,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  // google.rpc maps it to 400; 409 tells a client that the request was right and the state was not.
  FAILED_PRECONDITION: 409,
  ABORTED: 409,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
  UNAUTHENTICATED: 401,
};

/** Where the reason says more than the code. */
const byReason: Partial<Record<Reason, number>> = {
  IDEMPOTENCY_KEY_REUSED: 422,
  BODY_TOO_LARGE: 413,
  METHOD_NOT_ALLOWED: 405,
  UNSUPPORTED_MEDIA_TYPE: 415,
  OVERLOADED: 503,
};

/** The HTTP status of an error. */
export function httpStatusOf(code: Code, reason: Reason): number {
  return byReason[reason] ?? byCode[code];
}
