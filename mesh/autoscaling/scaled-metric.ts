import { invalidField } from '../contract/error.js';
import type { Load } from './load.js';

/** What services are scaled by: the names of metrics, for Kubernetes and for KEDA. */
export const scaledMetrics = {
  requests_in_flight: {
    of: (load: Load) => load.requestsInFlight,
    setting: 'requestsInFlight',
    usual: 8,
  },
  event_loop_lag_ms: {
    of: (load: Load) => load.eventLoopLagMs,
    setting: 'eventLoopLagMs',
    usual: 50,
  },
} as const;

export type ScaledMetric = keyof typeof scaledMetrics;

export function isScaledMetric(name: string): name is ScaledMetric {
  return Object.hasOwn(scaledMetrics, name);
}

/**
 * What one instance may have of each metric, as a trigger of KEDA says it.
 * @throws MeshError INVALID_ARGUMENT for what is no number above 0.
 */
export function targetsOf(metadata: Readonly<Record<string, string>>): ReadonlyMap<ScaledMetric, number> {
  const targets = new Map<ScaledMetric, number>();
  for (const [name, { setting, usual }] of Object.entries(scaledMetrics)) {
    const text = metadata[setting] ?? String(usual);
    const target = /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : 0;
    if (target <= 0)
      throw invalidField(`scalerMetadata.${setting}`, 'double.gt', `'${text}' is no number above 0`);
    targets.set(name as ScaledMetric, target);
  }
  return targets;
}
