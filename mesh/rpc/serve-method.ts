import { MeshError } from '../contract/error.js';
import type { MethodPolicy } from '../contract/policy.js';
import type { CallContext } from './context.js';
import type { MethodDefinition } from './definition.js';
import type { Next } from './interceptor.js';
import { withoutRuntimeNames } from './metadata.js';
import { mapStream } from './stream.js';
import { streamUntilAborted, untilAborted } from './until-aborted.js';
import type { Body } from './wire.js';

/** The innermost of a server: decodes, calls the handler, encodes; no longer than the call's signal allows. */
export function serveMethod(method: MethodDefinition, policy: MethodPolicy, handler: unknown): Next {
  const handle = handler as (request: unknown, context: CallContext) => unknown;
  const encode = (message: unknown) => method.responseType.encode(message).finish();
  return async ({ body, context }) => {
    const { signal } = context;
    signal.throwIfAborted();
    const request = requestOf(method, policy, body, signal);
    const answer = handle(request, { ...context, metadata: withoutRuntimeNames(context.metadata) });
    if (method.responseStream) {
      return mapStream(streamUntilAborted(answer as AsyncIterable<unknown>, signal), encode);
    }
    return encode(await untilAborted(answer as Promise<unknown>, signal));
  };
}

function requestOf(method: MethodDefinition, policy: MethodPolicy, body: Body, signal: AbortSignal): unknown {
  const decode = (bytes: Uint8Array): unknown => {
    try {
      return method.requestType.decode(bytes);
    } catch (cause) {
      throw new MeshError({
        code: 'INVALID_ARGUMENT',
        reason: 'MALFORMED_REQUEST',
        message: `the request is not an encoded ${policy.input}`,
        cause,
      });
    }
  };
  return body instanceof Uint8Array ? decode(body) : mapStream(streamUntilAborted(body, signal), decode);
}
