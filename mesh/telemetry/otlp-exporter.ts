import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { ExporterSettings } from './exporter-settings.js';

/**
 * OTLP over HTTP, protobuf. A page of its own, loaded only where asked: a bundle keeps the names of a CommonJS package for
 * a static import, but gives a dynamic one only its `default`.
 */
export function otlpExporter({ endpoint, timeoutMs }: ExporterSettings): SpanExporter {
  const at = endpoint === undefined ? {} : { url: endpoint };
  return new OTLPTraceExporter({ timeoutMillis: timeoutMs, ...at });
}
