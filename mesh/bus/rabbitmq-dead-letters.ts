import type { Channel, GetMessage, MessagePropertyHeaders } from 'amqplib';
import type { DeadLetter } from './bus.js';
import { type HeaderReader, letterFrom } from './message-headers.js';

/** Reads the headers of a message of RabbitMQ. */
export function headerReader(headers: MessagePropertyHeaders | undefined): HeaderReader {
  return (name) => {
    const value: unknown = headers?.[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
}

/** Letters that are looked through to find one. */
const mostLetters = 10_000;

/**
 * The dead letters of a queue, oldest first, without taking them: each is held until all have been seen and then given
 * back in its place. Whoever looks at the same time sees those that are left.
 */
export async function lookThrough(
  channel: Channel,
  queue: string,
  group: string,
  limit: number,
): Promise<DeadLetter[]> {
  try {
    const letters = new Map<string, DeadLetter>();
    while (letters.size < limit) {
      const found = await channel.get(queue);
      if (found === false) break;
      const letter = letterOf(group, found);
      // One that was given up twice counts once.
      if (letter !== undefined && !letters.has(letter.message.id)) letters.set(letter.message.id, letter);
    }
    return [...letters.values()];
  } finally {
    channel.nackAll(true);
  }
}

/**
 * Takes a dead letter from its queue when `deliver` has put it where it is handled; all that have its id.
 * @returns whether there was one.
 */
export async function takeOut(
  channel: Channel,
  queue: string,
  group: string,
  messageId: string,
  deliver: (letter: DeadLetter) => Promise<void>,
): Promise<boolean> {
  const same: GetMessage[] = [];
  let wanted: DeadLetter | undefined;
  try {
    for (let seen = 0; seen < mostLetters; seen += 1) {
      const found = await channel.get(queue);
      if (found === false) break;
      const letter = letterOf(group, found);
      if (letter?.message.id !== messageId) continue;
      wanted = letter;
      same.push(found);
    }
    if (wanted === undefined) return false;
    await deliver(wanted);
    for (const found of same) channel.ack(found);
    return true;
  } finally {
    channel.nackAll(true);
  }
}

function letterOf(group: string, { properties, content }: GetMessage): DeadLetter | undefined {
  return letterFrom(group, headerReader(properties.headers), content);
}
