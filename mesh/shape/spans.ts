import type { Ambient, Log } from '../runtime/ports.js';
import { type Environment, urlOf, wordOf } from '../runtime/setting.js';
import { nullTracer } from '../telemetry/null-tracer.js';
import { createRecordingTracers } from '../telemetry/recording-tracer.js';
import { createSpanMemory, type SpanMemory } from '../telemetry/span-memory.js';
import { type TraceExporter, traceExporters } from '../telemetry/trace-export.js';
import type { SpanSink, Tracer } from '../telemetry/tracer.js';

/** How a process traces. */
export interface Spans {
  readonly memory: SpanMemory;
  readonly tracerOf: (service: string) => Tracer;
  close(): Promise<void>;
}

/** What tracing needs to know of its process. */
export interface SpansOptions {
  readonly environment: Environment;
  readonly version: string;
  readonly ambient: Ambient;
  readonly log: Log;
  /** What TRACES_EXPORTER is where it is not set. */
  readonly fallback: TraceExporter | 'none';
}

/** The standard variables that say where the spans go. */
const endpoints = {
  otlp: ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'],
  jaeger: ['OTEL_EXPORTER_JAEGER_ENDPOINT'],
} as const;

/**
 * Keeps spans in memory, and sends them out where TRACES_EXPORTER asks for it: `none` (memory alone), `otlp`, `jaeger`;
 * `off` makes no spans at all. What sends them is loaded only then: it takes longer to load than the rest of the shop.
 * @throws StartupError for another word, or an address that is none.
 */
export async function openSpans(options: SpansOptions): Promise<Spans> {
  const { environment, version, ambient, log, fallback } = options;
  const memory = createSpanMemory();
  const recording = (sinks: readonly SpanSink[]) =>
    createRecordingTracers({ clock: ambient.clock, random: ambient.random, sinks });
  const exporter = wordOf(environment, 'TRACES_EXPORTER', ['off', ...traceExporters], fallback);
  switch (exporter) {
    case 'off':
      return { memory, tracerOf: () => nullTracer, close: async () => undefined };
    case 'none':
      return { memory, tracerOf: recording([memory.sink]), close: async () => undefined };
    default: {
      // The exporters read these by themselves, and would only complain to a log.
      for (const variable of endpoints[exporter]) urlOf(environment, variable, 'http://127.0.0.1:4318');
      const { startSpanExport } = await import('../telemetry/span-export.js');
      const sending = await startSpanExport({
        exporter,
        version,
        onFailure: (problem) => log.warn({ exporter, problem }, 'spans could not be sent'),
      });
      return { memory, tracerOf: recording([memory.sink, sending.sink]), close: () => sending.close() };
    }
  }
}
