import type { BusMessage, DeadLetter } from './bus.js';

/** A message's fields beside its data, as text: what a broker carries as headers. */
export type MessageHeaders = Readonly<Record<string, string>>;

/** Reads a header; empty for one that is not there. */
export type HeaderReader = (name: string) => string;

export function headersOf(message: BusMessage): MessageHeaders {
  return {
    id: message.id,
    topic: message.topic,
    type: message.type,
    key: message.key,
    at: String(message.occurredAtMs),
    trace: message.traceparent ?? '',
  };
}

/** The message that headers and data make; undefined when they are none of ours. */
export function messageFrom(header: HeaderReader, data: Uint8Array): BusMessage | undefined {
  const occurredAtMs = header('at') === '' ? Number.NaN : Number(header('at'));
  const [id, topic, type] = [header('id'), header('topic'), header('type')];
  if (id === '' || topic === '' || type === '' || !Number.isSafeInteger(occurredAtMs)) return undefined;
  return {
    id,
    topic,
    type,
    key: header('key'),
    // A copy: brokers' clients hand out windows on buffers that are much larger.
    data: new Uint8Array(data),
    occurredAtMs,
    traceparent: header('trace') || undefined,
  };
}

/** What is told of a dead letter, beside its message. */
export type LetterNote = Omit<DeadLetter, 'group' | 'message'>;

export function letterHeaders(message: BusMessage, note: LetterNote): MessageHeaders {
  return {
    ...headersOf(message),
    attempts: String(note.attempts),
    error: note.lastError,
    failed: String(note.failedAtMs),
  };
}

/** The dead letter that headers and data make; undefined when they are none. */
export function letterFrom(group: string, header: HeaderReader, data: Uint8Array): DeadLetter | undefined {
  const message = messageFrom(header, data);
  if (message === undefined) return undefined;
  return {
    group,
    message,
    attempts: Number(header('attempts')) || 0,
    lastError: header('error'),
    failedAtMs: Number(header('failed')) || 0,
  };
}
