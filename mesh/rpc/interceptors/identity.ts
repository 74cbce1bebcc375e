import { MeshError } from '../../contract/error.js';
import type { TokenVerifier } from '../../security/verifier.js';
import type { Interceptor } from '../interceptor.js';

/**
 * Server side: verifies the token of `authorization: Bearer`, if there is one, and sets the user. A bad token is refused
 * even where none is needed: whoever sends one means to be somebody.
 */
export function identityInterceptor(verifier: TokenVerifier): Interceptor {
  return (next) => async (call) => {
    const { authorization, ...metadata } = call.context.metadata as { authorization?: string };
    if (authorization === undefined) return next(call);
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    if (token === undefined) {
      throw new MeshError({
        code: 'UNAUTHENTICATED',
        reason: 'TOKEN_INVALID',
        message: "authorization is not 'Bearer TOKEN': log in and send the token so",
      });
    }
    const user = await verifier.verify(token);
    call.context.identified?.(user);
    return next({ ...call, context: { ...call.context, metadata, user, userToken: token } });
  };
}
