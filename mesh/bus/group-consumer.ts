import type { Ambient, Log } from '../runtime/ports.js';
import type { RedeliveryPolicy, Subscription } from './bus.js';
import type { EmbeddedLog, LoggedMessage } from './embedded-log.js';
import { startKeyedDelivery } from './keyed-delivery.js';

/** What a consumer of the embedded bus works with. */
export interface GroupConsumerOptions {
  readonly log: EmbeddedLog;
  readonly subscription: Subscription;
  readonly ambient: Ambient;
  readonly logger: Log;
  readonly redelivery: RedeliveryPolicy;
  /** Keys handled at the same time. Default 8. */
  readonly concurrency?: number;
}

/** A group that is being delivered to. */
export interface GroupConsumer {
  /** Whether it consumes any of these topics. */
  wants(topics: ReadonlySet<string>): boolean;
  /** Looks for new messages. */
  wake(): void;
  /** Takes a message that became deliverable again. */
  offer(logged: LoggedMessage): void;
  /** Takes no more, and resolves when the handlers in flight are done. */
  stop(): Promise<void>;
}

const readAhead = 256;

/** Pause after a failure of the log's own database. */
const databaseRetryMs = 1_000;

/** Reads a group's messages from the embedded log, some ahead of their delivery, and notes what was handled. */
export function startGroupConsumer(options: GroupConsumerOptions): GroupConsumer {
  const { log, subscription, logger } = options;
  const { group, topics } = subscription;
  let readTo = 0;
  /** Not once a read has come to the end of the log, until something is published. */
  let mayHaveMore = true;
  let reading = false;
  let waiting = false;
  let stopped = false;
  let acknowledged: number[] = [];
  let flushing = false;

  const delivery = startKeyedDelivery<number>({
    ...options,
    acknowledge: (position) => {
      acknowledged.push(position);
      if (flushing) return;
      // Acknowledgements of one turn of the event loop go to disk together; one that is lost is only a redelivery.
      flushing = true;
      delivery.later(0, flush);
    },
    bury: (placed, letter) => log.bury(group, placed, letter),
    onRoom: () => read(),
  });

  const read = () => {
    // What is taken makes room again: the loop below goes on with it.
    if (reading || waiting || stopped || !mayHaveMore) return;
    reading = true;
    try {
      while (delivery.queued() < readAhead) {
        const batch = log.read(group, readTo, readAhead);
        mayHaveMore = batch.length === readAhead;
        readTo = batch.at(-1)?.position ?? readTo;
        delivery.take(batch);
        if (!mayHaveMore) break;
      }
    } catch (error) {
      logger.warn({ group, error: String(error) }, 'events could not be read: it is tried again');
      waiting = true;
      delivery.later(databaseRetryMs, () => {
        waiting = false;
        read();
      });
    } finally {
      reading = false;
    }
  };

  const flush = () => {
    flushing = false;
    const positions = acknowledged;
    acknowledged = [];
    if (positions.length === 0) return;
    try {
      log.acknowledge(group, positions);
    } catch (error) {
      logger.warn({ group, error: String(error) }, 'events handled could not be noted: they may come again');
      acknowledged = [...positions, ...acknowledged];
      if (stopped) return;
      flushing = true;
      delivery.later(databaseRetryMs, flush);
    }
  };

  return {
    wants: (published) => Object.keys(topics).some((topic) => published.has(topic)),
    wake: () => {
      mayHaveMore = true;
      read();
    },
    offer: (logged) => delivery.take([logged]),
    stop: async () => {
      stopped = true;
      await delivery.stop();
      flush();
    },
  };
}
