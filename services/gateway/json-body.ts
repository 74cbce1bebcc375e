import { invalidField, MeshError } from '../../mesh/contract/error.js';

const maxDepth = 32;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses a request body as JSON. Beyond JSON.parse it refuses what two readers may understand differently: keys that stand
 * twice, `__proto__`, a byte order mark, text that is not UTF-8, and nesting deeper than 32 levels.
 * @throws MeshError INVALID_ARGUMENT.
 */
export function parseJsonBody(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw malformed('is not UTF-8 text');
  }
  if (text.startsWith('\ufeff')) throw malformed('begins with a byte order mark: leave it out');
  checkDepth(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw malformed(`is not JSON${placeOf(error)}`);
  }
  checkKeys(text);
  return value;
}

/** Where it went wrong. The parser's own message quotes the body, which may hold a password or a card number. */
function placeOf(error: unknown): string {
  const position = /at position (\d+)/.exec((error as Error).message)?.[1];
  return position === undefined ? '' : ` (at character ${position})`;
}

function malformed(message: string): MeshError {
  return new MeshError({
    code: 'INVALID_ARGUMENT',
    reason: 'MALFORMED_REQUEST',
    message: `the body ${message}`,
  });
}

/** Before parsing, because the parser itself would go that deep. */
function checkDepth(text: string): void {
  let depth = 0;
  for (const { open } of structure(text)) {
    depth += open === undefined ? 0 : open ? 1 : -1;
    if (depth > maxDepth) throw malformed(`is nested deeper than ${maxDepth} levels`);
  }
}

/** An object or a list that is being read. */
interface Level {
  /** Where it is: `lines[0].price`, empty for the whole body. */
  readonly path: string;
  /** The keys so far; undefined for a list. */
  readonly keys: Set<string> | undefined;
  /** Where the next value is. */
  at: string;
  /** Items of a list before the next one. */
  items: number;
}

/** Refuses a key that an object has twice, and `__proto__` however it is escaped. The text is known to be JSON. */
function checkKeys(text: string): void {
  const levels: Level[] = [];
  let last: string | undefined;
  for (const { open, token } of structure(text)) {
    const level = levels.at(-1);
    if (open === true) {
      const path = level?.at ?? '';
      const keys = token === '{' ? new Set<string>() : undefined;
      levels.push({ path, keys, at: `${path}[0]`, items: 0 });
    } else if (open === false) levels.pop();
    else if (token === ',' && level !== undefined) {
      level.items += 1;
      level.at = `${level.path}[${level.items}]`;
    } else if (token === ':') {
      if (last === undefined || level?.keys === undefined) continue;
      const key = JSON.parse(last) as string;
      level.at = level.path === '' ? key : `${level.path}.${key}`;
      if (level.keys.has(key)) throw invalidField(level.at, 'json.duplicate', 'is there twice');
      if (key === '__proto__')
        throw invalidField(level.at, 'json.unknown_key', 'is not a field of this request');
      level.keys.add(key);
    } else last = token;
  }
}

/**
 * Brackets, colons, commas and strings of a JSON text, in order. A string without an end is taken up to the end of the text:
 * looking for its end again from each quote inside would take the square of its length.
 */
function* structure(text: string): Generator<{ readonly token: string; readonly open?: boolean }> {
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\[\s\S])*"?|[{}[\]:,]/g)) {
    if (token === '{' || token === '[') yield { token, open: true };
    else if (token === '}' || token === ']') yield { token, open: false };
    else yield { token };
  }
}
