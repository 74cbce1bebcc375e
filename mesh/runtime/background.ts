import { MeshError } from '../contract/error.js';
import { originOf } from '../rpc/context.js';
import { parseTraceparent, type TraceContext } from '../telemetry/trace-context.js';
import type { Ambient, Random } from './ports.js';
import type { Background } from './service.js';

/** What contexts without a caller are made from. */
export interface BackgroundSource {
  readonly ambient: Ambient;
  /** The service that works on its own behalf. */
  readonly service: string;
  /** Aborted when the process begins to stop: such work ends then, because it is taken up again at the next start. */
  readonly stopping: AbortSignal;
}

/** Makes the `background` function of a service's ports: contexts for sagas, sweeps and events. */
export function createBackground(source: BackgroundSource): Background {
  const { ambient, service, stopping } = source;
  // One listener for all: each on its own would pile up on a signal that lives as long as the process.
  const live = new Set<AbortController>();
  const abortAll = () => {
    for (const controller of [...live]) controller.abort(stopping.reason);
  };
  stopping.addEventListener('abort', abortAll, { once: true });
  return async ({ deadlineMs, traceparent, priority = 'normal' }, work) => {
    const controller = new AbortController();
    const cancelTimer = ambient.timers.after(deadlineMs, () => {
      controller.abort(
        new MeshError({
          code: 'DEADLINE_EXCEEDED',
          reason: 'DEADLINE_EXCEEDED',
          message: `background work of ${service} took longer than ${deadlineMs} ms`,
        }),
      );
    });
    live.add(controller);
    if (stopping.aborted) controller.abort(stopping.reason);
    try {
      return await work(
        originOf({
          service,
          deadlineMs: ambient.clock.nowMs() + deadlineMs,
          signal: controller.signal,
          trace: parseTraceparent(traceparent) ?? newTrace(ambient.random),
          priority,
        }),
      );
    } finally {
      cancelTimer();
      live.delete(controller);
    }
  };
}

/** A place above the first span of a new trace. */
export function newTrace(random: Random): TraceContext {
  return { traceId: hexOf(random.bytes(16)), spanId: hexOf(random.bytes(8)), sampled: true };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
