import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { MethodPolicy } from '../contract/policy.js';
import type { Clock } from '../runtime/ports.js';
import { boundedLabel, otherLabel } from './bounded-label.js';
import { createClientMetrics, type EdgeMetrics } from './client-metrics.js';
import { createLoadMetrics } from './load-metrics.js';

/** What the metrics interceptors of one service tell. `method` is a path: `/meshmart.cart.v1.CartService/AddItem`. */
export interface RpcMetrics {
  /** A call has ended. `code` is the name of its gRPC status, such as `OK` or `NOT_FOUND`. */
  observe(side: 'server' | 'client', method: string, code: string, seconds: number): void;
  /** A call has begun (1) or ended (-1). */
  inFlight(side: 'server' | 'client', method: Pick<MethodPolicy, 'path' | 'kind'>, delta: 1 | -1): void;
}

/** A message that a consumer has handled. */
export interface ProcessedMessage {
  /** The consuming service, which is its group. */
  readonly service: string;
  /** The topic. */
  readonly topic: string;
  /** `meshmart` for the embedded queue, else as OpenTelemetry names the broker. Default `meshmart`. */
  readonly system?: string;
  readonly seconds: number;
  /** Status code or short reason when it failed. */
  readonly error?: string | undefined;
}

/** An operation on a service's database. */
export interface DatabaseOperation {
  readonly service: string;
  /** `sqlite`, `postgresql`. */
  readonly system: string;
  /** `commit`, `query`. */
  readonly operation: string;
  readonly seconds: number;
  readonly error?: string | undefined;
}

/** The metrics of a process, by the names of OpenTelemetry's semantic conventions as Prometheus writes them. */
export interface Metrics {
  /** The calls of one service. */
  rpc(service: string): RpcMetrics;
  /** What protects the calls of `caller` to `callee`, both folder names. One for each edge of the process. */
  edge(caller: string, callee: string): EdgeMetrics;
  /** An HTTP request that some service answers has begun (1) or ended (-1). */
  httpInFlight(service: string, delta: 1 | -1): void;
  /** The event loop of the process was so late, in seconds. */
  eventLoopLag(seconds: number): void;
  /** An HTTP request has been answered. `route` is the template (`/v1/products/{id}`), never the path. */
  observeHttp(method: string, route: string, status: number, seconds: number): void;
  observeMessage(message: ProcessedMessage): void;
  observeDatabase(operation: DatabaseOperation): void;
  /** Where the numbers of dead letters come from: asked with each scrape. Group to number; once for each process. */
  deadLetters(counts: () => Promise<Readonly<Record<string, number>>>): void;
  /** All of them in the text format of Prometheus. */
  text(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface MetricsOptions {
  /** For `meshmart_build_info`. */
  readonly version: string;
  /** `one-process`, `processes`, `cluster`. */
  readonly shape: string;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Memory, CPU, garbage collection and event-loop lag of the process, under prom-client's names. Default true. */
  readonly process?: boolean;
}

/**
 * Upper bounds in seconds: those that the conventions recommend for RPC and HTTP, with three below them, because a call
 * within one process takes tenths of a millisecond.
 */
const callBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** Those that the conventions recommend for databases, with two below them for a file beside the process. */
const databaseBuckets = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

const httpMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * Makes the metrics of a process, in a registry of their own. The labels follow the conventions for RPC (`rpc.method` is
 * the full name), HTTP, messaging and databases, and `service_name` tells the services of one process apart.
 */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const boundedMethod = boundedLabel();
  const methodLabel = (path: string) => boundedMethod(path.startsWith('/') ? path.slice(1) : path);
  const codeLabel = boundedLabel(20);
  const serviceLabel = boundedLabel(50);
  const routeLabel = boundedLabel();
  const topicLabel = boundedLabel(50);
  const operationLabel = boundedLabel(20);
  const errorLabel = boundedLabel(50);

  const load = createLoadMetrics({ registers, clock: options.clock, serviceLabel });
  const rpcLabels = ['rpc_system_name', 'rpc_method', 'service_name'] as const;
  const call = (side: 'server' | 'client', help: string) => ({
    duration: new Histogram({
      name: `rpc_${side}_call_duration_seconds`,
      help,
      labelNames: [...rpcLabels, 'rpc_response_status_code'],
      buckets: callBuckets,
      registers,
    }),
    active: new Gauge({
      name: `rpc_${side}_active_calls`,
      help: `Calls in flight, ${side} side.`,
      labelNames: rpcLabels,
      registers,
    }),
  });
  const calls = {
    server: call('server', 'Duration of calls that came in.'),
    client: call('client', 'Duration of calls that went out, with their retries.'),
  };
  const http = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Duration of HTTP requests that came in.',
    labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
    buckets: callBuckets,
    registers,
  });
  const messages = new Histogram({
    name: 'messaging_process_duration_seconds',
    help: 'Duration of handling a message.',
    labelNames: [
      'messaging_operation_name',
      'messaging_system',
      'messaging_destination_name',
      'messaging_consumer_group_name',
      'error_type',
    ],
    buckets: callBuckets,
    registers,
  });
  const database = new Histogram({
    name: 'db_client_operation_duration_seconds',
    help: 'Duration of operations on a database.',
    labelNames: ['db_system_name', 'db_operation_name', 'db_namespace', 'error_type'],
    buckets: databaseBuckets,
    registers,
  });
  new Gauge({
    name: 'meshmart_build_info',
    help: 'Always 1; the labels tell what runs.',
    labelNames: ['version', 'shape', 'node_version'],
    registers,
  }).set({ version: options.version, shape: options.shape, node_version: process.version }, 1);
  if (options.process ?? true) collectDefaultMetrics({ register: registry });

  return {
    edge: createClientMetrics({ registers, serviceLabel, methodLabel }),
    rpc: (service) => {
      const service_name = serviceLabel(service);
      const labels = (method: string) => ({
        rpc_system_name: 'grpc',
        rpc_method: methodLabel(method),
        service_name,
      });
      return {
        observe: (side, method, code, seconds) =>
          calls[side].duration.observe(
            { ...labels(method), rpc_response_status_code: codeLabel(code) },
            seconds,
          ),
        inFlight: (side, method, delta) => {
          calls[side].active.inc(labels(method.path), delta);
          if (side === 'server' && method.kind === 'unary') load.requests(service, delta);
        },
      };
    },
    httpInFlight: load.requests,
    eventLoopLag: load.eventLoopLag,
    observeHttp: (method, route, status, seconds) =>
      http.observe(
        {
          http_request_method: httpMethods.has(method) ? method : otherLabel,
          http_route: routeLabel(route),
          http_response_status_code: status >= 100 && status <= 599 ? String(Math.trunc(status)) : otherLabel,
        },
        seconds,
      ),
    observeMessage: ({ service, topic, system = 'meshmart', seconds, error }) =>
      messages.observe(
        {
          messaging_operation_name: 'process',
          messaging_system: operationLabel(system),
          messaging_destination_name: topicLabel(topic),
          messaging_consumer_group_name: serviceLabel(service),
          ...(error === undefined ? {} : { error_type: errorLabel(error) }),
        },
        seconds,
      ),
    observeDatabase: ({ service, system, operation, seconds, error }) =>
      database.observe(
        {
          db_system_name: operationLabel(system),
          db_operation_name: operationLabel(operation),
          db_namespace: serviceLabel(service),
          ...(error === undefined ? {} : { error_type: errorLabel(error) }),
        },
        seconds,
      ),
    deadLetters: (counts) => {
      new Gauge({
        name: 'mesh_dead_letters',
        help: 'Messages that a consumer group gave up and nobody has replayed, counted up to 1000.',
        labelNames: ['messaging_consumer_group_name'],
        registers,
        async collect() {
          // A number that nobody knows now is left out, and the other metrics are told all the same.
          const known = await counts().catch(() => ({}));
          this.reset();
          for (const [group, count] of Object.entries(known))
            this.set({ messaging_consumer_group_name: serviceLabel(group) }, count);
        },
      });
    },
    text: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
