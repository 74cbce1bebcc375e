import type { Ambient, Log } from '../runtime/ports.js';
import type { BusMessage, DeadLetter, RedeliveryPolicy, Subscription } from './bus.js';
import { decideRedelivery, type Tried, untried } from './redelivery.js';

/** A message with its place in whatever log it came from. */
export interface Placed<Position> {
  readonly position: Position;
  readonly message: BusMessage;
}

/** What delivery of a group's messages works with. */
export interface KeyedDeliveryOptions<Position extends string | number> {
  readonly subscription: Subscription;
  readonly ambient: Ambient;
  readonly logger: Log;
  readonly redelivery: RedeliveryPolicy;
  /** Keys handled at the same time. Default 8. */
  readonly concurrency?: number;
  /** The message is dealt with: it shall not come again. Must not throw. */
  acknowledge(position: Position): void;
  /** The message is given up. Rejects when that could not be noted: then it is delivered again. */
  bury(placed: Placed<Position>, letter: Omit<DeadLetter, 'group' | 'message'>): Promise<void> | void;
  /** There is room for more messages. */
  onRoom?(): void;
}

/** The delivery of one group, whatever the bus. */
export interface KeyedDelivery<Position extends string | number> {
  /** Messages that wait or are being handled. */
  queued(): number;
  /**
   * Takes messages, oldest first. Those that the group does not want are acknowledged; those that wait here already are
   * passed over.
   */
  take(messages: readonly Placed<Position>[]): void;
  /**
   * Forgets messages that wait here, as if they had not been taken: they belong to another process now, or come again
   * under another position. What is being handled goes on.
   */
  forget(which: (position: Position) => boolean): void;
  /** Runs a task later, unless delivery has ended by then. */
  later(delayMs: number, task: () => void): void;
  /** Takes no more, and resolves when the handlers in flight are done. */
  stop(): Promise<void>;
}

/** Pause when a message could not even be given up. */
const buryRetryMs = 1_000;

/**
 * Delivers a group's messages: the messages of one key one after the other, several keys at a time. While a key waits
 * for a retry, the others go on.
 */
export function startKeyedDelivery<Position extends string | number>(
  options: KeyedDeliveryOptions<Position>,
): KeyedDelivery<Position> {
  const { subscription, ambient, logger, redelivery, concurrency = 8 } = options;
  const { group, topics } = subscription;
  const stopping = new AbortController();
  const queues = new Map<string, Placed<Position>[]>();
  const running = new Set<Promise<void>>();
  const ready: string[] = [];
  const failed = new Map<Position, Tried>();
  const waiting = new Set<Position>();
  const handling = new Set<Position>();
  /** Forgotten while they were being handled. */
  const forgotten = new Set<Position>();
  /** Keys that wait for a retry. */
  const retries = new Map<string, () => void>();
  const waits = new Set<() => void>();
  let queued = 0;

  const later = (delayMs: number, task: () => void): (() => void) => {
    if (stopping.signal.aborted) return () => undefined;
    const end = ambient.timers.after(delayMs, () => {
      waits.delete(end);
      task();
    });
    waits.add(end);
    return () => {
      waits.delete(end);
      end();
    };
  };

  const enqueue = (placed: Placed<Position>) => {
    const { message, position } = placed;
    if (waiting.has(position)) {
      // It came back while it was being handled: what becomes of it is for this process to see to again.
      forgotten.delete(position);
      return;
    }
    if (!(topics[message.topic]?.includes(message.type) ?? false)) {
      options.acknowledge(position);
      return;
    }
    queued += 1;
    waiting.add(position);
    const key = `${message.topic} ${message.key}`;
    const queue = queues.get(key);
    if (queue === undefined) {
      queues.set(key, [placed]);
      ready.push(key);
    } else queue.push(placed);
  };

  const fill = () => {
    while (!stopping.signal.aborted && running.size < concurrency) {
      const key = ready.shift();
      if (key === undefined) break;
      const work = drain(key).finally(() => {
        running.delete(work);
        if (!stopping.signal.aborted) fill();
      });
      running.add(work);
    }
    if (!stopping.signal.aborted) options.onRoom?.();
  };

  /** Handles a key's messages until there are none, or one must wait. */
  const drain = async (key: string): Promise<void> => {
    const queue = queues.get(key) ?? [];
    for (let placed = queue[0]; placed !== undefined && !stopping.signal.aborted; placed = queue[0]) {
      handling.add(placed.position);
      const delayMs = await attempt(placed);
      handling.delete(placed.position);
      forgotten.delete(placed.position);
      if (delayMs !== undefined) {
        const retry = () => {
          retries.delete(key);
          ready.push(key);
          fill();
        };
        retries.set(key, later(delayMs, retry));
        return;
      }
      queue.shift();
      waiting.delete(placed.position);
      queued -= 1;
    }
    if (queue.length === 0) queues.delete(key);
  };

  /** Delivers once; gives how long to wait before the next attempt, or undefined when the message is dealt with. */
  const attempt = async (placed: Placed<Position>): Promise<number | undefined> => {
    const { message, position } = placed;
    const before = failed.get(position) ?? untried;
    const number = before.attempts + 1;
    try {
      await subscription.handle({ ...message, attempt: number });
      failed.delete(position);
      options.acknowledge(position);
      return undefined;
    } catch (error) {
      if (forgotten.has(position)) return undefined;
      const told = {
        group,
        message_id: message.id,
        type: message.type,
        attempt: number,
        error: String(error),
      };
      const decision = decideRedelivery(error, before, redelivery, ambient.random.next());
      failed.set(position, decision.tried);
      if (decision.kind === 'retry') {
        logger.warn(told, 'an event could not be handled: it is delivered again');
        return decision.delayMs;
      }
      // Once it is a dead letter it may be replayed, under the same position: then it is taken in again.
      waiting.delete(position);
      try {
        const lastError = String(error).slice(0, 500);
        await options.bury(placed, { attempts: number, lastError, failedAtMs: ambient.clock.nowMs() });
      } catch (cause) {
        waiting.add(position);
        logger.warn(
          { ...told, cause: String(cause) },
          'an event could not be given up: it is delivered again',
        );
        return buryRetryMs;
      }
      failed.delete(position);
      logger.error(told, 'an event was given up: it is a dead letter now');
      return undefined;
    }
  };

  return {
    queued: () => queued,
    take: (messages) => {
      messages.forEach(enqueue);
      fill();
    },
    forget: (which) => {
      for (const [key, queue] of [...queues]) {
        const stays = queue.filter(({ position }) => handling.has(position) || !which(position));
        for (const { position } of queue) {
          if (!which(position)) continue;
          if (handling.has(position)) {
            forgotten.add(position);
            continue;
          }
          waiting.delete(position);
          failed.delete(position);
          queued -= 1;
        }
        // The very array that is being worked off.
        queue.splice(0, queue.length, ...stays);
        if (stays.length > 0) continue;
        queues.delete(key);
        retries.get(key)?.();
        retries.delete(key);
        const at = ready.indexOf(key);
        if (at >= 0) ready.splice(at, 1);
      }
    },
    later: (delayMs, task) => void later(delayMs, task),
    stop: async () => {
      stopping.abort();
      for (const cancel of waits) cancel();
      waits.clear();
      await Promise.allSettled([...running]);
    },
  };
}
