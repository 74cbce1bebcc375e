import type { TraceContext } from './trace-context.js';

export type AttributeValue = string | number | boolean;
export type Attributes = Record<string, AttributeValue>;
export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** What a span shall be when it starts. */
export interface SpanStart {
  /** Low-cardinality name, such as `meshmart.cart.v1.CartService/AddItem`. */
  readonly name: string;
  readonly kind: SpanKind;
  /** The span above it; absent for the root of a trace. */
  readonly parent?: TraceContext | undefined;
  /** Other spans this one has to do with, such as the producer of a message. */
  readonly links?: readonly TraceContext[];
  /** OpenTelemetry semantic conventions where they have a name for it. Never personal or secret data. */
  readonly attributes?: Attributes;
}

/** A piece of work that is being timed. Ends once; what comes after the end is ignored. */
export interface Span {
  readonly context: TraceContext;
  setAttribute(name: string, value: AttributeValue): void;
  /** A moment within the span, such as `retry`. */
  addEvent(name: string, attributes?: Attributes): void;
  /** `error` holds a status code or short reason, not a message with data of a user. */
  end(error?: string): void;
}

/** Makes spans. One for each service; the resource (service name, version) is bound to it. */
export interface Tracer {
  start(span: SpanStart): Span;
}

/** A span that has ended. */
export interface FinishedSpan {
  readonly service: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly context: TraceContext;
  readonly parentSpanId: string | undefined;
  readonly links: readonly TraceContext[];
  readonly startMs: number;
  readonly durationMs: number;
  readonly attributes: Attributes;
  readonly events: readonly {
    readonly name: string;
    readonly atMs: number;
    readonly attributes: Attributes;
  }[];
  readonly error: string | undefined;
}

/** Takes finished spans: the bounded memory, an exporter. Must not throw and must not wait. */
export type SpanSink = (span: FinishedSpan) => void;
