import type { Ambient, Log } from '../runtime/ports.js';
import type { Bus, RedeliveryPolicy } from './bus.js';

/** The buses that several processes can share. */
export const sharedBuses = ['redis', 'rabbitmq', 'kafka'] as const;
export type SharedBus = (typeof sharedBuses)[number];

/** What any of them is opened with. */
export interface SharedBusOptions {
  /** As in REDIS_URL, RABBITMQ_URL or KAFKA_BROKERS. */
  readonly address: string;
  /** File with the password, where the server wants one. */
  readonly passwordFile: string | undefined;
  /** Unique among all processes, such as `order-1.2`. */
  readonly name: string;
  /** All groups that shall ever hear of a topic, by topic. */
  readonly groupsOf: (topic: string) => readonly string[];
  readonly ambient: Ambient;
  readonly log: Log;
  readonly redelivery?: Partial<RedeliveryPolicy>;
}

/**
 * Opens one of them. Its client is loaded only then: a process pays for one. The server need not be there.
 * @throws StartupError for a wrong address, or a password file that can't be read.
 */
export async function openSharedBus(kind: SharedBus, options: SharedBusOptions): Promise<Bus> {
  const { address, name } = options;
  switch (kind) {
    case 'redis': {
      const { openRedisStreamsBus } = await import('./redis-streams-bus.js');
      return openRedisStreamsBus({ ...options, url: address, consumer: name });
    }
    case 'rabbitmq': {
      const { openRabbitmqBus } = await import('./rabbitmq-bus.js');
      return openRabbitmqBus({ ...options, url: address });
    }
    case 'kafka': {
      const { openKafkaBus } = await import('./kafka-bus.js');
      return openKafkaBus({ ...options, brokers: address });
    }
    default:
      return kind satisfies never;
  }
}
