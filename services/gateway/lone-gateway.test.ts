import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { openEmbeddedBus } from '../../mesh/bus/embedded-bus.js';
import { MeshError } from '../../mesh/contract/error.js';
import type { User } from '../../mesh/rpc/context.js';
import type { Handlers, ServiceDefinition } from '../../mesh/rpc/definition.js';
import { createDispatch } from '../../mesh/rpc/dispatch.js';
import { inProcessWire } from '../../mesh/rpc/in-process.js';
import { authoriseInterceptor } from '../../mesh/rpc/interceptors/authorise.js';
import { deduplicateInterceptor } from '../../mesh/rpc/interceptors/deduplicate.js';
import { identityInterceptor } from '../../mesh/rpc/interceptors/identity.js';
import { validateInterceptor } from '../../mesh/rpc/interceptors/validate.js';
import type { Arrival, Dispatch } from '../../mesh/rpc/wire.js';
import { machineAmbient } from '../../mesh/runtime/ambient.js';
import type { EdgePorts, Readiness } from '../../mesh/runtime/edge.js';
import { createServiceWorld, type HostWorld } from '../../mesh/runtime/host.js';
import type { BoundContract } from '../../mesh/runtime/service.js';
import { settingsOf } from '../../mesh/runtime/setting.js';
import { signingKeyOf, signToken } from '../../mesh/security/token.js';
import { createTokenVerifier } from '../../mesh/security/verifier.js';
import { openFrontPort } from '../../mesh/shape/front-port.js';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import { createReadinessWatch } from '../../mesh/shape/readiness.js';
import { openSqliteStore } from '../../mesh/store/sqlite-store.js';
import { createMetrics } from '../../mesh/telemetry/metrics.js';
import { createRecordingTracer } from '../../mesh/telemetry/recording-tracer.js';
import type { FinishedSpan } from '../../mesh/telemetry/tracer.js';
import { type CollectingLog, collectingLog } from '../../mesh/testing/collecting-log.js';
import { CartServiceDefinition } from '../../proto/gen/meshmart/cart/v1/cart.js';
import { CatalogServiceDefinition } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import { InventoryServiceDefinition } from '../../proto/gen/meshmart/inventory/v1/inventory.js';
import { NotificationServiceDefinition } from '../../proto/gen/meshmart/notification/v1/notification.js';
import { OrderServiceDefinition } from '../../proto/gen/meshmart/order/v1/order.js';
import { PaymentServiceDefinition } from '../../proto/gen/meshmart/payment/v1/payment.js';
import { RecommendationServiceDefinition } from '../../proto/gen/meshmart/recommendation/v1/recommendation.js';
import { ShippingServiceDefinition } from '../../proto/gen/meshmart/shipping/v1/shipping.js';
import { UsersServiceDefinition } from '../../proto/gen/meshmart/users/v1/users.js';
import { edge } from './service.js';

/** The gateway by itself, on real ports: real contracts and interceptors, with stand-ins for all services behind it. */
export interface LoneGateway {
  readonly url: string;
  readonly grpcAddress: string;
  /** Calls that have arrived at the services, in order. */
  readonly arrivals: readonly (Arrival & { readonly service: string })[];
  readonly spans: readonly FinishedSpan[];
  readonly log: CollectingLog;
  /** HTTP requests that were counted: `GET /v1/products 200`. */
  readonly observed: readonly string[];
  /** A token that the gateway and the services find good. @param lifetimeMs default an hour. */
  tokenOf(user: User, lifetimeMs?: number): string;
  readiness: Readiness;
  /** As the shapes stop it: REST ends within the grace. */
  drain(graceMs: number): Promise<void>;
  /** Ends everything. */
  stop(): Promise<void>;
}

/** What a test replaces. */
export interface LoneGatewayOptions {
  /** Made by {@link standIn}. All other methods answer with an empty message. */
  readonly standIns?: readonly BoundContract[];
  /** Environment variables, for settings: `{ GATEWAY_CLIENT_BURST: '2' }`. */
  readonly environment?: Readonly<Record<string, string>>;
}

const definitions: readonly ServiceDefinition[] = [
  UsersServiceDefinition,
  CatalogServiceDefinition,
  InventoryServiceDefinition,
  CartServiceDefinition,
  OrderServiceDefinition,
  PaymentServiceDefinition,
  ShippingServiceDefinition,
  NotificationServiceDefinition,
  RecommendationServiceDefinition,
];

/** A service of which the given methods answer as given, and all others with an empty message, or an empty stream. */
export function standIn<D extends ServiceDefinition>(
  definition: D,
  handlers: Partial<Handlers<D>> = {},
): BoundContract {
  const empty = Object.entries(definition.methods).map(([name, { responseStream, responseType }]) => [
    name,
    responseStream ? async function* () {} : async () => responseType.fromPartial({} as never),
  ]);
  return { definition, handlers: { ...Object.fromEntries(empty), ...handlers } };
}

/** Starts the gateway alone. Stop it at the end of the test. */
export async function startLoneGateway(options: LoneGatewayOptions = {}): Promise<LoneGateway> {
  const ambient = machineAmbient();
  const { contract, policies, validator, callPolicy, owners, manifests, version } = loadShop();
  const manifest = manifests.find(({ name }) => name === 'gateway');
  if (manifest === undefined) throw new Error('services/ has no gateway');
  const log = collectingLog();
  const spans: FinishedSpan[] = [];
  const arrivals: (Arrival & { readonly service: string })[] = [];
  const key = signingKeyOf(ambient.random.bytes(32));
  const verifier = createTokenVerifier({ clock: ambient.clock, fetchKeys: async () => [key.publicKey] });

  const standIns = new Map(
    [...definitions.map((definition) => standIn(definition)), ...(options.standIns ?? [])].map((bound) => [
      bound.definition.fullName,
      bound,
    ]),
  );
  const dispatches = new Map<string, Dispatch>();
  for (const [name, bound] of standIns) {
    const guests = async () => ({
      token: tokenOf({ id: 'guest_new', kind: 'guest', scopes: ['cart'] }),
      guestId: '',
    });
    const handlers =
      name === UsersServiceDefinition.fullName
        ? {
            ...bound.handlers,
            listSigningKeys: async () => ({ keys: [{ ...key.publicKey }] }),
            createGuestSession: guests,
          }
        : bound.handlers;
    const dispatch = createDispatch({
      contracts: [{ definition: bound.definition, handlers }],
      policies,
      ambient,
      interceptors: {
        identity: identityInterceptor(verifier),
        authorise: authoriseInterceptor(callPolicy),
        validate: validateInterceptor(validator),
        deduplicate: deduplicateInterceptor(),
      },
    });
    const service = owners.get(name) ?? name;
    dispatches.set(service, (arrival) => {
      arrivals.push({ ...arrival, service });
      return dispatch(arrival);
    });
  }

  const bus = openEmbeddedBus({ path: ':memory:', ambient, log });
  const tracer = createRecordingTracer({
    ...ambient,
    service: 'gateway',
    sinks: [(span) => spans.push(span)],
  });
  const world: HostWorld = {
    contract,
    policies,
    validator,
    ambient,
    bus,
    callPolicy,
    metrics: createMetrics({ version: 'test', shape: 'test', process: false }),
    tracerOf: () => tracer,
    logOf: () => log,
    mail: { send: async () => undefined },
    wires: (caller) => (service) => inProcessWire(() => dispatches.get(service), caller),
    ownerOf: (protoService) => owners.get(protoService),
  };
  const store = openSqliteStore({ path: ':memory:', service: 'gateway', schema: [], clock: ambient.clock });
  const { ports, stop } = createServiceWorld(world, {
    manifest,
    store,
    setting: settingsOf(manifest, options.environment ?? {}, {}),
    secret: () => new Uint8Array(32),
  });
  const observed: string[] = [];
  const self = { readiness: { ready: true, services: [] } as Readiness };
  const close = async () => {
    await store.close();
    await bus.close();
  };
  const edgePorts: EdgePorts = {
    ...ports,
    contract,
    policies,
    ownerOf: world.ownerOf,
    wireTo: world.wires('gateway'),
    listen: { host: '127.0.0.1', httpPort: 0 },
    observeHttp: (method, route, status) => {
      observed.push(`${method} ${route} ${status}`);
    },
    readiness: async () => self.readiness,
    overview: () => ({
      version,
      shape: 'one-process',
      startedAtMs: 0,
      grpcAddress: undefined,
      adminUrl: undefined,
      cardProcessorUrl: undefined,
      mailSinkUrl: undefined,
      services: manifests.map(({ name, summary, implements: services }) => ({
        name,
        summary,
        implements: services,
      })),
    }),
  };
  const parts = await Promise.resolve()
    .then(() => edge.build(edgePorts))
    .catch(async (error: unknown) => {
      await close();
      throw error;
    });
  const watch = createReadinessWatch(ambient, async () => self.readiness);
  const front = await openFrontPort({
    ports: { host: '127.0.0.1', http: 0, grpc: 0, adminHost: '127.0.0.1', admin: 0 },
    contract,
    policies,
    dispatch: parts.front,
    readiness: watch,
    served: [...owners.keys()],
  });
  const { httpUrl } = await parts.listen();

  function tokenOf(user: User, lifetimeMs = 3_600_000): string {
    const claims = { subject: user.id, kind: user.kind, scopes: user.scopes, jti: user.id };
    return signToken(claims, key, ambient.clock.nowMs(), lifetimeMs);
  }
  let drained: Promise<void> | undefined;
  const drain = (graceMs: number) => {
    drained ??= parts.drain(graceMs);
    return drained;
  };
  return Object.assign(self, {
    url: httpUrl,
    grpcAddress: `127.0.0.1:${front.port}`,
    arrivals,
    spans,
    log,
    observed,
    tokenOf,
    drain,
    stop: async () => {
      stop(new MeshError({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE', message: 'the test is over' }));
      await Promise.all([drain(0), front.drain(0)]);
      watch.stop();
      await close();
    },
  });
}

/** An answer as it came over HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a client sees whatever JSON comes.
  readonly json: any;
}

/** One request on a connection of its own, with the very headers given: a list is a header that stands several times. */
export function send(
  url: string,
  method: string,
  path: string,
  headers: OutgoingHttpHeaders = {},
  body?: unknown,
): Promise<HttpAnswer> {
  const bytes =
    body === undefined || Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
  const type = body === undefined || Buffer.isBuffer(body) ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const asked = httpRequest(
      { hostname, port, method, path, agent: false, headers: { ...type, ...headers }, timeout: 8_000 },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const json =
            /json/.test(response.headers['content-type'] ?? '') && text !== '' ? JSON.parse(text) : undefined;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
        });
      },
    );
    asked.on('timeout', () => asked.destroy(new Error(`no answer to ${method} ${path}`)));
    asked.on('error', reject);
    asked.end(bytes);
  });
}

/** Sends these very bytes on a connection and gives all that comes back until it is closed, or `withinMs` have passed. */
export function sendRaw(url: string, bytes: string, withinMs = 5_000): Promise<string> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'));
    let text = '';
    const timer = setTimeout(() => socket.destroy(), withinMs);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
  });
}
