import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Clock } from '../runtime/ports.js';

/** How busy a process is: what the number of its instances is made from. */
export interface LoadMetrics {
  /** A request of a service has begun (1) or ended (-1). Streams don't count: most of the time they wait. */
  requests(service: string, delta: 1 | -1): void;
  /** How late a timer was, in seconds. */
  eventLoopLag(seconds: number): void;
}

/** Names of the series that {@link LoadMetrics} are told by. */
export const loadSeries = {
  requestsInFlight: 'mesh_requests_in_flight',
  requestSeconds: 'mesh_request_seconds_total',
  eventLoopLag: 'mesh_event_loop_lag_seconds',
} as const;

/** In seconds: from a loop that nothing holds up to one that answers nobody. */
const lagBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export interface LoadMetricsOptions {
  readonly registers: Registry[];
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly serviceLabel: (service: string) => string;
}

/**
 * Makes them. Besides the requests of the moment there is their sum over time: calls take milliseconds, and a number of one
 * moment says little. Between two readings the sum has grown by the mean number in flight times the seconds between
 * them, whoever reads and how often.
 */
export function createLoadMetrics({ registers, clock, serviceLabel }: LoadMetricsOptions): LoadMetrics {
  const services = new Map<string, { inFlight: number; seconds: number; sinceMs: number }>();
  const upToNow = (service: string) => {
    const nowMs = clock.monotonicMs();
    const known = services.get(service) ?? { inFlight: 0, seconds: 0, sinceMs: nowMs };
    services.set(service, known);
    known.seconds += (known.inFlight * (nowMs - known.sinceMs)) / 1_000;
    known.sinceMs = nowMs;
    return known;
  };
  new Gauge({
    name: loadSeries.requestsInFlight,
    help: 'Requests that wait for their answer; streams are not counted.',
    labelNames: ['service_name'],
    registers,
    collect() {
      for (const [service_name, { inFlight }] of services) this.set({ service_name }, inFlight);
    },
  });
  new Counter({
    name: loadSeries.requestSeconds,
    help: 'Requests in flight, summed over time: its rate is their mean number.',
    labelNames: ['service_name'],
    registers,
    collect() {
      this.reset();
      for (const service_name of services.keys()) this.inc({ service_name }, upToNow(service_name).seconds);
    },
  });
  const lag = new Histogram({
    name: loadSeries.eventLoopLag,
    help: 'How late timers were.',
    buckets: lagBuckets,
    registers,
  });
  return {
    requests: (service, delta) => {
      upToNow(serviceLabel(service)).inFlight += delta;
    },
    eventLoopLag: (seconds) => lag.observe(seconds),
  };
}
