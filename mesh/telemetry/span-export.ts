import { JaegerExporter } from '@opentelemetry/exporter-jaeger';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { NodeSDK, resources } from '@opentelemetry/sdk-node';
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { readableSpan } from './readable-span.js';
import type { TraceExport, TraceExportOptions } from './trace-export.js';

/**
 * Sets up the OpenTelemetry SDK, in this file only and without instrumentations: spans come from our own interceptors,
 * finished, and go to the SDK's batch processors as they are.
 *
 * One process holds many services, and to a tracing backend a service is a resource. So each service has a resource, a
 * batch processor and an exporter of its own (the Jaeger exporter tells its service's name once, on its first span). The
 * SDK owns their life, and hands over what other libraries trace through `@opentelemetry/api`, under the name `meshmart`.
 */
export function startSpanExport(options: TraceExportOptions): TraceExport {
  const lanes = new Map<string, Lane>();
  const laneOf = (service: string) => {
    const lane = lanes.get(service) ?? openLane(service, options);
    lanes.set(service, lane);
    return lane;
  };
  const all = async (step: (processor: SpanProcessor) => Promise<void>) => {
    const outcomes = await Promise.allSettled([...lanes.values()].map(({ processor }) => step(processor)));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') options.onFailure?.(problemOf(outcome.reason));
    }
  };
  const flush = () => all((processor) => processor.forceFlush());
  let ended: Promise<void> | undefined;
  const shutdown = () => {
    ended ??= all((processor) => processor.shutdown());
    return ended;
  };
  const sdk = new NodeSDK({
    autoDetectResources: false,
    resource: resourceOf('meshmart', options.version),
    instrumentations: [],
    metricReaders: [],
    logRecordProcessors: [],
    textMapPropagator: null,
    spanProcessors: [
      {
        onStart: () => undefined,
        onEnd: (span) => laneOf('meshmart').processor.onEnd(span),
        forceFlush: flush,
        shutdown,
      },
    ],
  });
  sdk.start();
  let closing: Promise<void> | undefined;
  return {
    sink: (span) => {
      if (closing !== undefined) return;
      const { processor, resource } = laneOf(span.service);
      processor.onEnd(readableSpan(span, resource));
    },
    flush,
    close: () => {
      // The processors end also when the SDK was switched off (OTEL_SDK_DISABLED) and does not end them.
      closing ??= sdk
        .shutdown()
        .catch((error: unknown) => options.onFailure?.(problemOf(error)))
        .then(shutdown);
      return closing;
    },
  };
}

interface Lane {
  readonly processor: SpanProcessor;
  readonly resource: ReadableSpan['resource'];
}

function openLane(service: string, options: TraceExportOptions): Lane {
  const { queueSize = 2_048, delayMs = 1_000, timeoutMs = 5_000 } = options;
  return {
    resource: resourceOf(service, options.version),
    processor: new BatchSpanProcessor(reporting(exporterOf(options, timeoutMs), options), {
      maxQueueSize: queueSize,
      maxExportBatchSize: Math.min(512, queueSize),
      scheduledDelayMillis: delayMs,
      exportTimeoutMillis: timeoutMs,
    }),
  };
}

function exporterOf({ exporter, endpoint }: TraceExportOptions, timeoutMs: number): SpanExporter {
  switch (exporter) {
    case 'otlp':
      return new OTLPTraceExporter({
        timeoutMillis: timeoutMs,
        ...(endpoint === undefined ? {} : { url: endpoint }),
      });
    case 'jaeger':
      return new JaegerExporter({ flushTimeout: timeoutMs, ...(endpoint === undefined ? {} : { endpoint }) });
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
  return resources.resourceFromAttributes({
    'service.name': service,
    'service.namespace': 'meshmart',
    'service.version': version,
  });
}

function problemOf(error: unknown): string {
  return error instanceof Error && error.message !== '' ? error.message : 'the other end did not take them';
}
