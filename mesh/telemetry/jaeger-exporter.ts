import { JaegerExporter } from '@opentelemetry/exporter-jaeger';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { ExporterSettings } from './exporter-settings.js';

/** Thrift to Jaeger: UDP to its agent, or HTTP where an endpoint is given. A page of its own as otlp-exporter.ts is. */
export function jaegerExporter({ endpoint, timeoutMs }: ExporterSettings): SpanExporter {
  const at = endpoint === undefined ? {} : { endpoint };
  return new JaegerExporter({ flushTimeout: timeoutMs, ...at });
}
