import type { Attributes, AttributeValue } from './tracer.js';

/** How much one span may hold: a span that grows without bound would take the process with it. */
export const spanLimits = Object.freeze({
  attributes: 64,
  events: 32,
  links: 32,
  /** Longest text of a name or value, in bytes of UTF-8. */
  textBytes: 1_024,
});

/** The text, cut at a character so that it takes at most `limitBytes` of UTF-8. */
export function truncated(text: string, limitBytes: number = spanLimits.textBytes): string {
  // A UTF-16 unit takes at most three bytes: most texts are done here.
  if (text.length * 3 <= limitBytes || Buffer.byteLength(text) <= limitBytes) return text;
  const bytes = Buffer.from(text.slice(0, limitBytes));
  let end = Math.min(limitBytes, bytes.length);
  // Bytes 10xxxxxx continue a character: step back to where one begins.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/** A value as a span holds it, or undefined for what no attribute can be (null, lists, objects). */
export function attributeValue(value: unknown): AttributeValue | undefined {
  switch (typeof value) {
    case 'string':
      return truncated(value);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'boolean':
      return value;
    case 'bigint':
      return value.toString();
    default:
      return undefined;
  }
}

/**
 * Sets an attribute unless the limit is reached; an attribute that is there already can always be changed.
 * Values that can't be attributes are left out.
 */
export function putAttribute(attributes: Attributes, name: string, value: unknown): void {
  const kept = attributeValue(value);
  const key = truncated(name);
  if (kept === undefined) return;
  if (!Object.hasOwn(attributes, key) && Object.keys(attributes).length >= spanLimits.attributes) return;
  attributes[key] = kept;
}

/** The attributes within the limits, as an object of its own. */
export function limitedAttributes(source: Readonly<Record<string, unknown>> | undefined): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(source ?? {})) putAttribute(attributes, name, value);
  return attributes;
}
