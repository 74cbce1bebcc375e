import { loadSeries } from '../telemetry/load-metrics.js';
import type { LoadSample } from './load.js';

/** A line of Prometheus' text format: name, labels in braces, value. */
const line = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? ([^\s]+)/;

const wanted = {
  [loadSeries.requestsInFlight]: 'requestsInFlight',
  [loadSeries.requestSeconds]: 'requestSeconds',
  [`${loadSeries.eventLoopLag}_sum`]: 'lagSeconds',
  [`${loadSeries.eventLoopLag}_count`]: 'looks',
} as const satisfies Record<string, keyof LoadSample>;

/**
 * Reads what an instance says of its load, in the text format of Prometheus. Of a name that stands there several times the
 * sum is taken.
 * @returns undefined when it says nothing of it: then it is no instance of the shop.
 */
export function readSample(text: string, atMs: number): LoadSample | undefined {
  const found = { requestsInFlight: 0, requestSeconds: 0, lagSeconds: 0, looks: 0 };
  let told = false;
  for (const one of text.split('\n')) {
    const [, name = '', value = ''] = line.exec(one) ?? [];
    const field = wanted[name as keyof typeof wanted];
    const number = Number(value);
    if (field === undefined || !Number.isFinite(number)) continue;
    found[field] += number;
    told = true;
  }
  return told ? { atMs, ...found } : undefined;
}
