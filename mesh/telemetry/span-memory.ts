import type { FinishedSpan, SpanSink } from './tracer.js';

/** The attribute that says which order a span is about. */
export const orderIdAttribute = 'meshmart.order.id';

/** The newest finished spans of a process, to be looked up by trace and by order. */
export interface SpanMemory {
  /** Takes a span; when the memory is full, the span that ended first goes. */
  readonly sink: SpanSink;
  /** The spans of a trace, by their start. */
  byTrace(traceId: string): readonly FinishedSpan[];
  /**
   * All that an order set in motion, by its start: the traces with a span whose {@link orderIdAttribute} is this
   * order, and the traces that those led to by a link (consumers of its events).
   */
  byOrder(orderId: string): readonly FinishedSpan[];
  /** The spans that ended last, the newest first. */
  recent(limit: number): readonly FinishedSpan[];
  /** Number of spans held. */
  size(): number;
}

/** Trace ids, each with the number of spans that are the reason for it. */
type TraceCounts = Map<string, number>;

/**
 * Makes an empty memory.
 * @param capacity most spans held, default 20000: 10 to 20 MiB, or a few hundred purchases.
 */
export function createSpanMemory(capacity = 20_000): SpanMemory {
  if (!Number.isSafeInteger(capacity) || capacity < 1) {
    throw new RangeError(`span memory: capacity is ${capacity}, give a whole number above 0`);
  }
  const ring: FinishedSpan[] = [];
  let oldest = 0;
  const traces = new Map<string, FinishedSpan[]>();
  const tracesOfOrder = new Map<string, TraceCounts>();
  const tracesLinkedTo = new Map<string, TraceCounts>();

  const index = (span: FinishedSpan, change: 1 | -1) => {
    const { traceId } = span.context;
    const orderId = span.attributes[orderIdAttribute];
    if (typeof orderId === 'string') count(tracesOfOrder, orderId, traceId, change);
    for (const link of span.links) {
      if (link.traceId !== traceId) count(tracesLinkedTo, link.traceId, traceId, change);
    }
  };

  const evict = (span: FinishedSpan) => {
    const { traceId } = span.context;
    const left = traces.get(traceId);
    left?.shift(); // Spans go in the order in which they came: the first of its trace is this one.
    if (left?.length === 0) traces.delete(traceId);
    index(span, -1);
  };

  const spansOf = (traceIds: Iterable<string>) =>
    [...traceIds].flatMap((id) => traces.get(id) ?? []).sort(byStart);

  return {
    sink: (span) => {
      if (ring.length < capacity) {
        ring.push(span);
      } else {
        evict(ring[oldest] as FinishedSpan);
        ring[oldest] = span;
        oldest = (oldest + 1) % capacity;
      }
      const { traceId } = span.context;
      const trace = traces.get(traceId);
      if (trace === undefined) traces.set(traceId, [span]);
      else trace.push(span);
      index(span, 1);
    },
    byTrace: (traceId) => spansOf([traceId]),
    byOrder: (orderId) => {
      const found = new Set(tracesOfOrder.get(orderId)?.keys());
      // A set can be added to while it is walked: links of links are followed too, each trace once.
      for (const traceId of found)
        for (const linked of tracesLinkedTo.get(traceId)?.keys() ?? []) found.add(linked);
      return spansOf(found);
    },
    recent: (limit) => {
      const wanted = Math.min(Math.max(0, Math.floor(limit)), ring.length);
      const newest = oldest + ring.length - 1;
      return Array.from({ length: wanted }, (_, back) => ring[(newest - back) % ring.length] as FinishedSpan);
    },
    size: () => ring.length,
  };
}

function count(index: Map<string, TraceCounts>, key: string, traceId: string, change: 1 | -1): void {
  const counts = index.get(key) ?? new Map<string, number>();
  const left = (counts.get(traceId) ?? 0) + change;
  if (left > 0) counts.set(traceId, left);
  else counts.delete(traceId);
  if (counts.size > 0) index.set(key, counts);
  else index.delete(key);
}

function byStart(one: FinishedSpan, other: FinishedSpan): number {
  return one.startMs - other.startMs;
}
