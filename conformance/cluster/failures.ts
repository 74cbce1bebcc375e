import type { Request } from './shop-load.js';

/** Requests that failed, counted by what was asked and why: `12 x GET /v1/cart: 503 UNAVAILABLE`, most frequent first. */
export function failuresOf(requests: readonly Request[]): string[] {
  const counts = new Map<string, number>();
  for (const { what, problem } of requests)
    if (problem !== undefined)
      counts.set(`${what}: ${problem}`, (counts.get(`${what}: ${problem}`) ?? 0) + 1);
  return [...counts].sort(([, left], [, right]) => right - left).map(([text, count]) => `${count} x ${text}`);
}
