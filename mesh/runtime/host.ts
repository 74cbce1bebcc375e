import { UsersServiceDefinition } from '../../proto/gen/meshmart/users/v1/users.js';
import type { Bus } from '../bus/bus.js';
import { startOutboxRelay } from '../bus/outbox-relay.js';
import { MeshError } from '../contract/error.js';
import type { Contract } from '../contract/image.js';
import type { Policies } from '../contract/policy.js';
import type { Validator } from '../contract/validation.js';
import { createClient } from '../rpc/client.js';
import type { Client, ServiceDefinition } from '../rpc/definition.js';
import { createDispatch } from '../rpc/dispatch.js';
import { authoriseInterceptor } from '../rpc/interceptors/authorise.js';
import { declaredCallInterceptor } from '../rpc/interceptors/declared-call.js';
import { deduplicateInterceptor } from '../rpc/interceptors/deduplicate.js';
import { identityInterceptor } from '../rpc/interceptors/identity.js';
import { clientLogInterceptor, logInterceptor } from '../rpc/interceptors/log.js';
import { metricsInterceptor } from '../rpc/interceptors/metrics.js';
import { traceInterceptor } from '../rpc/interceptors/trace.js';
import { validateInterceptor } from '../rpc/interceptors/validate.js';
import type { Dispatch, WireTo } from '../rpc/wire.js';
import type { CallPolicy } from '../security/authority.js';
import { createTokenVerifier, type TokenVerifier } from '../security/verifier.js';
import { documentsInStore } from '../store/document-table.js';
import type { Documents } from '../store/documents.js';
import { type Lease, leaseIn } from '../store/lease.js';
import { purge } from '../store/purge.js';
import type { Store } from '../store/store.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Tracer } from '../telemetry/tracer.js';
import { createBackground } from './background.js';
import { subscribeEvents } from './event-consumer.js';
import { createIdSource } from './id.js';
import type { Manifest } from './manifest.js';
import type { OutgoingHttp } from './outgoing-http.js';
import { startPatiently } from './patient-start.js';
import type { Ambient, Log } from './ports.js';
import type { MailSender, Service, ServicePorts, Worker } from './service.js';
import { StartupError } from './startup-error.js';
import { deadlineOf, startWorker } from './worker-loop.js';

/** How long the outbox waits when the instance that relayed it has died. */
const relayLeaseMs = 2_000;

/** What every service in a process shares. */
export interface HostWorld {
  readonly contract: Contract;
  readonly policies: Policies;
  readonly validator: Validator;
  readonly ambient: Ambient;
  readonly bus: Bus;
  readonly callPolicy: CallPolicy;
  readonly metrics: Metrics;
  readonly tracerOf: (service: string) => Tracer;
  readonly logOf: (service: string) => Log;
  readonly mail: MailSender;
  readonly http: OutgoingHttp;
  /** Wires from one service to another; the first name is the caller's. */
  readonly wires: (caller: string) => WireTo;
  /** The folder of the service that implements a proto service. */
  readonly ownerOf: (protoService: string) => string | undefined;
}

/** What one service has for itself. */
export interface HostedOptions {
  readonly manifest: Manifest;
  readonly store: Store;
  /** Where its documents are kept. Default: in the store. */
  readonly documents?: Documents | undefined;
  /**
   * Unique among all processes, such as `order-1.2`. Where it is given, other instances may share the store: then one at
   * a time relays the outbox, and one at a time runs a worker.
   */
  readonly instance?: string | undefined;
  readonly setting: (name: string) => string;
  readonly secret: (name: string) => Uint8Array;
}

/** The ports of a service and what the runtime keeps beside them. */
export interface ServiceWorld {
  readonly ports: ServicePorts;
  readonly verifier: TokenVerifier;
  /** Begins the stop: background work ends. */
  stop(reason: MeshError): void;
}

/** Makes the ports of one service. */
export function createServiceWorld(world: HostWorld, options: HostedOptions): ServiceWorld {
  const { ambient } = world;
  const { manifest, store } = options;
  const { name } = manifest;
  const stopping = new AbortController();
  const tracer = world.tracerOf(name);
  const background = createBackground({ ambient, service: name, stopping: stopping.signal });
  const clients = new Map<string, unknown>();
  const client = <D extends ServiceDefinition>(definition: D): Client<D> => {
    const known = clients.get(definition.fullName);
    if (known !== undefined) return known as Client<D>;
    const owner = world.ownerOf(definition.fullName);
    if (!manifest.calls.some((call) => call.startsWith(`${definition.fullName}/`)) || owner === undefined) {
      throw new StartupError(
        `services/${name}/service.yaml declares no call to ${definition.fullName}`,
        'add what it calls under calls',
      );
    }
    const made = createClient(definition, {
      wire: world.wires(name)(owner),
      policies: world.policies,
      ambient,
      caller: name,
      interceptors: {
        trace: traceInterceptor('client', tracer),
        metrics: metricsInterceptor('client', world.metrics.rpc(name), ambient.clock),
        log: clientLogInterceptor(world.logOf(name), ambient.clock),
        identity: declaredCallInterceptor(world.callPolicy),
      },
    });
    clients.set(definition.fullName, made);
    return made;
  };
  const verifier = createTokenVerifier({
    clock: ambient.clock,
    fetchKeys: () =>
      background(
        { deadlineMs: 1_000 },
        async (context) => (await client(UsersServiceDefinition).listSigningKeys({}, context)).keys,
      ),
  });
  return {
    verifier,
    stop: (reason) => stopping.abort(reason),
    ports: {
      ...ambient,
      ids: createIdSource(ambient.clock, ambient.random),
      log: world.logOf(name),
      tracer,
      store,
      documents: options.documents ?? documentsInStore(store, ambient.clock),
      client,
      background,
      setting: options.setting,
      secret: options.secret,
      http: world.http,
      verifyToken: (token) => verifier.verify(token),
      mail: world.mail,
      stopping: stopping.signal,
    },
  };
}

/** A service that runs. */
export interface HostedService {
  readonly manifest: Manifest;
  readonly dispatch: Dispatch;
  /** Rejects with the reason why the service can't do its work. */
  check(): Promise<void>;
  /** Begins consuming events and running workers: after all services can be called. */
  begin(): Promise<void>;
  /** Ends background work, waits for it, publishes what is left and closes the store. */
  stop(): Promise<void>;
}

/**
 * Builds a service and what surrounds it. The phases of its life: build (here), `begin`, serve, `stop`.
 * @throws whatever the service's own `build` and `start` throw.
 */
export async function hostService(
  world: HostWorld,
  service: Service,
  options: HostedOptions,
): Promise<HostedService> {
  const { ambient } = world;
  const { manifest, store } = options;
  const { name } = manifest;
  const serviceWorld = createServiceWorld(world, options);
  const { ports, verifier } = serviceWorld;
  const parts = await service.build(ports);
  const implemented = parts.contracts.map((contract) => contract.definition.fullName);
  const missing = manifest.implements.find((declared) => !implemented.includes(declared));
  if (missing !== undefined) {
    throw new StartupError(
      `services/${name}/service.yaml lists ${missing} under implements, and services/${name} does not implement it`,
      'take it out, or implement it',
    );
  }
  const dispatch = createDispatch({
    contracts: parts.contracts,
    policies: world.policies,
    ambient,
    interceptors: {
      trace: traceInterceptor('server', ports.tracer),
      metrics: metricsInterceptor('server', world.metrics.rpc(name), ambient.clock),
      log: logInterceptor(ports.log, ambient.clock),
      identity: identityInterceptor(verifier),
      authorise: authoriseInterceptor(world.callPolicy),
      validate: validateInterceptor(world.validator),
      deduplicate: deduplicateInterceptor(),
    },
  });
  const leaseOf = (work: string, lastsMs: number): Lease | undefined =>
    options.instance === undefined
      ? undefined
      : leaseIn({ store, name: work, holder: options.instance, clock: ambient.clock, lastsMs });
  await startPatiently(async () => parts.start?.(), ambient, ports.log);
  const stopRelay = startOutboxRelay({
    store,
    bus: world.bus,
    topic: name,
    timers: ambient.timers,
    log: ports.log,
    lease: leaseOf('outbox', relayLeaseMs),
  });
  const running: (() => Promise<void>)[] = [];
  const forgetOld: Worker = {
    name: 'forget old commands and messages',
    everyMs: 3_600_000,
    run: () => purge(store, ambient.clock.nowMs()),
  };
  return {
    manifest,
    dispatch,
    check: async () => {
      await store.probe();
      await options.documents?.probe();
      await parts.check?.();
    },
    begin: async () => {
      const events = parts.events ?? {};
      const consumed = Object.values(manifest.consumes).flat();
      const unhandled = consumed.find((type) => events[type] === undefined);
      if (unhandled !== undefined) {
        throw new StartupError(
          `services/${name}/service.yaml lists ${unhandled} under consumes, and services/${name} has no handler for it`,
          'take it out, or handle it',
        );
      }
      const undeclared = Object.keys(events).find((type) => !consumed.includes(type));
      if (undeclared !== undefined) {
        throw new StartupError(
          `services/${name} handles ${undeclared}, and services/${name}/service.yaml does not list it under consumes`,
          'add it, or no event ever arrives',
        );
      }
      if (Object.keys(events).length > 0) {
        running.push(
          await subscribeEvents({ manifest, events, bus: world.bus, ports, metrics: world.metrics }),
        );
      }
      for (const worker of [...(parts.workers ?? []), forgetOld]) {
        running.push(
          startWorker({
            worker,
            timers: ambient.timers,
            log: ports.log,
            // A run ends with its deadline, or soon after.
            lease: leaseOf(`worker: ${worker.name}`, deadlineOf(worker) + 1_000),
            background: ports.background,
          }),
        );
      }
    },
    stop: async () => {
      serviceWorld.stop(
        new MeshError({
          code: 'UNAVAILABLE',
          reason: 'UNAVAILABLE',
          message: `${name} is stopping: try again`,
        }),
      );
      await Promise.allSettled(running.map((stop) => stop()));
      await parts.stop?.();
      await stopRelay();
      await store.close();
    },
  };
}
