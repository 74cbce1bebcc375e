import type { Bus, BusMessage, DeadLetter, RedeliveryPolicy, Subscription } from '../bus/bus.js';
import { defaultRedelivery } from '../bus/bus.js';
import { type KeyedDelivery, type Placed, startKeyedDelivery } from '../bus/keyed-delivery.js';
import { MeshError } from '../contract/error.js';
import type { Log } from '../runtime/ports.js';
import type { Life } from './life.js';
import type { LinkWeather } from './link-weather.js';
import type { Network } from './network.js';
import type { Schedule } from './schedule.js';

/** The bus of a simulation, as unkind as at-least-once allows. */
export interface Broker {
  /** The bus as one life sees it. */
  busFor(life: Life): Bus;
  /** Delivers a message that was delivered before once more to every group that wants it. */
  redeliverOld(index: number): void;
  /** Puts a message on a topic that no service has published. */
  inject(message: BusMessage): void;
  /** Messages published, duplicates included. */
  published(): readonly BusMessage[];
  deadLetters(): readonly DeadLetter[];
  /** Messages that some group has not acknowledged. */
  outstanding(): number;
}

/** What the broker is made of. */
export interface BrokerOptions {
  readonly schedule: Schedule;
  readonly network: Network;
  readonly weather: LinkWeather;
  readonly logOf: (life: Life) => Log;
  /** Every group there is, with what it wants: messages are kept for those that are away. */
  readonly groups: Readonly<Record<string, Subscription['topics']>>;
  readonly redelivery?: RedeliveryPolicy;
  note(what: string, from: string, to: string, detail: string): void;
}

/** Where the broker stands in the weather. */
export const brokerName = 'bus';

/** A delivery that was not acknowledged comes again after this long. */
const redeliverAfterMs = 4_000;

interface Consumer {
  readonly life: Life;
  readonly delivery: KeyedDelivery<number>;
}

interface Group {
  readonly name: string;
  readonly topics: Subscription['topics'];
  /** Position to the moment of its last delivery. */
  readonly pending: Map<number, number>;
  readonly consumers: Set<Consumer>;
}

/** Makes the broker. What it has confirmed it never loses; everything between it and the services may fail. */
export function createBroker(options: BrokerOptions): Broker {
  const { schedule, network, weather, redelivery = defaultRedelivery } = options;
  const log: BusMessage[] = [];
  const letters: DeadLetter[] = [];
  const groups = Object.entries(options.groups).map(
    ([name, topics]): Group => ({ name, topics, pending: new Map(), consumers: new Set() }),
  );
  let sweeping = false;

  const wants = ({ topics }: Group, { topic, type }: BusMessage) => topics[topic]?.includes(type) ?? false;

  /** One key goes to one consumer, as long as the consumers are the same. */
  const consumerOf = ({ consumers }: Group, key: string): Consumer | undefined => {
    const alive = [...consumers];
    let sum = 0;
    for (let index = 0; index < key.length; index += 1) sum = (sum * 31 + key.charCodeAt(index)) >>> 0;
    return alive[sum % Math.max(1, alive.length)];
  };

  const send = (group: Group, position: number): void => {
    const message = log[position] as BusMessage;
    const consumer = consumerOf(group, message.key);
    if (consumer === undefined) return;
    const { life, delivery } = consumer;
    const fate = weather.fateOf(brokerName, life.name);
    if (fate.lost || fate.refused) return;
    options.note('event', brokerName, life.name, message.type);
    const placed: Placed<number> = { position, message: { ...message, data: new Uint8Array(message.data) } };
    for (const delayMs of [fate.delayMs, ...fate.copiesAfterMs])
      life.after(delayMs, () => delivery.take([placed]));
  };

  /** Looks again and again while something is outstanding. */
  const sweep = (): void => {
    if (sweeping) return;
    sweeping = true;
    schedule.after(1_000, () => {
      sweeping = false;
      let waiting = 0;
      for (const group of groups)
        for (const [position, deliveredAtMs] of group.pending) {
          waiting += 1;
          if (deliveredAtMs + redeliverAfterMs > schedule.nowMs()) continue;
          group.pending.set(position, schedule.nowMs());
          send(group, position);
        }
      if (waiting > 0) sweep();
    });
  };

  const append = (message: BusMessage): void => {
    const position = log.push({ ...message, data: new Uint8Array(message.data) }) - 1;
    for (const group of groups) {
      if (!wants(group, message)) continue;
      group.pending.set(position, schedule.nowMs());
      send(group, position);
    }
    sweep();
  };

  const subscribe = (life: Life, subscription: Subscription) => {
    const group = groups.find(({ name }) => name === subscription.group);
    if (group === undefined) throw new Error(`the simulated bus knows no group ${subscription.group}`);
    const done = (position: number) =>
      void network.exchange(life, brokerName, () => group.pending.delete(position)).catch(() => undefined);
    const delivery = startKeyedDelivery<number>({
      subscription,
      ambient: life.ambient,
      logger: options.logOf(life),
      redelivery,
      acknowledge: done,
      bury: ({ message, position }, letter) =>
        network.exchange(life, brokerName, () => {
          letters.push({ ...letter, group: group.name, message });
          group.pending.delete(position);
        }),
    });
    const consumer: Consumer = { life, delivery };
    group.consumers.add(consumer);
    const leave = () => void group.consumers.delete(consumer);
    life.onEnd(leave);
    for (const position of group.pending.keys()) send(group, position);
    return async () => {
      leave();
      await delivery.stop();
    };
  };

  return {
    busFor: (life) => ({
      publish: async (messages) => {
        await network
          .exchange(life, brokerName, () => messages.forEach(append))
          .catch((cause: unknown) => {
            throw busUnavailable(cause);
          });
      },
      subscribe: async (subscription) => {
        await life.step(1);
        return subscribe(life, subscription);
      },
      deadLetters: async () => letters,
      replay: async () => {
        throw new Error('dead letters are not replayed in a simulation');
      },
      lag: async (name) => groups.find((group) => group.name === name)?.pending.size ?? 0,
      probe: async () => undefined,
      close: async () => undefined,
    }),
    redeliverOld: (index) => {
      const position = index % Math.max(1, log.length);
      const message = log[position];
      if (message === undefined) return;
      for (const group of groups)
        if (wants(group, message)) {
          group.pending.set(position, schedule.nowMs());
          send(group, position);
        }
      sweep();
    },
    inject: append,
    published: () => log,
    deadLetters: () => letters,
    outstanding: () => groups.reduce((sum, { pending }) => sum + pending.size, 0),
  };
}

function busUnavailable(cause: unknown): MeshError {
  return new MeshError({
    code: 'UNAVAILABLE',
    reason: 'UNAVAILABLE',
    message: 'the bus gave no answer: the messages may be on it',
    cause,
  });
}
