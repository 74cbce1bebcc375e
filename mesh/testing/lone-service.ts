import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsersServiceDefinition } from '../../proto/gen/meshmart/users/v1/users.js';
import type { Delivery } from '../bus/bus.js';
import { openEmbeddedBus } from '../bus/embedded-bus.js';
import { MeshError } from '../contract/error.js';
import { loadContract } from '../contract/image.js';
import { readPolicies } from '../contract/policy.js';
import { createValidator } from '../contract/validation.js';
import { createClient } from '../rpc/client.js';
import type { User } from '../rpc/context.js';
import type { Client, Handlers, ServiceDefinition } from '../rpc/definition.js';
import { createDispatch } from '../rpc/dispatch.js';
import { inProcessWire } from '../rpc/in-process.js';
import type { Dispatch } from '../rpc/wire.js';
import { machineAmbient } from '../runtime/ambient.js';
import { type HostWorld, hostService } from '../runtime/host.js';
import { parseManifest } from '../runtime/manifest-file.js';
import { machineHttp } from '../runtime/outgoing-http.js';
import { packageRoot } from '../runtime/package-root.js';
import type { Ambient } from '../runtime/ports.js';
import type { BoundContract, Service } from '../runtime/service.js';
import { settingsOf } from '../runtime/setting.js';
import { createCallPolicy } from '../security/authority.js';
import { signingKeyOf, signToken } from '../security/token.js';
import type { Documents } from '../store/documents.js';
import type { Store } from '../store/store.js';
import { createMetrics } from '../telemetry/metrics.js';
import { nullTracer } from '../telemetry/null-tracer.js';
import { type CollectingLog, collectingLog } from './collecting-log.js';
import { openLoneStore } from './lone-store.js';

/** One service to try, with what stands in for the rest of the shop. */
export interface LoneServiceOptions {
  /** Its folder below `services/`. */
  readonly name: string;
  readonly service: Service;
  /** The services that it calls, made by {@link neighbour}. `users` is there already, as far as tokens need it. */
  readonly neighbours?: readonly BoundContract[];
  /** Its database file, which two instances may share. Default: in memory. */
  readonly databasePath?: string;
  /** Calls that other services declare, by caller: `{ order: ['meshmart.inventory.v1.InventoryService/Reserve'] }`. */
  readonly callers?: Readonly<Record<string, readonly string[]>>;
  /** Environment variables, for settings. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Time and chance. Default: the machine's. */
  readonly ambient?: Ambient;
  /** Where its documents are kept. Default: in its store. */
  readonly documents?: Documents | undefined;
}

/** A service that runs by itself: its real manifest, interceptors, store and bus, in memory unless told otherwise. */
export interface LoneService {
  /** A client as another service, or as a client outside, has it. @param caller default `outside`. */
  client<D extends ServiceDefinition>(definition: D, caller?: string): Client<D>;
  /** A token that the service finds good. */
  tokenOf(user: User): string;
  readonly store: Store;
  readonly log: CollectingLog;
  /** Events that the service has published, in the order of their arrival on the bus. */
  readonly published: readonly Delivery[];
  /** Publishes an event of another service. @param id the same id is the same event. */
  announce(topic: string, type: string, key: string, data: Uint8Array, id?: string): Promise<void>;
  stop(): Promise<void>;
}

/** A service that stands in for a real one: the methods given answer, all others are UNIMPLEMENTED. */
export function neighbour<D extends ServiceDefinition>(
  definition: D,
  handlers: Partial<Handlers<D>>,
): BoundContract {
  const missing = Object.keys(definition.methods).map((name) => [
    name,
    async () => {
      throw new MeshError({
        code: 'UNIMPLEMENTED',
        reason: 'UNIMPLEMENTED',
        message: `the neighbour has no ${name}`,
      });
    },
  ]);
  return { definition, handlers: { ...Object.fromEntries(missing), ...handlers } };
}

/** Starts a service alone, its workers and event handlers included. Stop it at the end of the test. */
export async function startLoneService(options: LoneServiceOptions): Promise<LoneService> {
  const { name, service, ambient = machineAmbient() } = options;
  const contract = loadContract(readFileSync(join(packageRoot(), 'proto', 'image.binpb')));
  const policies = readPolicies(contract);
  const manifest = parseManifest(
    readFileSync(join(packageRoot(), 'services', name, 'service.yaml'), 'utf8'),
    `services/${name}/service.yaml`,
    name,
    { policies, hasMessage: (type) => contract.registry.getMessage(type) !== undefined },
  );
  const key = signingKeyOf(ambient.random.bytes(32));
  const users = neighbour(UsersServiceDefinition, {
    listSigningKeys: async () => ({ keys: [{ ...key.publicKey }] }),
  });
  const neighbours = new Map<string, Dispatch>();
  for (const bound of [users, ...(options.neighbours ?? [])]) {
    neighbours.set(bound.definition.fullName, createDispatch({ contracts: [bound], policies, ambient }));
  }
  const log = collectingLog();
  const bus = openEmbeddedBus({ path: ':memory:', ambient, log });
  const world: HostWorld = {
    contract,
    policies,
    validator: createValidator(contract),
    ambient,
    bus,
    callPolicy: createCallPolicy({ ...options.callers, [name]: manifest.calls }),
    metrics: createMetrics({ version: 'test', shape: 'test', clock: ambient.clock, process: false }),
    tracerOf: () => nullTracer,
    logOf: () => log,
    mail: { send: async () => undefined },
    http: machineHttp(),
    wires: (caller) => (protoService) => inProcessWire(() => neighbours.get(protoService), caller),
    // Each neighbour is found by the contract that it stands in for.
    ownerOf: (protoService) => protoService,
  };
  const store = await openLoneStore({
    service: name,
    schema: service.schema,
    path: options.databasePath,
    ambient,
  });
  const close = async () => {
    await store.close();
    await bus.close();
  };
  const hosted = await hostService(world, service, {
    manifest,
    store,
    documents: options.documents,
    setting: settingsOf(manifest, options.environment ?? {}, {}),
    secret: (secret) => ambient.random.secretBytes(manifest.secrets[secret]?.bytes ?? 32),
  }).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const published: Delivery[] = [];
  const unsubscribe = await bus.subscribe({
    group: 'test',
    topics: { [name]: manifest.publishes },
    handle: async (delivery) => {
      published.push(delivery);
    },
  });
  await hosted.begin();
  let announced = 0;
  return {
    client: (definition, caller = 'outside') =>
      createClient(definition, {
        wire: inProcessWire(() => hosted.dispatch, caller),
        policies,
        ambient,
        caller,
      }),
    tokenOf: (user) =>
      signToken(
        { subject: user.id, kind: user.kind, scopes: user.scopes, jti: user.id },
        key,
        ambient.clock.nowMs(),
        3_600_000,
      ),
    store,
    log,
    published,
    announce: async (topic, type, messageKey, data, id) => {
      announced += 1;
      await bus.publish([
        {
          id: id ?? `${topic}-test-${announced}`,
          topic,
          type,
          key: messageKey,
          data,
          occurredAtMs: ambient.clock.nowMs(),
          traceparent: undefined,
        },
      ]);
    },
    stop: async () => {
      await hosted.stop();
      await unsubscribe();
      await bus.close();
    },
  };
}
