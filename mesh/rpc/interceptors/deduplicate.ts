import { hash } from 'node:crypto';
import { invalidField } from '../../contract/error.js';
import type { Interceptor } from '../interceptor.js';
import { isStream } from '../stream.js';

const header = 'idempotency-key';

/**
 * Server side: makes `context.command` from the idempotency key, where the contract takes one. The handler stores its
 * answer under it in the transaction of the effect; only that makes a repeated command one command.
 */
export function deduplicateInterceptor(): Interceptor {
  return (next) => async (call) => {
    const { method, context, body } = call;
    const key = context.metadata[header];
    if (method.idempotencyKey === 'none' || isStream(body)) return next(call);
    if (key === undefined || key === '') {
      if (method.idempotencyKey === 'optional') return next(call);
      throw invalidField(
        header,
        'required',
        'is missing: send one that is new for each command',
        'IDEMPOTENCY_KEY_REQUIRED',
      );
    }
    if (!/^[\x21-\x7e]{1,200}$/.test(key))
      throw invalidField(header, 'format', 'must be 1 to 200 printable ASCII characters without spaces');
    // A step of a saga is one command, whether it first runs in a user's call or later without it.
    const byService = context.user === undefined || method.exposure === 'internal';
    const owner = byService ? `service:${context.caller}` : `user:${context.user?.id}`;
    const command = {
      scope: `${owner} ${method.path}`,
      key,
      requestHash: hash('sha256', body, 'buffer'),
    };
    return next({ ...call, context: { ...context, command } });
  };
}
