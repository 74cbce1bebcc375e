import { maskCards } from './card-mask.js';

/** What stands in the place of something that must not be read. */
const redacted = '[redacted]';

/** Ends of field names (lower case, letters and digits only) whose values are never written. */
const secretNames = [
  'authorization',
  'cardnumber',
  'cookie',
  'credential',
  'cvc',
  'cvv',
  'passphrase',
  'password',
  'privatekey',
  'secret',
  'token',
];

/** Names that end like a secret and are none. */
const harmlessNames = new Set(['pagetoken', 'nextpagetoken']);

/** A JSON web token or a bearer credential within a text. */
const tokenText = /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi;

const limits = { depth: 5, entries: 64, values: 1_000, textLength: 8_192 };

/** How many values of a line may still be looked at: what refers to itself would have no end. */
interface Budget {
  left: number;
}

/**
 * Fields as they may be written to a log: a second net under the rule that secrets are not logged at all. Values of
 * fields with a secret's name are replaced, card numbers and tokens within texts are masked, and what JSON has no word
 * for is written as text. Never throws; the result is a copy, bounded in depth, number of entries and length of text.
 */
export function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return redactEntries(fields, 0, { left: limits.values });
}

/** A text without card numbers and tokens, cut to 8192 characters. */
export function redactText(text: string): string {
  // A little more than is kept is looked at: a card number that is cut through must be known as one.
  const head = text.length > limits.textLength ? text.slice(0, limits.textLength + 64) : text;
  const cards = /\d{3}/.test(head) ? maskCards(head) : head;
  const clean = /eyJ|bearer|basic/i.test(cards) ? cards.replace(tokenText, redacted) : cards;
  return text.length > limits.textLength ? `${clean.slice(0, limits.textLength)}...` : clean;
}

function redactEntries(source: object, depth: number, budget: Budget): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(source).slice(0, limits.entries)) {
    const value = isSecret(name) ? redacted : redactValue(read(source, name), depth + 1, budget);
    if (value !== undefined) copy[name.length < 13 ? name : redactText(name)] = value;
  }
  return copy;
}

function redactValue(value: unknown, depth: number, budget: Budget): unknown {
  budget.left -= 1;
  if (budget.left < 0) return undefined;
  switch (typeof value) {
    case 'string':
      return redactText(value);
    case 'number':
      return redactNumber(value);
    case 'bigint':
      return redactText(value.toString());
    case 'object':
      return value === null ? null : redactObject(value, depth, budget);
    case 'function':
    case 'symbol':
      return `[${typeof value}]`;
    default:
      return value;
  }
}

function redactObject(value: object, depth: number, budget: Budget): unknown {
  if (depth > limits.depth) return '[too deep]';
  if (value instanceof Error) return redactError(value, depth, budget);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) {
    return value.slice(0, limits.entries).map((item) => redactValue(item, depth + 1, budget) ?? null);
  }
  return redactEntries(value, depth, budget);
}

/** An error's own words, without its stack: stacks name paths of the machine and bloat the lines. */
function redactError(error: Error, depth: number, budget: Budget): Record<string, unknown> {
  const code = read(error, 'code');
  return {
    type: redactText(String(error.name)),
    message: redactText(String(error.message)),
    ...(code === undefined ? {} : { code: redactValue(code, depth + 1, budget) }),
    ...(error.cause === undefined ? {} : { cause: redactValue(error.cause, depth + 1, budget) }),
  };
}

/** A whole number that is as long as a card number and passes for one becomes a masked text. */
function redactNumber(value: number): number | string {
  if (!Number.isSafeInteger(value)) return Number.isFinite(value) ? value : String(value);
  // Shorter ones are milliseconds since the epoch more often than card numbers, which have 14 digits or more today.
  if (Math.abs(value) < 1e13) return value;
  const masked = maskCards(String(value));
  return masked === String(value) ? value : masked;
}

/** Names judged before: the same few come again with each line. Bounded, because callers may make names up. */
const judged = new Map<string, boolean>();

function isSecret(name: string): boolean {
  const known = judged.get(name);
  if (known !== undefined) return known;
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const secret = secretNames.some((end) => plain.endsWith(end)) && !harmlessNames.has(plain);
  if (judged.size >= 1_000) judged.clear();
  judged.set(name, secret || plain === 'pan');
  return secret || plain === 'pan';
}

/** A property that may be a getter, which may throw. */
function read(source: object, name: string): unknown {
  try {
    return (source as Record<string, unknown>)[name];
  } catch {
    return '[unreadable]';
  }
}
