import type { Log, Timers } from '../runtime/ports.js';
import type { PendingMessage, Store } from '../store/store.js';
import type { Bus } from './bus.js';

/** What carries committed outbox messages to the bus. */
export interface OutboxRelayOptions {
  readonly store: Store;
  readonly bus: Bus;
  /** The publishing service's name. */
  readonly topic: string;
  readonly timers: Timers;
  readonly log: Log;
  /** Messages published together. Default 100. */
  readonly batchSize?: number;
  /** Longest time until a message is found without a wake-up, in milliseconds. Default 1000. */
  readonly sweepEveryMs?: number;
}

/**
 * Publishes outbox messages in the order of their commits, and marks them when the bus has them on disk. A crash in
 * between publishes them again: consumers have an inbox. Returns the function that stops it after a last round.
 */
export function startOutboxRelay(options: OutboxRelayOptions): () => Promise<void> {
  const { store, bus, topic, timers, log, batchSize = 100, sweepEveryMs = 1_000 } = options;
  const stopping = new AbortController();
  let wake: () => void = () => undefined;
  let woken = false;
  const unlisten = store.onOutbox(() => {
    woken = true;
    wake();
  });

  const publishAll = async () => {
    for (;;) {
      const pending = await store.unpublished(batchSize);
      if (pending.length === 0) return;
      await bus.publish(pending.map((message) => toBus(topic, message)));
      await store.markPublished(pending.map((message) => message.sequence));
    }
  };

  const loop = (async () => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      woken = false;
      try {
        await publishAll();
        failures = 0;
      } catch (error) {
        failures += 1;
        log.warn(
          { topic, failures, error: String(error) },
          'events could not be published: they stay in the outbox',
        );
      }
      if (stopping.signal.aborted) return;
      if (woken && failures === 0) continue;
      const pause = new AbortController();
      // Nothing but the stop cuts a pause after a failure short: the bus must not be asked at the rate of commits.
      if (failures === 0) wake = () => pause.abort();
      const end = () => pause.abort();
      stopping.signal.addEventListener('abort', end, { once: true });
      const pauseMs = failures === 0 ? sweepEveryMs : Math.min(5_000, 50 * 2 ** Math.min(failures, 10));
      await timers.sleep(pauseMs, pause.signal).catch(() => undefined);
      stopping.signal.removeEventListener('abort', end);
    }
  })();

  return async () => {
    unlisten();
    stopping.abort();
    await loop;
    await publishAll().catch((error: unknown) =>
      log.warn({ topic, error: String(error) }, 'events stay in the outbox until the next start'),
    );
  };
}

function toBus(topic: string, message: PendingMessage) {
  return {
    id: message.messageId,
    topic,
    type: message.type,
    key: message.key,
    data: message.data,
    occurredAtMs: message.occurredAtMs,
    traceparent: message.traceparent,
  };
}
