import { MeshError } from '../../contract/error.js';
import type { Clock, Log } from '../../runtime/ports.js';
import type { Interceptor } from '../interceptor.js';
import { onEnd } from '../stream.js';

/**
 * One line for each call that a service answers: who, what, how it ended, how long. Never a body, never a token. What
 * was a mistake of the shop is logged with its cause.
 */
export function logInterceptor(log: Log, clock: Clock): Interceptor {
  return (next) => async (call) => {
    const { method, context } = call;
    const startedMs = clock.monotonicMs();
    const end = (failure: unknown) => {
      const error = failure === undefined ? undefined : MeshError.from(failure);
      const fields = {
        method: method.path.slice(1),
        caller: context.caller,
        code: error?.code ?? 'OK',
        ...(error === undefined ? {} : { reason: error.reason }),
        ms: Math.round((clock.monotonicMs() - startedMs) * 100) / 100,
        trace_id: context.trace.traceId,
        span_id: context.trace.spanId,
      };
      if (
        error === undefined ||
        (error.code !== 'INTERNAL' && error.code !== 'UNKNOWN' && error.code !== 'DATA_LOSS')
      )
        log.info(fields, 'call');
      else log.error({ ...fields, cause: causeOf(error) }, 'call failed by a mistake of the shop');
    };
    try {
      return onEnd(await next(call), end);
    } catch (error) {
      end(error);
      throw error;
    }
  };
}

function causeOf(error: MeshError): string {
  return error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : error.message;
}
