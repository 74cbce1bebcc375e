import type { Log, Timers } from '../runtime/ports.js';
import type { Lease } from '../store/lease.js';
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
  /** Where several instances share the store: one relay publishes at a time, whichever has something to publish. */
  readonly lease?: Lease | undefined;
  /** Messages published together. Default 100. */
  readonly batchSize?: number;
  /** Longest time until a message is found without a wake-up, in milliseconds. Default 1000. */
  readonly sweepEveryMs?: number;
}

/** How soon a relay looks again that another one keeps from publishing, in milliseconds. */
const leaseRetryMs = 25;

const nothing = () => undefined;

/**
 * Publishes outbox messages in the order of their commits, and marks them when the bus has them on disk. A crash in
 * between publishes them again: consumers have an inbox. Returns the function that stops it after a last round.
 *
 * A relay that was stopped for longer than its lease lasts may publish what another has published since. The bus knows
 * the ids, and whatever a relay publishes begins with the oldest message that was not marked: the order stays.
 */
export function startOutboxRelay(options: OutboxRelayOptions): () => Promise<void> {
  const { store, bus, topic, timers, log, lease, batchSize = 100, sweepEveryMs = 1_000 } = options;
  let stopping = false;
  let wake: () => void = nothing;
  let endPause: () => void = nothing;
  let woken = false;
  const unlisten = store.onOutbox(() => {
    woken = true;
    wake();
  });

  /**
   * Resolves with false when another relay is at it.
   * @param expecting something was committed here: there is no need to look before the lease is taken.
   */
  const publishAll = async (expecting: boolean): Promise<boolean> => {
    let held = lease === undefined;
    try {
      if (lease !== undefined && expecting) {
        held = await lease.hold();
        if (!held) return false;
      }
      for (;;) {
        woken = false;
        const pending = await store.unpublished(batchSize);
        if (pending.length === 0) return true;
        if (lease !== undefined && !(await lease.hold())) return false;
        if (held) {
          await bus.publish(pending.map((message) => toBus(topic, message)));
          await store.markPublished(pending.map((message) => message.sequence));
          // These were all, unless something was committed meanwhile.
          if (pending.length < batchSize && !woken) return true;
        }
        // Read again at first: the one that held the lease before may have published these.
        held = true;
      }
    } finally {
      await lease?.release().catch((error: unknown) => {
        log.debug({ topic, error: String(error) }, 'the lease of the outbox was not given back: it expires');
      });
    }
  };

  const loop = (async () => {
    let failures = 0;
    let pauseMs = sweepEveryMs;
    while (!stopping) {
      const expecting = woken;
      woken = false;
      try {
        pauseMs = (await publishAll(expecting)) ? sweepEveryMs : leaseRetryMs;
        failures = 0;
      } catch (error) {
        failures += 1;
        pauseMs = Math.min(5_000, 50 * 2 ** Math.min(failures, 10));
        log.warn(
          { topic, failures, error: String(error) },
          'events could not be published: they stay in the outbox',
        );
      }
      if (stopping) return;
      if (woken && failures === 0) continue;
      await new Promise<void>((resolve) => {
        const cancel = timers.after(pauseMs, resolve);
        endPause = () => {
          cancel();
          resolve();
        };
        // Nothing but the stop cuts a pause after a failure short: the bus must not be asked at the rate of commits.
        if (failures === 0) wake = endPause;
      });
      wake = nothing;
    }
  })();

  return async () => {
    unlisten();
    stopping = true;
    endPause();
    await loop;
    await publishAll(false).catch((error: unknown) =>
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
