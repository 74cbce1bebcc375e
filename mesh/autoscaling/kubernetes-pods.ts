import { isIP } from 'node:net';
import { invalidField } from '../contract/error.js';
import type { Instance, Instances } from './instances.js';
import { partOf, textOf } from './json-answer.js';
import type { KubernetesApi } from './kubernetes-api.js';

/** The pods of the own namespace as instances. */
export interface KubernetesPods extends Instances {
  readonly namespace: string;
  /** Pods that run, by a label selector as the API server takes it. */
  bySelector(selector: string, signal: AbortSignal): Promise<readonly Instance[]>;
  /** A pod by its name; none when it does not run. */
  byName(name: string, signal: AbortSignal): Promise<readonly Instance[]>;
}

/** How many pods are read at once: with a sidecar one takes some 15 kB, and an answer may be 1 MiB. */
const pageSize = '40';

/** @param metricsAt port and path at which pods tell their metrics, such as `9464/metrics`. */
export function kubernetesPods(api: KubernetesApi, metricsAt: string): KubernetesPods {
  const path = `/api/v1/namespaces/${encodeURIComponent(api.namespace)}/pods`;
  const read = async (selector: Readonly<Record<string, string>>, signal: AbortSignal) => {
    const found: Instance[] = [];
    let next = '';
    do {
      const page = await api.read(
        path,
        { ...selector, limit: pageSize, ...(next === '' ? {} : { continue: next }) },
        signal,
      );
      const items = partOf(page, 'items');
      for (const pod of Array.isArray(items) ? (items as unknown[]) : [])
        found.push(...instanceOf(pod, metricsAt));
      next = textOf(page, 'metadata', 'continue');
    } while (next !== '');
    return found;
  };
  return {
    namespace: api.namespace,
    bySelector: (labelSelector, signal) => read(labelSelector === '' ? {} : { labelSelector }, signal),
    byName: (name, signal) => read({ fieldSelector: `metadata.name=${name}` }, signal),
    ofService: (service, namespace, signal) => {
      if (namespace !== api.namespace)
        throw invalidField(
          'scaledObjectRef.namespace',
          'string.const',
          `pods of ${api.namespace} are scaled here: each namespace has an autoscaler of its own`,
        );
      if (!/^[a-z][a-z0-9-]{0,62}$/.test(service))
        throw invalidField('scalerMetadata.service', 'string.pattern', 'it is not the name of a service');
      // A canary has as many pods as it is given.
      return read({ labelSelector: `app=${service},track=stable` }, signal);
    },
  };
}

/** None for a pod that does not run yet, or is on its way out. */
function instanceOf(pod: unknown, metricsAt: string): Instance[] {
  const id = textOf(pod, 'metadata', 'name');
  const address = textOf(pod, 'status', 'podIP');
  const leaves = partOf(pod, 'metadata', 'deletionTimestamp') !== undefined;
  if (id === '' || isIP(address) === 0 || leaves || textOf(pod, 'status', 'phase') !== 'Running') return [];
  const host = address.includes(':') ? `[${address}]` : address;
  return [{ id, metricsUrl: new URL(`http://${host}:${metricsAt}`) }];
}
