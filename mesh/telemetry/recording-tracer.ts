import type { Clock, Random } from '../runtime/ports.js';
import { limitedAttributes, putAttribute, spanLimits, truncated } from './span-limits.js';
import type { FinishedSpan, Span, SpanSink, SpanStart, Tracer } from './tracer.js';

/** What recording needs; the same for all services of a process. */
export interface RecordingOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Each gets each span once, when it ends. One that throws does not harm the work or the others. */
  readonly sinks: readonly SpanSink[];
}

/** Wall clock and measured time may drift this far apart (milliseconds) before they are compared anew. */
const toleratedDriftMs = 1_000;

/**
 * Makes the tracers of a process, one for each service. They share one measure of time, so that spans of different
 * services can be laid beside each other to the microsecond.
 *
 * A span is recorded whether or not its trace is sampled: the bit travels on and tells exporters what to leave out,
 * while the memory of the process answers for every purchase. No method of a tracer or a span throws.
 */
export function createRecordingTracers(options: RecordingOptions): (service: string) => Tracer {
  const nowMs = preciseWallTime(options.clock);
  return (service) => ({ start: (span) => startSpan(service, span, nowMs, options) });
}

/** Makes the tracer of one service; see {@link createRecordingTracers} for several in one process. */
export function createRecordingTracer(options: RecordingOptions & { readonly service: string }): Tracer {
  return createRecordingTracers(options)(options.service);
}

function startSpan(service: string, start: SpanStart, nowMs: () => number, options: RecordingOptions): Span {
  const { clock, random, sinks } = options;
  const { parent } = start;
  const context = {
    traceId: parent?.traceId ?? newId(random, 16),
    spanId: newId(random, 8),
    sampled: parent?.sampled ?? true,
  };
  const startMs = nowMs();
  const startedAtMs = clock.monotonicMs();
  const attributes = limitedAttributes(start.attributes);
  const events: FinishedSpan['events'][number][] = [];
  let ended = false;
  return {
    context,
    setAttribute: (name, value) => {
      if (!ended) putAttribute(attributes, name, value);
    },
    addEvent: (name, eventAttributes) => {
      if (ended || events.length >= spanLimits.events) return;
      events.push({ name: truncated(name), atMs: nowMs(), attributes: limitedAttributes(eventAttributes) });
    },
    end: (error) => {
      if (ended) return;
      ended = true;
      const finished: FinishedSpan = {
        service,
        name: truncated(start.name),
        kind: start.kind,
        context,
        parentSpanId: parent?.spanId,
        links: (start.links ?? []).slice(0, spanLimits.links),
        startMs,
        durationMs: Math.max(0, clock.monotonicMs() - startedAtMs),
        attributes,
        events,
        error: error === undefined ? undefined : truncated(error),
      };
      for (const sink of sinks) give(sink, finished);
    },
  };
}

function give(sink: SpanSink, span: FinishedSpan): void {
  try {
    sink(span);
  } catch {
    // Telemetry must not break the work it tells about, and there is nobody here to tell.
  }
}

/** An id that is not all zero, as W3C Trace Context wants it. */
function newId(random: Random, length: number): string {
  const id = Buffer.from(random.bytes(length));
  if (id.every((byte) => byte === 0)) id[length - 1] = 1;
  return id.toString('hex');
}

/**
 * Wall time with the fractions of monotonic time: spans shorter than a millisecond keep their order. It is set right
 * again when the machine's clock was moved.
 */
function preciseWallTime(clock: Clock): () => number {
  let offsetMs = clock.nowMs() - clock.monotonicMs();
  return () => {
    const nowMs = clock.nowMs();
    const monotonicMs = clock.monotonicMs();
    if (Math.abs(offsetMs + monotonicMs - nowMs) > toleratedDriftMs) offsetMs = nowMs - monotonicMs;
    return offsetMs + monotonicMs;
  };
}
