import { Kafka, logLevel } from 'kafkajs';
import type { Log } from '../runtime/ports.js';
import { StartupError } from '../runtime/startup-error.js';

/** How Kafka is reached. */
export interface KafkaAccess {
  /** As in KAFKA_BROKERS: `127.0.0.1:9092,127.0.0.1:9093`; some of the cluster's brokers are enough. */
  readonly brokers: string;
  /** How its connections name themselves. */
  readonly name: string;
  readonly log: Log;
}

/** Times in milliseconds; a request that failed is made again, this often and after these pauses. */
const limits = { connectMs: 1_000, requestMs: 5_000, retries: 3, firstPauseMs: 50, longestPauseMs: 500 };

/**
 * A client for a cluster. Nothing is connected yet.
 * @throws StartupError for a wrong list of brokers.
 */
export function kafkaClient({ brokers, name, log }: KafkaAccess): Kafka {
  return new Kafka({
    clientId: `meshmart-${name}`,
    brokers: [...kafkaBrokers(brokers)],
    connectionTimeout: limits.connectMs,
    requestTimeout: limits.requestMs,
    retry: {
      retries: limits.retries,
      initialRetryTime: limits.firstPauseMs,
      maxRetryTime: limits.longestPauseMs,
      restartOnFailure: async () => true,
    },
    logLevel: logLevel.WARN,
    // It tells every failed connection as an error; what that means to the shop is told by the bus.
    logCreator: () => (entry) => {
      const { message, groupId, error } = entry.log as { message: string; groupId?: string; error?: unknown };
      log.debug({ namespace: entry.namespace, groupId, error: String(error ?? '') }, message);
    },
  });
}

/**
 * Reads a list of brokers.
 * @returns each as `host:port`.
 * @throws StartupError for what is not one.
 */
export function kafkaBrokers(list: string): readonly string[] {
  const brokers = list.split(',').map((broker) => broker.trim());
  const wrong = brokers.find((broker) => {
    const url = URL.canParse(`kafka://${broker}`) ? new URL(`kafka://${broker}`) : undefined;
    return url === undefined || url.host !== broker || url.hostname === '' || url.port === '';
  });
  if (wrong === undefined) return brokers;
  throw new StartupError(
    `KAFKA_BROKERS is '${list}'`,
    'give it as host:port, several with commas between: 127.0.0.1:9092',
  );
}
