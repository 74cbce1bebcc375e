import type { SpanSink } from './tracer.js';

/** Ways for spans to leave the process; the setting `TRACES_EXPORTER`. */
export const traceExporters = ['none', 'otlp', 'jaeger'] as const;
export type TraceExporter = (typeof traceExporters)[number];

/** How spans leave the process. */
export interface TraceExportOptions {
  readonly exporter: Exclude<TraceExporter, 'none'>;
  /**
   * Full URL that spans are sent to. Default: what the standard variables of the exporter say, and else
   * `http://localhost:4318/v1/traces` for `otlp` (OTLP over HTTP, protobuf) and the agent at `localhost:6832` (UDP) for
   * `jaeger`; with `http://HOST:14268/api/traces` that one speaks Thrift over HTTP.
   */
  readonly endpoint?: string | undefined;
  /** `service.version` of each resource. */
  readonly version: string;
  /** Told when spans could not be sent; they are lost. The text names no secret. */
  onFailure?(problem: string): void;
  /** Spans of one service that wait to be sent; beyond it new ones are dropped. Default 2048. */
  readonly queueSize?: number;
  /** Longest wait before spans are sent, in milliseconds. Default 1000. */
  readonly delayMs?: number;
  /** Longest time that sending one batch may take, in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
}

/** Spans on their way out of the process. */
export interface TraceExport {
  /** Takes each finished span of whatever service; spans of traces that are not sampled are left out. */
  readonly sink: SpanSink;
  /** Sends what waits. Resolves also when that fails; see onFailure. */
  flush(): Promise<void>;
  /** Sends what waits and ends; later spans are dropped. */
  close(): Promise<void>;
}

/**
 * Opens the way out for spans. The OpenTelemetry SDK is loaded here and not before: it costs 35 to 90 ms of start and
 * some 10 MiB, which a process that exports nothing need not pay.
 */
export async function openTraceExport(options: TraceExportOptions): Promise<TraceExport> {
  const { startSpanExport } = await import('./span-export.js');
  return startSpanExport(options);
}
