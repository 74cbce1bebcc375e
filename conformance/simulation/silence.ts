import type { Log } from '../../mesh/runtime/ports.js';
import type { Metrics } from '../../mesh/telemetry/metrics.js';

/** Logs and metrics of simulated processes: nobody reads them, and a run has millions. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

export const silentMetrics: Metrics = {
  edge: () => ({
    breaker: () => undefined,
    rejected: () => undefined,
    fallback: () => undefined,
    retried: () => undefined,
    retryRefused: () => undefined,
    ejected: () => undefined,
  }),
  rpc: () => ({ observe: () => undefined, inFlight: () => undefined }),
  httpInFlight: () => undefined,
  eventLoopLag: () => undefined,
  observeHttp: () => undefined,
  observeMessage: () => undefined,
  observeDatabase: () => undefined,
  deadLetters: () => undefined,
  text: async () => ({ contentType: 'text/plain', text: '' }),
};
