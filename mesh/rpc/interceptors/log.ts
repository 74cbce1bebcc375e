import { MeshError } from '../../contract/error.js';
import type { Clock, Log } from '../../runtime/ports.js';
import type { CallContext, User } from '../context.js';
import type { Interceptor } from '../interceptor.js';
import { onEnd } from '../stream.js';
import type { Body } from '../wire.js';

/**
 * Server side: one line for each call that a service answers: who, what, how it ended, how long. Of the user the id is
 * written, once the token has been found good. Never a body, never a token. What was a mistake of the shop is logged with
 * its cause.
 */
export function logInterceptor(log: Log, clock: Clock): Interceptor {
  return (next) => (call) => {
    const { method, context } = call;
    let userId: string | undefined;
    const identified = (user: User) => {
      userId = user.id;
    };
    return ended(
      clock,
      () => next({ ...call, context: { ...context, identified } }),
      (error, ms) => {
        const fields = {
          method: method.path.slice(1),
          caller: context.caller,
          ...(userId === undefined ? {} : { user_id: userId }),
          ...outcomeOf(error, ms, context),
        };
        if (error === undefined || !mistakes.has(error.code)) log.info(fields, 'call');
        else log.error({ ...fields, cause: causeOf(error) }, 'call failed by a mistake of the shop');
      },
    );
  };
}

/** Client side: one line at debug level for each call that leaves: to whom, how it ended, how long it was waited for. */
export function clientLogInterceptor(log: Log, clock: Clock): Interceptor {
  return (next) => (call) =>
    ended(
      clock,
      () => next(call),
      (error, ms) => {
        const callee = call.method.path.slice(1);
        log.debug({ callee, ...outcomeOf(error, ms, call.context) }, 'outgoing call');
      },
    );
}

/** Codes that say that the shop itself went wrong. */
const mistakes: ReadonlySet<MeshError['code']> = new Set(['INTERNAL', 'UNKNOWN', 'DATA_LOSS'] as const);

/** Tells how a call ended and how long it took, for a stream when the stream ends. */
async function ended(
  clock: Clock,
  answer: () => Promise<Body>,
  tell: (error: MeshError | undefined, ms: number) => void,
): Promise<Body> {
  const startedMs = clock.monotonicMs();
  const end = (failure: unknown) => {
    const error = failure === undefined ? undefined : MeshError.from(failure);
    tell(error, Math.round((clock.monotonicMs() - startedMs) * 100) / 100);
  };
  try {
    return onEnd(await answer(), end);
  } catch (error) {
    end(error);
    throw error;
  }
}

function outcomeOf(error: MeshError | undefined, ms: number, { trace }: CallContext) {
  return {
    code: error?.code ?? 'OK',
    ...(error === undefined ? {} : { reason: error.reason }),
    ms,
    trace_id: trace.traceId,
    span_id: trace.spanId,
  };
}

function causeOf(error: MeshError): string {
  return error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : error.message;
}
