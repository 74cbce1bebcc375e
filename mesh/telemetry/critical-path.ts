import type { FinishedSpan } from './tracer.js';

/** A span with the spans that it may have waited for. */
export interface Waited {
  readonly span: FinishedSpan;
  readonly children: readonly Waited[];
}

/** Ends this close together are one moment: times are sums of fractions. */
const roundingMs = 0.01;

/**
 * The spans that decided how long each root took. From a span's end backwards: the child that ended last was waited
 * for, then the one that had ended last when that one began, and so on; what ran beside them did not matter. A child
 * that ends after its parent was not waited for, unless it is the server's side of a call: then only the clocks of two
 * machines differ. (The last-returning-child rule of "CRISP: Critical Path Analysis of Large-Scale Microservice
 * Architectures", USENIX ATC 2022.)
 */
export function criticalPath(roots: readonly Waited[]): ReadonlySet<FinishedSpan> {
  const path = new Set<FinishedSpan>();
  for (const root of roots) walk(root, path);
  return path;
}

function walk({ span, children }: Waited, path: Set<FinishedSpan>): void {
  path.add(span);
  let cursorMs = span.startMs + span.durationMs;
  const latestFirst = [...children].sort((one, other) => endMs(other) - endMs(one));
  for (const child of latestFirst) {
    if (endMs(child) > cursorMs + roundingMs && child.span.kind !== 'server') continue;
    walk(child, path);
    cursorMs = Math.min(cursorMs, child.span.startMs);
  }
}

function endMs({ span }: Waited): number {
  return span.startMs + span.durationMs;
}
