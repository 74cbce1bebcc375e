import type { Bus } from '../../bus/bus.js';
import { openRedisStreamsBus } from '../../bus/redis-streams-bus.js';
import type { Ambient, Log } from '../../runtime/ports.js';
import type { Environment } from '../../runtime/setting.js';

/** What an instance keeps in servers that it shares with others. */
export interface Backends {
  readonly bus: Bus;
  readonly ports: object;
  close(): Promise<void>;
}

/** What is needed to reach them. */
export interface BackendsOptions {
  readonly service: string;
  /** See {@link import('./instance.js').InstanceOptions.id}. */
  readonly id: string;
  readonly environment: Environment;
  readonly ambient: Ambient;
  readonly log: Log;
}

/** Where Redis is when nobody says so. */
const usualRedis = 'redis://127.0.0.1:6379';

/** Opens them. The servers need not be there. @throws StartupError for a wrong REDIS_URL. */
export function openBackends({ id, environment, ambient, log }: BackendsOptions): Backends {
  const access = {
    url: environment['REDIS_URL'] || usualRedis,
    passwordFile: environment['REDIS_PASSWORD_FILE'] || undefined,
    log,
  };
  const bus = openRedisStreamsBus({ ...access, consumer: id, ambient });
  return { bus, ports: {}, close: () => bus.close() };
}
