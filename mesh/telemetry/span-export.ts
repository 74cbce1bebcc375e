import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { readableSpan } from './readable-span.js';
import type { TraceExport, TraceExportOptions } from './trace-export.js';

/**
 * Sends spans by OpenTelemetry's batch processor and exporters. Spans come from our own interceptors, finished, so the
 * rest of the SDK has nothing to do here, and is not loaded: docs/decisions/0007-traces-without-the-whole-sdk.md.
 *
 * One process may hold many services, and to a tracing backend a service is a resource. So each service has a resource, a
 * batch processor and an exporter of its own (the Jaeger exporter tells its service's name once, on its first span).
 */
export async function startSpanExport(options: TraceExportOptions): Promise<TraceExport> {
  const { timeoutMs = 5_000 } = options;
  const newExporter = await exporterMaker(options, timeoutMs);
  const lanes = new Map<string, Lane>();
  const laneOf = (service: string) => {
    const lane = lanes.get(service) ?? openLane(service, newExporter(), options);
    lanes.set(service, lane);
    return lane;
  };
  const all = async (step: (processor: BatchSpanProcessor) => Promise<void>) => {
    const outcomes = await Promise.allSettled([...lanes.values()].map(({ processor }) => step(processor)));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') options.onFailure?.(problemOf(outcome.reason));
    }
  };
  let closing: Promise<void> | undefined;
  return {
    sink: (span) => {
      if (closing !== undefined) return;
      try {
        const { processor, resource } = laneOf(span.service);
        processor.onEnd(readableSpan(span, resource));
      } catch (cause) {
        // A call goes on whatever becomes of its span; but nobody should wonder where the spans are.
        options.onFailure?.(`a span was lost: ${problemOf(cause)}`);
      }
    },
    flush: () => all((processor) => processor.forceFlush()),
    close: () => {
      closing ??= all((processor) => processor.shutdown());
      return closing;
    },
  };
}

interface Lane {
  readonly processor: BatchSpanProcessor;
  readonly resource: ReadableSpan['resource'];
}

function openLane(service: string, exporter: SpanExporter, options: TraceExportOptions): Lane {
  const { queueSize = 2_048, delayMs = 1_000, timeoutMs = 5_000 } = options;
  return {
    resource: resourceOf(service, options.version),
    processor: new BatchSpanProcessor(reporting(exporter, options), {
      maxQueueSize: queueSize,
      maxExportBatchSize: Math.min(512, queueSize),
      scheduledDelayMillis: delayMs,
      exportTimeoutMillis: timeoutMs,
    }),
  };
}

/** Loads the exporter that is asked for, and only that one. */
async function exporterMaker(
  { exporter, endpoint }: TraceExportOptions,
  timeoutMs: number,
): Promise<() => SpanExporter> {
  switch (exporter) {
    case 'otlp': {
      const { otlpExporter } = await import('./otlp-exporter.js');
      return () => otlpExporter({ endpoint, timeoutMs });
    }
    case 'jaeger': {
      const { jaegerExporter } = await import('./jaeger-exporter.js');
      return () => jaegerExporter({ endpoint, timeoutMs });
    }
    default:
      return exporter satisfies never;
  }
}

/** The exporter, with its failures told. The SDK itself tells them only to its own diagnostic log. */
function reporting(exporter: SpanExporter, { onFailure }: TraceExportOptions): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code !== 0) onFailure?.(`${spans.length} spans were lost: ${problemOf(result.error)}`);
        // As far as the batch processor is concerned, spans that are lost are done with.
        done({ code: 0 });
      }),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}

function resourceOf(service: string, version: string): ReadableSpan['resource'] {
  return resourceFromAttributes({
    'service.name': service,
    'service.namespace': 'meshmart',
    'service.version': version,
  });
}

function problemOf(error: unknown): string {
  return error instanceof Error && error.message !== '' ? error.message : 'the other end did not take them';
}
