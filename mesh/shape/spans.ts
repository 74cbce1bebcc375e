import type { Log } from '../runtime/ports.js';
import { type Environment, wordOf } from '../runtime/setting.js';
import { createSpanMemory, type SpanMemory } from '../telemetry/span-memory.js';
import { type TraceExporter, traceExporters } from '../telemetry/trace-export.js';
import type { SpanSink } from '../telemetry/tracer.js';

/** Where finished spans go. */
export interface Spans {
  readonly memory: SpanMemory;
  readonly sinks: readonly SpanSink[];
  close(): Promise<void>;
}

/**
 * Keeps spans in memory, and sends them out where TRACES_EXPORTER (none, otlp, jaeger) asks for it. What
 * sends them is loaded only then: it takes longer to load than the rest of the shop.
 * @param fallback what TRACES_EXPORTER is where it is not set.
 */
export async function openSpans(
  environment: Environment,
  version: string,
  log: Log,
  fallback: TraceExporter = 'none',
): Promise<Spans> {
  const memory = createSpanMemory();
  const exporter = wordOf(environment, 'TRACES_EXPORTER', traceExporters, fallback);
  if (exporter === 'none') return { memory, sinks: [memory.sink], close: async () => undefined };
  const { startSpanExport } = await import('../telemetry/span-export.js');
  const sending = startSpanExport({
    exporter,
    version,
    onFailure: (problem) => log.warn({ exporter, problem }, 'spans could not be sent'),
  });
  return { memory, sinks: [memory.sink, sending.sink], close: () => sending.close() };
}
