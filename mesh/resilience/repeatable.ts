import type { MethodPolicy } from '../contract/policy.js';

/**
 * Whether a call of this method takes one message, gives one, and changes nothing: only such a call may be answered by a
 * fallback (an invented answer to a command would be a lie) or repeated for the sake of a probe.
 */
export function isPlainRead(method: Pick<MethodPolicy, 'kind' | 'idempotency'>): boolean {
  return method.kind === 'unary' && method.idempotency === 'no_side_effects';
}

/** Whether the contract says that a call of this method does no harm when it is made twice. */
export function mayRepeat({ idempotency }: Pick<MethodPolicy, 'idempotency'>): boolean {
  return idempotency === 'no_side_effects' || idempotency === 'idempotent';
}
