import { MeshError } from '../../mesh/contract/error.js';
import { httpStatusOf } from '../../mesh/contract/http-status.js';

/** An error as application/problem+json (RFC 9457), with the contract's reason. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly reason: string;
  readonly instance: string;
  readonly traceId: string;
  readonly violations?: MeshError['violations'];
  readonly metadata?: MeshError['metadata'];
}

/** The problem that a failure is told as. Nothing of its cause gets in. */
export function problemOf(thrown: unknown, path: string, traceId: string): Problem {
  const error = MeshError.from(thrown);
  return {
    type: `urn:meshmart:reason:${error.reason}`,
    title: titleOf(error.reason),
    status: httpStatusOf(error.code, error.reason),
    detail: error.message,
    reason: error.reason,
    instance: path,
    traceId,
    ...(error.violations.length === 0 ? {} : { violations: error.violations }),
    ...(Object.keys(error.metadata).length === 0 ? {} : { metadata: error.metadata }),
  };
}

/** `OUT_OF_STOCK` = `Out of stock` */
function titleOf(reason: string): string {
  const words = reason.replace(/_/g, ' ').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
