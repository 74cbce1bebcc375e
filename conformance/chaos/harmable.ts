import type { ChaosOptions } from './chaos-options.js';
import { serverEdges, serviceEdges } from './edges.js';
import { faultKinds, type PlanOptions } from './faults.js';

/** What there is to be harmed with these servers. */
export function harmable({
  store,
  bus,
}: Pick<ChaosOptions, 'store' | 'bus'>): Pick<PlanOptions, 'edges' | 'kinds'> {
  const away = new Set<string>([
    ...(store === 'postgres' ? [] : ['postgres', 'kill -9 of PostgreSQL']),
    ...(bus === 'rabbitmq' ? [] : ['rabbitmq', 'kill -9 of RabbitMQ']),
    ...(bus === 'kafka' ? [] : ['kill -9 of Kafka']),
    // Nothing stands before it: see surroundings.ts.
    'kafka',
  ]);
  return {
    edges: [...serviceEdges, ...Object.values(serverEdges)].filter(({ callee }) => !away.has(callee)),
    kinds: faultKinds.filter((kind) => !away.has(kind)),
  };
}
