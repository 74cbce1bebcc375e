import type { Ambient, Log } from '../runtime/ports.js';
import type { RedeliveryPolicy, Subscription } from './bus.js';
import type { EmbeddedLog, LoggedMessage } from './embedded-log.js';
import { decideRedelivery } from './redelivery.js';

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

/**
 * Delivers a group's messages: the messages of one key one after the other, several keys at a time. While a key waits
 * for a retry, the others go on.
 */
export function startGroupConsumer(options: GroupConsumerOptions): GroupConsumer {
  const { log, subscription, ambient, logger, redelivery, concurrency = 8 } = options;
  const { group, topics } = subscription;
  const stopping = new AbortController();
  const queues = new Map<string, LoggedMessage[]>();
  const running = new Set<Promise<void>>();
  const ready: string[] = [];
  let readTo = 0;
  let queued = 0;
  let acknowledged: number[] = [];
  let flushing = false;
  const waits = new Set<() => void>();

  /** A timer that ends with the consumer. */
  const later = (delayMs: number, task: () => void) => {
    const cancel = ambient.timers.after(delayMs, () => {
      waits.delete(cancel);
      task();
    });
    waits.add(cancel);
  };

  const enqueue = (logged: LoggedMessage) => {
    const wanted = topics[logged.message.topic]?.includes(logged.message.type) ?? false;
    if (!wanted) {
      acknowledge(logged.position);
      return;
    }
    queued += 1;
    const key = `${logged.message.topic} ${logged.message.key}`;
    const queue = queues.get(key);
    if (queue === undefined) {
      queues.set(key, [logged]);
      ready.push(key);
    } else queue.push(logged);
  };

  const read = () => {
    while (!stopping.signal.aborted && queued < readAhead) {
      const batch = log.read(group, Object.keys(topics), readTo, readAhead);
      const last = batch.at(-1);
      if (last === undefined) break;
      readTo = last.position;
      batch.forEach(enqueue);
    }
  };

  const fill = () => {
    try {
      read();
    } catch (error) {
      logger.warn({ group, error: String(error) }, 'events could not be read: it is tried again');
      later(databaseRetryMs, fill);
    }
    while (!stopping.signal.aborted && running.size < concurrency) {
      const key = ready.shift();
      if (key === undefined) return;
      const work = drain(key).finally(() => {
        running.delete(work);
        if (!stopping.signal.aborted) fill();
      });
      running.add(work);
    }
  };

  /** Handles a key's messages until there are none, or one must wait. */
  const drain = async (key: string): Promise<void> => {
    const queue = queues.get(key) ?? [];
    for (let logged = queue[0]; logged !== undefined && !stopping.signal.aborted; logged = queue[0]) {
      const delayMs = await attempt(logged);
      if (delayMs !== undefined) {
        later(delayMs, () => {
          ready.push(key);
          fill();
        });
        return;
      }
      queue.shift();
      queued -= 1;
    }
    if (queue.length === 0) queues.delete(key);
  };

  const attempts = new Map<number, number>();

  /** Delivers once; gives how long to wait before the next attempt, or undefined when the message is dealt with. */
  const attempt = async (logged: LoggedMessage): Promise<number | undefined> => {
    const { message, position } = logged;
    const number = (attempts.get(position) ?? 0) + 1;
    try {
      await subscription.handle({ ...message, attempt: number });
      attempts.delete(position);
      acknowledge(position);
      return undefined;
    } catch (error) {
      const fields = {
        group,
        message_id: message.id,
        type: message.type,
        attempt: number,
        error: String(error),
      };
      const decision = decideRedelivery(error, number, redelivery, ambient.random.next());
      if (decision.kind === 'retry') {
        attempts.set(position, number);
        logger.warn(fields, 'an event could not be handled: it is delivered again');
        return decision.delayMs;
      }
      try {
        log.bury(group, logged, {
          attempts: number,
          lastError: String(error).slice(0, 500),
          failedAtMs: ambient.clock.nowMs(),
        });
      } catch (cause) {
        attempts.set(position, number);
        logger.warn(
          { ...fields, cause: String(cause) },
          'an event could not be given up: it is delivered again',
        );
        return databaseRetryMs;
      }
      attempts.delete(position);
      logger.error(fields, 'an event was given up: it is a dead letter now');
      return undefined;
    }
  };

  /** Acknowledgements of one turn of the event loop go to disk together; one that is lost is only a redelivery. */
  const acknowledge = (position: number) => {
    acknowledged.push(position);
    if (flushing) return;
    flushing = true;
    later(0, flush);
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
      if (stopping.signal.aborted) return;
      flushing = true;
      later(databaseRetryMs, flush);
    }
  };

  return {
    wake: fill,
    offer: (logged) => {
      enqueue(logged);
      fill();
    },
    stop: async () => {
      stopping.abort();
      for (const cancel of waits) cancel();
      waits.clear();
      await Promise.allSettled([...running]);
      for (const cancel of waits) cancel();
      flush();
    },
  };
}
