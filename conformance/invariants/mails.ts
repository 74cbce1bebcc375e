import type { Evidence, Violation } from './evidence.js';

/** What a buyer is told of an order that ended so, by words of the subject. */
const expected: Readonly<Record<string, readonly RegExp[]>> = {
  SHIPPED: [/is confirmed$/, /is on its way$/],
  REJECTED: [/could not be taken$/],
  CANCELLED: [/is cancelled$/],
};

/** I7 for mail: each thing that happened to an order is told once. The same Message-ID twice is one mail to its reader. */
export function checkMails({ orders, mails }: Pick<Evidence, 'orders' | 'mails'>): Violation[] {
  const byOrder = new Map<string, Map<string, string>>();
  for (const { messageId, subject, text } of mails) {
    const id = /ord_[0-9a-z]{26}/.exec(`${subject} ${text}`)?.[0];
    if (id === undefined) continue;
    const told = byOrder.get(id) ?? new Map<string, string>();
    byOrder.set(id, told);
    told.set(messageId, subject);
  }
  return orders.flatMap(({ id, state }) => {
    const subjects = [...(byOrder.get(id)?.values() ?? [])];
    const wanted = expected[state] ?? [];
    return wanted.flatMap((words) => {
      const count = subjects.filter((subject) => words.test(subject)).length;
      if (count === 1) return [];
      return {
        invariant: 'I7',
        subject: id,
        message: `is ${state}: ${count} mails instead of 1 tell ${words}`,
      };
    });
  });
}
