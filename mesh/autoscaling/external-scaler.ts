import { ExternalScalerDefinition } from '../../proto/gen/externalscaler/externalscaler.js';
import { invalidField, MeshError } from '../contract/error.js';
import type { MethodPolicy, Policies } from '../contract/policy.js';
import type { Timers } from '../runtime/ports.js';
import { type BoundContract, implement } from '../runtime/service.js';
import type { Instances } from './instances.js';
import type { Load } from './load.js';
import type { LoadMeter } from './load-meter.js';
import { isScaledMetric, type ScaledMetric, scaledMetrics, targetsOf } from './scaled-metric.js';

export interface ExternalScalerOptions {
  readonly instances: Instances;
  readonly meter: LoadMeter;
  readonly timers: Pick<Timers, 'sleep'>;
  /** How often StreamIsActive looks, in milliseconds. Default 5000. */
  readonly lookEveryMs?: number;
}

interface Asked {
  readonly namespace: string;
  readonly scalerMetadata: Readonly<Record<string, string>>;
}

/**
 * KEDA's external scaler. Its trigger says under `metadata` which `service` is meant, and what one instance may have of
 * `requestsInFlight` and `eventLoopLagMs`.
 */
export function externalScaler(options: ExternalScalerOptions): BoundContract {
  const { instances, meter, timers, lookEveryMs = 5_000 } = options;
  const loadsOf = async (asked: Asked | undefined, signal: AbortSignal) => {
    const service = serviceOf(asked);
    const all = await instances.ofService(service, asked?.namespace ?? '', signal);
    return { service, all, loads: await meter.loadsOf(all, signal) };
  };
  // Nobody counts the calls to a service without instances: where there may be none, the first must come by itself.
  const isActive = async (asked: Asked, signal: AbortSignal) => {
    const { all, loads } = await loadsOf(asked, signal);
    return loads.size < all.length || loads.size === 0 || total('requests_in_flight', all.length, loads) > 0;
  };
  return implement(ExternalScalerDefinition, {
    isActive: async (asked, { signal }) => ({ result: await isActive(asked, signal) }),
    streamIsActive: async function* (asked, { signal }) {
      let told: boolean | undefined;
      while (!signal.aborted) {
        const result = await isActive(asked, signal);
        if (result !== told) yield { result };
        told = result;
        await timers.sleep(lookEveryMs, signal);
      }
    },
    getMetricSpec: async (asked) => {
      serviceOf(asked);
      return {
        metricSpecs: [...targetsOf(asked.scalerMetadata)].map(([metricName, target]) => ({
          metricName,
          targetSize: BigInt(Math.ceil(target)),
          targetSizeFloat: target,
        })),
      };
    },
    getMetrics: async ({ scaledObjectRef, metricName }, { signal }) => {
      if (!isScaledMetric(metricName))
        throw invalidField('metricName', 'string.in', `use one of ${Object.keys(scaledMetrics).join(', ')}`);
      const { service, all, loads } = await loadsOf(scaledObjectRef, signal);
      if (loads.size === 0 && all.length > 0)
        throw new MeshError({
          code: 'UNAVAILABLE',
          reason: 'UNAVAILABLE',
          message: `no instance of ${service} tells its load: see the log of the autoscaler`,
        });
      const value = total(metricName, all.length, loads);
      return {
        metricValues: [{ metricName, metricValue: BigInt(Math.ceil(value)), metricValueFloat: value }],
      };
    },
  });
}

/** @throws MeshError INVALID_ARGUMENT */
function serviceOf(asked: Asked | undefined): string {
  const service = asked?.scalerMetadata['service'] ?? '';
  if (service === '')
    throw invalidField(
      'scalerMetadata.service',
      'required',
      "say in the trigger's metadata which service is meant",
    );
  return service;
}

/** Of all instances: those that did not answer are taken to be as busy as the others are on average. */
function total(metric: ScaledMetric, count: number, loads: ReadonlyMap<string, Load>): number {
  const told = [...loads.values()].map(scaledMetrics[metric].of);
  const sum = told.reduce((one, other) => one + other, 0);
  return told.length === 0 ? 0 : (sum / told.length) * count;
}

/** How its calls are served. They are KEDA's methods and say nothing of policies themselves. */
export const externalScalerPolicies: Policies = new Map(
  Object.values(ExternalScalerDefinition.methods).map(({ name, responseStream }) => {
    const service = ExternalScalerDefinition.fullName;
    const policy: MethodPolicy = {
      path: `/${service}/${name}`,
      service,
      method: name,
      kind: responseStream ? 'server_streaming' : 'unary',
      input: '',
      output: '',
      // KEDA opens its stream without a deadline, and opens it again when it ends.
      deadlineMs: responseStream ? 3_600_000 : 5_000,
      priority: 'normal',
      exposure: 'internal',
      scope: '',
      idempotency: 'no_side_effects',
      idempotencyKey: 'none',
      cacheableForMs: 0,
      httpStatus: 0,
      http: [],
    };
    return [policy.path, policy] as const;
  }),
);
