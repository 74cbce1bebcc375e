import type { Channel } from 'amqplib';
import type { Timers } from '../runtime/ports.js';

/** AMQP's reply code RESOURCE_LOCKED: another connection has the exclusive queue. */
const resourceLocked = 405;
const retryMs = 20;

/**
 * Does work while no other connection does work under the same lock, which is a queue that only its owner may know and
 * that is gone with its connection. Those who share a connection must take turns by themselves.
 * @param channelOf a new channel: RabbitMQ closes that of whoever finds the lock taken.
 * @param withinMs longest wait for the lock.
 * @throws Error when it was not to be had in time.
 */
export async function withLock<T>(
  channelOf: () => Promise<Channel>,
  lock: string,
  timers: Timers,
  withinMs: number,
  work: (channel: Channel) => Promise<T>,
): Promise<T> {
  for (let waitedMs = 0; ; waitedMs += retryMs) {
    const channel = await channelOf();
    try {
      await channel.assertQueue(lock, { exclusive: true, durable: false });
      try {
        return await work(channel);
      } finally {
        await unlock(channel, channelOf, lock);
      }
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== resourceLocked || waitedMs >= withinMs) throw error;
    } finally {
      await channel.close().catch(() => undefined);
    }
    await timers.sleep(retryMs);
  }
}

/** The lock is the connection's, not the channel's: when work that was given up has closed its channel, another one lets go. */
async function unlock(channel: Channel, channelOf: () => Promise<Channel>, lock: string): Promise<void> {
  try {
    await channel.deleteQueue(lock);
  } catch {
    try {
      const other = await channelOf();
      await other.deleteQueue(lock);
      await other.close();
    } catch {
      // The connection is gone, and the lock with it.
    }
  }
}
