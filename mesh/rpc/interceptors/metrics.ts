import { MeshError } from '../../contract/error.js';
import type { Clock } from '../../runtime/ports.js';
import type { RpcMetrics } from '../../telemetry/metrics.js';
import type { Interceptor } from '../interceptor.js';
import { onEnd } from '../stream.js';

/** Rate, errors, duration and calls in flight of each method. */
export function metricsInterceptor(
  side: 'client' | 'server',
  metrics: RpcMetrics,
  clock: Clock,
): Interceptor {
  return (next) => async (call) => {
    const { path } = call.method;
    const startedMs = clock.monotonicMs();
    metrics.inFlight(side, call.method, 1);
    const end = (failure: unknown) => {
      metrics.inFlight(side, call.method, -1);
      const code = failure === undefined ? 'OK' : MeshError.from(failure).code;
      metrics.observe(side, path, code, (clock.monotonicMs() - startedMs) / 1_000);
    };
    try {
      return onEnd(await next(call), end);
    } catch (error) {
      end(error);
      throw error;
    }
  };
}
