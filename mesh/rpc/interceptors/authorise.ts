import { MeshError } from '../../contract/error.js';
import type { CallPolicy } from '../../security/authority.js';
import type { Interceptor } from '../interceptor.js';
import { callNotDeclared } from './declared-call.js';

/** The caller name of clients at a front port. */
export const outside = 'outside';

/**
 * Server side: who may call, by the method's exposure. Services need the call in their manifest; internal methods answer
 * nobody else; USER methods need a token with the scope, OPERATOR methods an operator's.
 */
export function authoriseInterceptor(policy: CallPolicy): Interceptor {
  return (next) => async (call) => {
    const { method, context } = call;
    if (context.caller === outside) {
      if (method.exposure === 'internal') throw notExposed(method.path);
    } else if (!policy.allows(context.caller, method.path))
      throw callNotDeclared(context.caller, method.path);
    if (method.exposure === 'user' || method.exposure === 'operator') {
      const scope = method.exposure === 'user' ? method.scope : 'operator';
      if (context.user === undefined) throw tokenMissing(method.path);
      if (!context.user.scopes.includes(scope)) throw scopeMissing(method.path, scope);
    }
    return next(call);
  };
}

/** The refusal of an internal method at a front port. */
export function notExposed(path: string): MeshError {
  return new MeshError({
    code: 'PERMISSION_DENIED',
    reason: 'METHOD_NOT_EXPOSED',
    message: `${path.slice(1)} is internal: clients can't call it`,
  });
}

function tokenMissing(path: string): MeshError {
  return new MeshError({
    code: 'UNAUTHENTICATED',
    reason: 'TOKEN_MISSING',
    message: `${path.slice(1)} needs a token: log in and send it as authorization: Bearer`,
  });
}

function scopeMissing(path: string, scope: string): MeshError {
  return new MeshError({
    code: 'PERMISSION_DENIED',
    reason: 'SCOPE_MISSING',
    message: `${path.slice(1)} needs a token with scope ${scope}: this one does not have it`,
    metadata: { scope },
  });
}
