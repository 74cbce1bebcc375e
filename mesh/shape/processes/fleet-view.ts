import type { SeenEdge } from '../../telemetry/edge-memory.js';
import type { FinishedSpan } from '../../telemetry/tracer.js';

/** Reads what the instances of a mesh keep each for itself, through their admin ports, and puts it together. */
export interface FleetView {
  spansOfOrder(orderId: string): Promise<readonly FinishedSpan[]>;
  spansOfTrace(traceId: string): Promise<readonly FinishedSpan[]>;
  recentSpans(limit: number): Promise<readonly FinishedSpan[]>;
  edges(): Promise<readonly SeenEdge[]>;
}

/** How long one instance may take to answer. What it has is then left out. */
const answerWithinMs = 1_000;

/** @param adminUrls where the instances that run now can be asked. */
export function createFleetView(
  adminUrls: () => readonly string[],
  fetch: typeof globalThis.fetch,
): FleetView {
  const ask = async <T>(path: string): Promise<T[]> => {
    const answers = await Promise.allSettled(
      adminUrls().map(async (url) => {
        const response = await fetch(new URL(path, url), { signal: AbortSignal.timeout(answerWithinMs) });
        return (await response.json()) as T;
      }),
    );
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  };
  const spans = async (query: string): Promise<FinishedSpan[]> => {
    const found = await ask<{ spans: FinishedSpan[] }>(`/traces${query}`);
    return found.flatMap((answer) => answer.spans);
  };
  const traces = async (ids: Iterable<string>) => {
    const found = await Promise.all([...ids].map((id) => spans(`?traceId=${id}`)));
    return byStart(found.flat());
  };
  return {
    // An instance knows the order from its own spans only; the others have the rest of the same traces.
    spansOfOrder: async (orderId) => {
      const known = await spans(`?order=${encodeURIComponent(orderId)}`);
      return traces(new Set(known.map((span) => span.context.traceId)));
    },
    spansOfTrace: (traceId) => traces([traceId]),
    recentSpans: async (limit) =>
      byStart(await spans(''))
        .slice(-limit)
        .reverse(),
    edges: async () => {
      const sums = new Map<string, SeenEdge>();
      for (const { edges } of await ask<{ edges: SeenEdge[] }>('/edges')) {
        for (const edge of edges) {
          const key = `${edge.caller} ${edge.method}`;
          sums.set(key, { ...edge, calls: edge.calls + (sums.get(key)?.calls ?? 0) });
        }
      }
      return [...sums.values()];
    },
  };
}

function byStart(spans: readonly FinishedSpan[]): FinishedSpan[] {
  return [...spans].sort((left, right) => left.startMs - right.startMs);
}
