import type { FinishedSpan } from '../telemetry/tracer.js';

/** What a test says of a span; everything else is ordinary. */
export interface MadeSpan extends Partial<Omit<FinishedSpan, 'context' | 'parentSpanId' | 'links'>> {
  /** Short number of the span within its trace. */
  readonly id: number;
  /** Short number of the trace. Default 1. */
  readonly trace?: number;
  readonly parent?: number;
  /** Spans that it links to, as pairs of trace and span. */
  readonly linked?: readonly (readonly [trace: number, id: number])[];
}

/** A finished span for tests of what reads spans. */
export function madeSpan(made: MadeSpan): FinishedSpan {
  const { id, trace = 1, parent, linked = [], ...rest } = made;
  return {
    service: 'shop',
    name: `span ${id}`,
    kind: 'internal',
    context: contextOf(trace, id),
    parentSpanId: parent === undefined ? undefined : spanIdOf(parent),
    links: linked.map(([linkedTrace, linkedId]) => contextOf(linkedTrace, linkedId)),
    startMs: 0,
    durationMs: 1,
    attributes: {},
    events: [],
    error: undefined,
    ...rest,
  };
}

export function traceIdOf(trace: number): string {
  return trace.toString(16).padStart(32, '0');
}

export function spanIdOf(id: number): string {
  return id.toString(16).padStart(16, '0');
}

function contextOf(trace: number, id: number): FinishedSpan['context'] {
  return { traceId: traceIdOf(trace), spanId: spanIdOf(id), sampled: true };
}
