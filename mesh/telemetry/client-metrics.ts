import { Counter, Gauge, type Registry } from 'prom-client';

/** What the protections of one edge, from a caller to a callee, tell of themselves. Methods are paths. */
export interface EdgeMetrics {
  /** The breaker is open (everything is rejected but probes), or not. */
  breaker(open: boolean): void;
  /** The breaker has rejected a call. */
  rejected(): void;
  /** An answer was made up in place of an optional callee's. */
  fallback(method: string): void;
  /** A call has ended that was repeated `count` times. */
  retried(method: string, count: number): void;
  /** A call that may be repeated was not, because the budget for retries was used up. */
  retryRefused(method: string): void;
  /** An instance of the callee is left out for a time. */
  ejected(): void;
}

/** How label values are kept bounded; see {@link import('./bounded-label.js').boundedLabel}. */
export interface ClientMetricsOptions {
  readonly registers: Registry[];
  serviceLabel(service: string): string;
  methodLabel(path: string): string;
}

/**
 * Makes the metrics of the protections between services. The conventions have none, so they carry our own prefix; the
 * labels are those of the RPC metrics, with `callee` for the other end.
 */
export function createClientMetrics(
  options: ClientMetricsOptions,
): (caller: string, callee: string) => EdgeMetrics {
  const { registers, serviceLabel, methodLabel } = options;
  const edge = ['service_name', 'callee'] as const;
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Counter({ name, help, labelNames, registers });
  const open = new Gauge({
    name: 'mesh_client_breaker_open',
    help: 'Whether the breaker of the edge is open (1): the callee is only asked now and then.',
    labelNames: edge,
    registers,
  });
  const rejections = counter(
    'mesh_client_breaker_rejections_total',
    'Calls that the breaker of the edge has rejected.',
    edge,
  );
  const ejections = counter(
    'mesh_client_ejections_total',
    'How often an instance of the callee was left out because it failed.',
    edge,
  );
  const fallbacks = counter(
    'mesh_client_fallbacks_total',
    "Answers that were made up in place of an optional callee's.",
    [...edge, 'rpc_method'],
  );
  const retries = counter('mesh_client_retries_total', 'Attempts after the first.', [...edge, 'rpc_method']);
  const refusals = counter(
    'mesh_client_retries_refused_total',
    'Calls that were not repeated because the budget for retries was used up.',
    [...edge, 'rpc_method'],
  );
  return (caller, callee) => {
    const labels = { service_name: serviceLabel(caller), callee: serviceLabel(callee) };
    const withMethod = (path: string) => ({ ...labels, rpc_method: methodLabel(path) });
    // From 0 on, or the first rejection would be no increase to Prometheus.
    open.set(labels, 0);
    rejections.inc(labels, 0);
    ejections.inc(labels, 0);
    return {
      breaker: (isOpen) => open.set(labels, isOpen ? 1 : 0),
      rejected: () => rejections.inc(labels),
      ejected: () => ejections.inc(labels),
      fallback: (method) => fallbacks.inc(withMethod(method)),
      retried: (method, count) => retries.inc(withMethod(method), count),
      retryRefused: (method) => refusals.inc(withMethod(method)),
    };
  };
}
