import { MeshError } from '../../contract/error.js';
import type { Tracer } from '../../telemetry/tracer.js';
import type { Interceptor } from '../interceptor.js';
import { onEnd } from '../stream.js';

/**
 * A span for each call, by OpenTelemetry's RPC conventions; nested calls become its children. The span of a stream ends
 * with the stream.
 */
export function traceInterceptor(side: 'client' | 'server', tracer: Tracer): Interceptor {
  return (next) => async (call) => {
    const { method, context } = call;
    const span = tracer.start({
      name: method.path.slice(1),
      kind: side,
      parent: context.trace,
      attributes: {
        'rpc.system.name': 'grpc',
        'rpc.method': method.path.slice(1),
        'meshmart.caller': context.caller,
      },
    });
    const end = (failure: unknown) => {
      const code = failure === undefined ? 'OK' : MeshError.from(failure).code;
      span.setAttribute('rpc.response.status_code', code);
      if (failure !== undefined) span.setAttribute('error.type', MeshError.from(failure).reason);
      span.end(failure === undefined ? undefined : code);
    };
    try {
      return onEnd(await next({ ...call, context: { ...context, trace: span.context } }), end);
    } catch (error) {
      end(error);
      throw error;
    }
  };
}
