import { invalidField } from '../../mesh/contract/error.js';

/**
 * Where a page ended, as clients carry it to the next call: opaque to them, and good for the list that made it only.
 * @param list what is listed, such as `products/kitchen`.
 * @param after the last position that was given.
 */
export function encodePageToken(list: string, after: number): string {
  return Buffer.from(JSON.stringify([list, after])).toString('base64url');
}

/**
 * The position after which the page begins; 0 for an empty token.
 * @throws MeshError INVALID_ARGUMENT naming pageToken when the token was not made by {@link encodePageToken} for this list.
 */
export function decodePageToken(token: string, list: string): number {
  if (token === '') return 0;
  const [madeFor, after] = parts(token);
  if (madeFor === list && typeof after === 'number' && Number.isSafeInteger(after) && after > 0) return after;
  throw invalidField(
    'pageToken',
    'page_token.known',
    'is not a token that this list gave: send nextPageToken of its last page, or nothing for the first page',
  );
}

function parts(token: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
