import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** A mail as it arrived. */
export interface ReceivedMail {
  readonly number: number;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly messageId: string;
  /** Headers and text, as they came. */
  readonly source: string;
  readonly at: string;
}

/** Keeps mail in a file; the newest also in memory. */
export interface Mailbox {
  receive(from: string, to: readonly string[], source: string): void;
  messages(to?: string): readonly ReceivedMail[];
  /** How many arrived, and how many different ones: the difference was sent twice. */
  summary(): { readonly total: number; readonly distinct: number };
}

const keptInMemory = 5_000;

export function openMailbox(path: string, now: () => Date): Mailbox {
  const messages: ReceivedMail[] = [];
  const ids = new Set<string>();
  let total = 0;
  const keep = (mail: ReceivedMail) => {
    total += 1;
    ids.add(mail.messageId);
    messages.push(mail);
    if (messages.length > keptInMemory) messages.shift();
  };
  if (existsSync(path)) {
    for (const line of readFileSync(path, 'utf8')
      .split('\n')
      .filter((text) => text.endsWith('}')))
      keep(JSON.parse(line) as ReceivedMail);
  }
  return {
    receive: (from, to, source) => {
      const mail = {
        number: total + 1,
        from,
        to,
        subject: header(source, 'subject'),
        messageId: header(source, 'message-id'),
        source,
        at: now().toISOString(),
      };
      appendFileSync(path, `${JSON.stringify(mail)}\n`, { mode: 0o600, flush: true } as { mode: number });
      keep(mail);
    },
    messages: (to) => (to === undefined ? messages : messages.filter((mail) => mail.to.includes(to))),
    summary: () => ({ total, distinct: ids.size }),
  };
}

/** A header's value, unfolded. */
function header(source: string, name: string): string {
  const head = source.split(/\r?\n\r?\n/)[0] ?? '';
  const match = new RegExp(`^${name}:[ \\t]*(.*(?:\\r?\\n[ \\t].*)*)`, 'im').exec(head);
  return (match?.[1] ?? '').replace(/\r?\n[ \t]+/g, ' ').trim();
}
