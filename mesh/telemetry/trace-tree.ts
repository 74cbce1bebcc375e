import { criticalPath, type Waited } from './critical-path.js';
import type { FinishedSpan } from './tracer.js';

/** A span in its place in the tree. */
export interface SpanNode {
  readonly kind: 'span';
  readonly span: FinishedSpan;
  /** Start, in milliseconds after the first span of the tree. */
  readonly offsetMs: number;
  /** How it hangs on the node above: as its child, by a link (a message), or not at all. */
  readonly by: 'parent' | 'link' | 'root';
  /** True when the work would have been done sooner, had this span been faster. */
  readonly critical: boolean;
  /** By their start. */
  readonly children: readonly TraceNode[];
}

/** A span that others name as their parent and that is not here: it runs still, is elsewhere, or was forgotten. */
export interface GapNode {
  readonly kind: 'gap';
  readonly traceId: string;
  readonly spanId: string;
  /** Start of the first of its children. */
  readonly offsetMs: number;
  readonly children: readonly TraceNode[];
}

export type TraceNode = SpanNode | GapNode;

/** Spans in their places. Every span that was given is in it once. */
export interface TraceTree {
  /** By their start. */
  readonly roots: readonly TraceNode[];
  /** Start of the first span, in milliseconds since the epoch; 0 without spans. */
  readonly startMs: number;
  /** From the start of the first span to the end of the last. */
  readonly durationMs: number;
}

interface Place {
  readonly span: FinishedSpan;
  above: Place | undefined;
  by: SpanNode['by'];
  readonly below: Place[];
}

/**
 * Puts spans of one or several traces in their places: under their parent, else under the span that they link to. What
 * has neither is a root, under a gap if its parent is named but missing. The single missing parent of a trace without
 * any root is the caller's own span outside, and no gap unless several spans share it.
 * Spans that name each other as parents in a circle are taken apart at the earliest of them.
 */
export function traceTree(spans: readonly FinishedSpan[]): TraceTree {
  const places = placesOf(spans);
  const all = [...places.values()].sort((one, other) => one.span.startMs - other.span.startMs);
  const startMs = all[0]?.span.startMs ?? 0;
  const endMs = all.reduce((end, { span }) => Math.max(end, endOf(span)), startMs);
  // The latest first: a circle of parents is then opened above the earliest.
  for (const place of all.toReversed()) hangUnder(place, places.get(parentKeyOf(place.span)), 'parent');
  for (const place of all) {
    for (const link of place.span.links)
      hangUnder(place, places.get(keyOf(link.traceId, link.spanId)), 'link');
  }
  const critical = criticalPath(all.filter((place) => place.by !== 'parent').map(waitedFor));
  const nodeOf = (place: Place): SpanNode => ({
    kind: 'span',
    span: place.span,
    offsetMs: place.span.startMs - startMs,
    by: place.by,
    critical: critical.has(place.span),
    children: place.below.map(nodeOf),
  });
  const missing = (span: FinishedSpan) => span.parentSpanId !== undefined && !places.has(parentKeyOf(span));
  const roots = withGaps(all.filter((place) => place.above === undefined).map(nodeOf), missing);
  return { roots, startMs, durationMs: endMs - startMs };
}

/** End of a span, in milliseconds since the epoch. */
export function endOf(span: FinishedSpan): number {
  return span.startMs + span.durationMs;
}

function placesOf(spans: readonly FinishedSpan[]): Map<string, Place> {
  const places = new Map<string, Place>();
  for (const span of spans) {
    const key = keyOf(span.context.traceId, span.context.spanId);
    if (!places.has(key)) places.set(key, { span, above: undefined, by: 'root', below: [] });
  }
  return places;
}

/** Hangs a place under another, unless it hangs already or would come to hang under itself. */
function hangUnder(place: Place, target: Place | undefined, by: 'parent' | 'link'): void {
  if (place.above !== undefined) return;
  for (let above = target; above !== undefined; above = above.above) if (above === place) return;
  if (target === undefined) return;
  place.above = target;
  place.by = by;
  const before = target.below.findIndex((sibling) => sibling.span.startMs > place.span.startMs);
  target.below.splice(before === -1 ? target.below.length : before, 0, place);
}

/** A span with those that it may have waited for: its children, not what came of its messages. */
function waitedFor(place: Place): Waited {
  return {
    span: place.span,
    children: place.below.filter((child) => child.by === 'parent').map(waitedFor),
  };
}

/** Puts roots with a missing parent under a gap, where that says something. */
function withGaps(roots: readonly SpanNode[], parentIsMissing: (span: FinishedSpan) => boolean): TraceNode[] {
  const nodes: TraceNode[] = roots.filter((root) => !parentIsMissing(root.span));
  const rooted = new Set(roots.filter((root) => !parentIsMissing(root.span)).map(traceOf));
  const orphans = new Map<string, SpanNode[]>();
  for (const root of roots) {
    if (!parentIsMissing(root.span)) continue;
    const key = parentKeyOf(root.span);
    orphans.set(key, [...(orphans.get(key) ?? []), root]);
  }
  const groups = [...orphans.values()] as [SpanNode, ...SpanNode[]][];
  for (const children of groups) {
    const [first] = children;
    const traceId = traceOf(first);
    const alone =
      children.length === 1 && groups.filter(([other]) => traceOf(other) === traceId).length === 1;
    if (alone && !rooted.has(traceId)) nodes.push(first);
    else
      nodes.push({
        kind: 'gap',
        traceId,
        spanId: first.span.parentSpanId ?? '',
        offsetMs: first.offsetMs,
        children,
      });
  }
  return nodes.sort((one, other) => one.offsetMs - other.offsetMs);
}

function traceOf(node: SpanNode): string {
  return node.span.context.traceId;
}

function parentKeyOf(span: FinishedSpan): string {
  return keyOf(span.context.traceId, span.parentSpanId ?? '');
}

function keyOf(traceId: string, spanId: string): string {
  return `${traceId}/${spanId}`;
}
