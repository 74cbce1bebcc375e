import { MeshError } from '../contract/error.js';
import type { Clock } from '../runtime/ports.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { TraceContext } from '../telemetry/trace-context.js';
import type { Tracer } from '../telemetry/tracer.js';
import { StoreConflict } from './store.js';

/** Who is told of a store's work. */
export interface ObservedWorkOptions {
  readonly service: string;
  /** As OpenTelemetry names the database: `sqlite`, `postgresql`. */
  readonly system: string;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Spans for work that belongs to a trace. */
  readonly tracer?: Tracer | undefined;
  /** Told how long each operation took. */
  readonly metrics?: Pick<Metrics, 'observeDatabase'> | undefined;
  /** What a failure is to callers. */
  readonly failure: (cause: unknown) => MeshError;
}

/** Runs a piece of work in a span, measured, and turns what the database throws into an error for callers. */
export type ObservedWork = <T>(
  operation: string,
  trace: TraceContext | undefined,
  work: () => T | Promise<T>,
) => Promise<T>;

/** Makes the function that a store runs all its work through. Conflicts and MeshErrors pass it as they are. */
export function observedWork(options: ObservedWorkOptions): ObservedWork {
  const { service, system, clock, tracer, metrics } = options;
  return async (operation, trace, work) => {
    const span =
      trace === undefined
        ? undefined
        : tracer?.start({
            name: `${system} ${operation}`,
            kind: 'client',
            parent: trace,
            attributes: { 'db.system.name': system, 'db.namespace': service },
          });
    const startedMs = clock.monotonicMs();
    const end = (error?: string) => {
      span?.end(error);
      const seconds = (clock.monotonicMs() - startedMs) / 1_000;
      metrics?.observeDatabase({ service, system, operation, seconds, error });
    };
    try {
      const result = await work();
      end();
      return result;
    } catch (error) {
      if (error instanceof StoreConflict || MeshError.is(error)) {
        end();
        throw error;
      }
      const failure = options.failure(error);
      end(failure.reason);
      throw failure;
    }
  };
}
