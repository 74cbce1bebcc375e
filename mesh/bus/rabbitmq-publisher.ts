import type { ConfirmChannel } from 'amqplib';
import type { Timers } from '../runtime/ports.js';
import { bounded } from './bounded.js';
import type { MessageHeaders } from './message-headers.js';
import { oneAtATime } from './one-at-a-time.js';
import type { RabbitmqConnection } from './rabbitmq-connection.js';

/** A message on its way into RabbitMQ. */
export interface Outgoing {
  /** Empty for the exchange that gives each queue what is addressed to its name. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly headers: MessageHeaders;
  readonly data: Uint8Array;
  /** It must reach a queue. */
  readonly mandatory: boolean;
}

/** Puts messages into RabbitMQ, in order. */
export interface RabbitmqPublisher {
  /**
   * Resolves when every message is confirmed: on disk at a majority of the nodes of each queue that it reached.
   * @param prepare declares what they need, on the channel that they leave by.
   * @throws Error when one was not confirmed in time, was refused, or reached no queue though it must.
   */
  publish(messages: readonly Outgoing[], prepare: (channel: ConfirmChannel) => Promise<void>): Promise<void>;
}

/** Longest waits: for what messages need, and for all confirms of a call. */
const bounds = { prepareMs: 20_000, confirmMs: 5_000 };

/** @param connection its own: it is dropped when confirms are late, so that what was sent can't overtake what is sent next. */
export function rabbitmqPublisher(connection: RabbitmqConnection, timers: Timers): RabbitmqPublisher {
  let open: Promise<ConfirmChannel> | undefined;
  const inTurn = oneAtATime();

  const channel = (): Promise<ConfirmChannel> => {
    if (open !== undefined) return open;
    const opening = connection.confirmChannel();
    open = opening;
    const forget = () => {
      if (open === opening) open = undefined;
    };
    opening.then((made) => made.on('close', forget), forget);
    return opening;
  };

  const prepared = async (prepare: (channel: ConfirmChannel) => Promise<void>): Promise<ConfirmChannel> => {
    const to = await channel();
    await prepare(to);
    return to;
  };
  const send = async (to: ConfirmChannel, messages: readonly Outgoing[]): Promise<void> => {
    const returned: string[] = [];
    const note = ({ fields }: { fields: { routingKey: string } }) => returned.push(fields.routingKey);
    to.on('return', note);
    let onClose: () => void = () => undefined;
    const closed = new Promise<never>((_, reject) => {
      onClose = () => reject(new Error('the channel was closed before the confirm'));
    });
    to.once('close', onClose);
    try {
      await Promise.race([Promise.all(messages.map((message) => confirmed(to, message))), closed]);
    } finally {
      to.off('return', note);
      to.off('close', onClose);
    }
    // A message that comes back does so before it is confirmed.
    if (returned.length > 0) throw new Error(`no queue takes ${returned[0]}`);
  };

  return {
    publish: (messages, prepare) =>
      inTurn(async () => {
        try {
          const to = await bounded(timers, bounds.prepareMs, prepared(prepare));
          await bounded(timers, bounds.confirmMs, send(to, messages));
        } catch (error) {
          open = undefined;
          connection.drop();
          throw error;
        }
      }),
  };
}

function confirmed(channel: ConfirmChannel, message: Outgoing): Promise<void> {
  return new Promise((resolve, reject) => {
    channel.publish(
      message.exchange,
      message.routingKey,
      Buffer.from(message.data),
      { persistent: true, mandatory: message.mandatory, headers: message.headers },
      (error: unknown) => {
        if (error == null) resolve();
        else reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}
