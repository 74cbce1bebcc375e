import { MeshError } from '../contract/error.js';
import type { Clock } from '../runtime/ports.js';
import type { KubernetesPods } from './kubernetes-pods.js';
import type { Load } from './load.js';
import type { LoadMeter } from './load-meter.js';
import { isScaledMetric, scaledMetrics } from './scaled-metric.js';

/** An answer of the API: an object of Kubernetes, with its HTTP status. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: object;
}

/** Answers GET requests. */
export type CustomMetricsApi = (url: URL, signal: AbortSignal) => Promise<ApiAnswer>;

export interface CustomMetricsOptions {
  readonly pods: KubernetesPods;
  readonly meter: LoadMeter;
  readonly clock: Pick<Clock, 'nowMs'>;
}

const group = 'custom.metrics.k8s.io';
/** `group/version`, as in an APIService. */
export const groupVersion = `${group}/v1beta2`;

/**
 * The custom metrics API of Kubernetes, for pods of one namespace:
 * https://github.com/kubernetes/design-proposals-archive/blob/main/instrumentation/custom-metrics-api.md
 * Whoever asks was let in by the API server already, which judges each request by its own rules before it passes it on.
 */
export function customMetricsApi({ pods, meter, clock }: CustomMetricsOptions): CustomMetricsApi {
  const list = async (name: string, metric: string, query: URLSearchParams, signal: AbortSignal) => {
    if (!isScaledMetric(metric)) return failure(404, 'NotFound', `there is no metric ${metric} of pods`);
    const chosen = name === '*';
    const found = chosen
      ? await pods.bySelector(query.get('labelSelector') ?? '', signal)
      : await pods.byName(name, signal);
    const loads = await meter.loadsOf(found, signal);
    if (!chosen && loads.size === 0)
      return failure(404, 'NotFound', `pod ${name} does not run, or does not tell its load`);
    const timestamp = new Date(clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z');
    return {
      status: 200,
      body: {
        kind: 'MetricValueList',
        apiVersion: groupVersion,
        metadata: {},
        items: [...loads].map(([pod, load]) => ({
          describedObject: { kind: 'Pod', namespace: pods.namespace, name: pod, apiVersion: 'v1' },
          metric: { name: metric, selector: null },
          timestamp,
          windowSeconds: Math.round(load.windowMs / 1_000),
          value: quantityOf(scaledMetrics[metric].of(load)),
        })),
      },
    };
  };
  return async (url, signal) => {
    if (url.pathname === `/apis/${group}`) return { status: 200, body: apiGroup };
    if (url.pathname === '/apis')
      return { status: 200, body: { kind: 'APIGroupList', apiVersion: 'v1', groups: [apiGroup] } };
    if (url.pathname === `/apis/${groupVersion}`) return { status: 200, body: resources };
    const match = asked.exec(url.pathname);
    if (match === null) return failure(404, 'NotFound', `there is nothing at ${url.pathname}`);
    const [namespace, name, metric] = match.slice(1).map(decodedOrEmpty) as [string, string, string];
    if (namespace !== pods.namespace)
      return failure(404, 'NotFound', `the load of pods in ${namespace} is not known here`);
    try {
      return await list(name, metric, url.searchParams, signal);
    } catch (error) {
      const { message } = MeshError.from(error);
      return failure(503, 'ServiceUnavailable', message);
    }
  };
}

const asked = new RegExp(`^/apis/${groupVersion}/namespaces/([^/]+)/pods/([^/]+)/([^/]+)$`);

/** What can't be decoded is the name of nothing. */
function decodedOrEmpty(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

const version = { groupVersion, version: 'v1beta2' };
const apiGroup = {
  kind: 'APIGroup',
  apiVersion: 'v1',
  name: group,
  versions: [version],
  preferredVersion: version,
};
const resources = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion,
  resources: Object.keys(scaledMetrics).map((metric) => ({
    name: `pods/${metric}`,
    singularName: '',
    namespaced: true,
    kind: 'MetricValueList',
    verbs: ['get'],
  })),
};

/** A quantity of Kubernetes, in thousandths where it is no whole number. */
export function quantityOf(value: Load[keyof Load]): string {
  const thousandths = Math.max(0, Math.round(value * 1_000));
  return thousandths % 1_000 === 0 ? String(thousandths / 1_000) : `${thousandths}m`;
}

function failure(code: number, reason: string, message: string): ApiAnswer {
  return {
    status: code,
    body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code },
  };
}
