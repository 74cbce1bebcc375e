import type { Channel } from 'amqplib';
import type { Timers } from '../runtime/ports.js';

/** Keeps from publishing into queues that RabbitMQ would forget. */
export interface QueueSettling {
  /** Resolves when these queues, which are there, outlive a kill of their node. */
  settled(channel: Channel, queues: readonly string[]): Promise<void>;
}

/**
 * RabbitMQ before 4.0 has a quorum queue's name on disk only some seconds after it was made (Erlang's dets writes with a
 * delay of three; https://github.com/rabbitmq/ra/pull/443 mended that). A node that is killed before loses the queue with
 * all that it has confirmed meanwhile. So the first message of a process for a queue waits for so long.
 * @param settleMs on such a server, in milliseconds.
 */
export function queueSettling(timers: Timers, settleMs: number): QueueSettling {
  const sure = new Set<string>();
  return {
    settled: async (channel, queues) => {
      const unsure = queues.filter((queue) => !sure.has(queue));
      if (unsure.length === 0) return;
      const { version } = channel.connection.serverProperties;
      const major = Number.parseInt(String(version), 10);
      if (!(major >= 4)) await timers.sleep(settleMs);
      for (const queue of unsure) sure.add(queue);
    },
  };
}
