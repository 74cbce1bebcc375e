import type { Request } from './request.js';

/** Requests that failed, counted by what was asked and why: `12 x GET /v1/cart: 503 UNAVAILABLE`, most frequent first. */
export function failuresOf(requests: readonly Request[]): string[] {
  return counted(requests, ({ problem }) => problem);
}

/** The same of requests that were answered without something: `3 x GET /v1/notifications: without notification`. */
export function degradedOf(requests: readonly Request[]): string[] {
  return counted(requests, ({ degraded }) => (degraded === undefined ? undefined : `without ${degraded}`));
}

function counted(requests: readonly Request[], flaw: (request: Request) => string | undefined): string[] {
  const counts = new Map<string, number>();
  for (const request of requests) {
    const found = flaw(request);
    if (found === undefined) continue;
    const text = `${request.what}: ${found}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].sort(([, left], [, right]) => right - left).map(([text, count]) => `${count} x ${text}`);
}
