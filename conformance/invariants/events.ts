import type { Evidence, Violation } from './evidence.js';

/**
 * I6: the row that clients see of an order is what its events make. I7 for what can't be handled: it ends as a dead letter
 * of every consumer that wants it, and nothing else does. Both are looked at only where the run could see them.
 */
export function checkEvents({ orderRows, poison }: Evidence): Violation[] {
  const rows = [
    ...(orderRows?.different ?? []).map((id) => [id, 'has a row that differs from what its events make']),
    ...(orderRows?.missing ?? []).map((id) => [id, 'has events and no row']),
    ...(orderRows?.extra ?? []).map((id) => [id, 'has a row and no events']),
  ].map(([subject = '', message = '']) => ({ invariant: 'I6', subject, message }));
  return [...rows, ...(poison === undefined ? [] : deadLetters(poison))];
}

function deadLetters({ published, consumers, buried }: NonNullable<Evidence['poison']>): Violation[] {
  const found = (subject: string, message: string) => ({ invariant: 'I7', subject, message });
  const count = new Map<string, number>();
  for (const { messageId, consumer } of buried) {
    const letter = `${messageId} ${consumer}`;
    count.set(letter, (count.get(letter) ?? 0) + 1);
  }
  const wanted = published.flatMap((messageId) => consumers.map((consumer) => `${messageId} ${consumer}`));
  return [
    ...wanted
      .filter((letter) => !count.has(letter))
      .map((letter) => found(letter, 'can not be handled, and is no dead letter')),
    ...[...count.keys()]
      .filter((letter) => !wanted.includes(letter))
      .map((letter) => found(letter, 'is a dead letter, and could have been handled')),
  ];
}
