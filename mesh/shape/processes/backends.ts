import type { Bus } from '../../bus/bus.js';
import { openRedisStreamsBus } from '../../bus/redis-streams-bus.js';
import type { Manifest } from '../../runtime/manifest.js';
import type { Ambient, Log } from '../../runtime/ports.js';
import type { Environment } from '../../runtime/setting.js';
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

/** Where Redis is when nobody says so. */
const usualRedis = 'redis://127.0.0.1:6379';

/** Opens them. The servers need not be there. @throws StartupError for a wrong REDIS_URL. */
export function openBackends(options: BackendsOptions): Backends {
  const { manifest, id, environment, ambient, log, tracer } = options;
  const access = {
    url: environment['REDIS_URL'] || usualRedis,
    passwordFile: environment['REDIS_PASSWORD_FILE'] || undefined,
    log,
  };
  const bus = openRedisStreamsBus({
    ...access,
    consumer: id,
    ambient,
    groupsOf: (topic) =>
      options.manifests.filter(({ consumes }) => consumes[topic] !== undefined).map(({ name }) => name),
  });
  const redis = manifest.backends.includes('redis') ? openRedis({ ...access, name: id }) : undefined;
  const documents =
    redis === undefined
      ? undefined
      : openRedisDocuments({ redis, service: manifest.name, timers: ambient.timers, tracer });
  return {
    bus,
    documents,
    buckets: redis === undefined ? undefined : openRedisBuckets({ redis, timers: ambient.timers }),
    close: async () => {
      await bus.close();
      redis?.disconnect();
    },
  };
}
