import { type HrTime, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { TraceContext } from './trace-context.js';
import { endOf } from './trace-tree.js';
import type { FinishedSpan, SpanKind as OwnKind } from './tracer.js';

const kinds: Readonly<Record<OwnKind, SpanKind>> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** A span of ours as the OpenTelemetry SDK hands spans to exporters, with the ids and times that it has. */
export function readableSpan(span: FinishedSpan, resource: ReadableSpan['resource']): ReadableSpan {
  const { context, parentSpanId } = span;
  const spanContext = contextOf(context);
  return {
    name: span.name,
    kind: kinds[span.kind],
    spanContext: () => spanContext,
    ...(parentSpanId === undefined
      ? {}
      : { parentSpanContext: contextOf({ ...context, spanId: parentSpanId }) }),
    startTime: hrTime(span.startMs),
    endTime: hrTime(endOf(span)),
    duration: hrTime(span.durationMs),
    // Unset means that there was no error; "ok" is for people who look at a span and decide (trace API, set status).
    status:
      span.error === undefined
        ? { code: SpanStatusCode.UNSET }
        : { code: SpanStatusCode.ERROR, message: span.error },
    attributes: span.attributes,
    links: span.links.map((link) => ({ context: contextOf(link) })),
    events: span.events.map(({ name, atMs, attributes }) => ({ name, time: hrTime(atMs), attributes })),
    ended: true,
    resource,
    instrumentationScope: { name: 'meshmart' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function contextOf({ traceId, spanId, sampled }: TraceContext) {
  return { traceId, spanId, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE };
}

/** Seconds and nanoseconds of a time in milliseconds, without the rounding errors of large floating-point numbers. */
function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  const nanos = Math.round((ms - seconds * 1_000) * 1e6);
  return nanos >= 1e9 ? [seconds + 1, nanos - 1e9] : [seconds, nanos];
}
