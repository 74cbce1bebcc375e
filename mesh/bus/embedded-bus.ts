import { MeshError } from '../contract/error.js';
import type { Ambient, Log } from '../runtime/ports.js';
import { openSqliteDatabase, type SqliteDatabaseOptions } from '../store/sqlite-database.js';
import type { Metrics } from '../telemetry/metrics.js';
import { type Bus, defaultRedelivery, type RedeliveryPolicy } from './bus.js';
import { createEmbeddedLog, type EmbeddedLog } from './embedded-log.js';
import { type GroupConsumer, startGroupConsumer } from './group-consumer.js';

/** What the embedded bus is opened with. */
export interface EmbeddedBusOptions extends SqliteDatabaseOptions {
  /** File of its database, or `:memory:` for a test. */
  readonly path: string;
  readonly ambient: Ambient;
  readonly log: Log;
  readonly redelivery?: Partial<RedeliveryPolicy>;
  /** Told how long its own transactions took. */
  readonly metrics?: Pick<Metrics, 'observeDatabase'>;
}

/** How often handled messages are deleted. */
const pruneEveryMs = 10_000;

/**
 * A bus in one SQLite file, for the shop in one process. Delivery starts as soon as a message is on disk.
 * @throws StartupError when the file can't be opened.
 */
export function openEmbeddedBus(options: EmbeddedBusOptions): Bus {
  const { ambient, log: logger } = options;
  const database = openSqliteDatabase(options.path, options);
  const log = measured(createEmbeddedLog(database), options);
  const consumers = new Map<string, GroupConsumer>();
  let open = true;
  const pruneLater = (): (() => void) =>
    ambient.timers.after(pruneEveryMs, () => {
      if (!open) return;
      try {
        log.prune();
      } catch (error) {
        logger.warn({ error: String(error) }, 'handled events could not be deleted: it is tried again later');
      }
      cancelPrune = pruneLater();
    });
  let cancelPrune = pruneLater();
  const durable = <T>(work: () => T): T => {
    if (!open) throw unavailable(undefined);
    try {
      return work();
    } catch (cause) {
      throw unavailable(cause);
    }
  };
  // Acknowledgements are not waited for: one that power takes away is only a redelivery.
  const settled = async (): Promise<void> => {
    try {
      await database.settled();
    } catch (cause) {
      throw unavailable(cause);
    }
  };
  return {
    publish: async (messages) => {
      durable(() => log.append(messages));
      await settled();
      const published = new Set(messages.map(({ topic }) => topic));
      for (const consumer of consumers.values()) if (consumer.wants(published)) consumer.wake();
    },
    subscribe: async (subscription) => {
      if (consumers.has(subscription.group))
        throw new Error(`group ${subscription.group} is subscribed already`);
      durable(() => log.register(subscription.group, Object.keys(subscription.topics)));
      const consumer = startGroupConsumer({
        log,
        subscription,
        ambient,
        logger,
        redelivery: { ...defaultRedelivery, ...options.redelivery },
      });
      consumers.set(subscription.group, consumer);
      consumer.wake();
      return async () => {
        await consumer.stop();
        // Not before: a successor must not get what this one is still at.
        if (consumers.get(subscription.group) === consumer) consumers.delete(subscription.group);
      };
    },
    deadLetters: async (group, limit) => durable(() => log.deadLetters(group, limit)),
    replay: async (group, messageId) => {
      const logged = durable(() => log.revive(group, messageId));
      await settled();
      if (logged === undefined) {
        throw new MeshError({
          code: 'NOT_FOUND',
          reason: 'CONFLICT',
          message: `${group} has no dead letter ${messageId}: list them first`,
        });
      }
      consumers.get(group)?.offer(logged);
    },
    lag: async (group) => durable(() => log.lag(group)),
    probe: async () => {
      durable(() => database.exec('BEGIN IMMEDIATE; ROLLBACK'));
      await settled();
    },
    close: async () => {
      cancelPrune();
      await Promise.all([...consumers.values()].map((consumer) => consumer.stop()));
      consumers.clear();
      open = false;
      database.close();
    },
  };
}

/** The log, its transactions counted. */
function measured(log: EmbeddedLog, { metrics, ambient }: EmbeddedBusOptions): EmbeddedLog {
  if (metrics === undefined) return log;
  const timed = (operation: string, work: () => void) => {
    const startedMs = ambient.clock.monotonicMs();
    work();
    const seconds = (ambient.clock.monotonicMs() - startedMs) / 1_000;
    metrics.observeDatabase({ service: 'bus', system: 'sqlite', operation, seconds });
  };
  return {
    ...log,
    append: (messages) => timed('publish', () => log.append(messages)),
    acknowledge: (group, positions) => timed('acknowledge', () => log.acknowledge(group, positions)),
  };
}

function unavailable(cause: unknown): MeshError {
  return new MeshError({
    code: 'UNAVAILABLE',
    reason: 'STORAGE_UNAVAILABLE',
    message: "the bus can't be used now: nothing was published",
    cause,
  });
}
