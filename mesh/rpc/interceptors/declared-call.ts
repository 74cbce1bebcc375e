import { MeshError } from '../../contract/error.js';
import type { CallPolicy } from '../../security/authority.js';
import type { Interceptor } from '../interceptor.js';

/** Client side, place `identity`: a call that the caller's manifest does not declare fails before it leaves. */
export function declaredCallInterceptor(policy: CallPolicy): Interceptor {
  return (next) => async (call) => {
    const { method, context } = call;
    if (!policy.allows(context.caller, method.path)) throw callNotDeclared(context.caller, method.path);
    return next(call);
  };
}

export function callNotDeclared(caller: string, path: string): MeshError {
  return new MeshError({
    code: 'PERMISSION_DENIED',
    reason: 'CALL_NOT_DECLARED',
    message: `${caller} does not declare a call to ${path.slice(1)}: add it under calls: in its service.yaml`,
  });
}
