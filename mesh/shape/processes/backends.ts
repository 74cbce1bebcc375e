import type { Bus } from '../../bus/bus.js';
import { openSharedBus, type SharedBus, sharedBuses } from '../../bus/shared-bus.js';
import type { Manifest } from '../../runtime/manifest.js';
import type { Ambient, Log } from '../../runtime/ports.js';
import { type Environment, wordOf } from '../../runtime/setting.js';
import type { Buckets } from '../../store/buckets.js';
import type { Documents } from '../../store/documents.js';
import { openRedisBuckets } from '../../store/redis-buckets.js';
import { openRedis } from '../../store/redis-connection.js';
import { openRedisDocuments } from '../../store/redis-documents.js';
import type { Tracer } from '../../telemetry/tracer.js';

/** What an instance keeps in servers that it shares with others. */
export interface Backends {
  readonly bus: Bus;
  /** In Redis, for a service whose manifest says so. */
  readonly documents: Documents | undefined;
  /** In Redis, for the same: the edge counts its limits in them. */
  readonly buckets: Buckets | undefined;
  close(): Promise<void>;
}

/** What is needed to reach them. */
export interface BackendsOptions {
  readonly manifest: Manifest;
  /** Those of all services: who hears of what. */
  readonly manifests: readonly Manifest[];
  /** See {@link import('./instance.js').InstanceOptions.id}. */
  readonly id: string;
  readonly environment: Environment;
  readonly ambient: Ambient;
  readonly log: Log;
  readonly tracer: Tracer;
}

/** How each server is found: by which variables, and where it is when nobody says so. */
const places: Readonly<Record<SharedBus, { address: string; passwordFile: string; usual: string }>> = {
  redis: { address: 'REDIS_URL', passwordFile: 'REDIS_PASSWORD_FILE', usual: 'redis://127.0.0.1:6379' },
  rabbitmq: {
    address: 'RABBITMQ_URL',
    passwordFile: 'RABBITMQ_PASSWORD_FILE',
    usual: 'amqp://127.0.0.1:5672',
  },
  kafka: { address: 'KAFKA_BROKERS', passwordFile: '', usual: '127.0.0.1:9092' },
};

/** Opens them. The servers need not be there. @throws StartupError for a wrong address or MESHMART_BUS. */
export async function openBackends(options: BackendsOptions): Promise<Backends> {
  const { manifest, id, environment, ambient, log, tracer } = options;
  const placeOf = (kind: SharedBus) => ({
    address: environment[places[kind].address] || places[kind].usual,
    passwordFile: environment[places[kind].passwordFile] || undefined,
  });
  const chosen = wordOf(environment, 'MESHMART_BUS', sharedBuses, 'redis');
  const bus = await openSharedBus(chosen, {
    ...placeOf(chosen),
    name: id,
    ambient,
    log,
    groupsOf: (topic) =>
      options.manifests.filter(({ consumes }) => consumes[topic] !== undefined).map(({ name }) => name),
  });
  const { address: url, passwordFile } = placeOf('redis');
  const redis = manifest.backends.includes('redis')
    ? openRedis({ url, passwordFile, name: id, log })
    : undefined;
  const documents =
    redis === undefined
      ? undefined
      : openRedisDocuments({ redis, service: manifest.name, timers: ambient.timers, tracer });
  return {
    bus,
    documents,
    buckets:
      redis === undefined
        ? undefined
        : openRedisBuckets({ redis, service: manifest.name, timers: ambient.timers }),
    close: async () => {
      await bus.close();
      redis?.disconnect();
    },
  };
}
