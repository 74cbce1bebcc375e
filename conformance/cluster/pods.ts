import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { kubectl } from './program.js';

/** Where the shop is. */
export const namespace = 'shop';

/** A pod, as far as anybody asks. */
export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
  readonly status: {
    readonly podIP?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime?: string;
    }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

export interface Container {
  readonly name: string;
  /** `Always` for a sidecar among the init containers. */
  readonly restartPolicy?: string;
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly resources?: { readonly requests?: { readonly memory?: string } };
}

export interface ContainerStatus {
  readonly name: string;
  readonly containerID?: string;
  readonly restartCount: number;
}

/** An object of a cluster, by JSON. @param args of `kubectl get`. */
export async function get<T>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl(['get', '--output', 'json', ...args])) as T;
}

/** Pods of the shop's namespace that nobody has begun to delete. */
export async function podsOf(selector = '', of = namespace): Promise<Pod[]> {
  const { items } = await get<{ items: Pod[] }>('pods', '--namespace', of, '--selector', selector);
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** Whether a pod serves. */
export const isReady = ({ status }: Pod) =>
  status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;

/**
 * A pod of a service that serves. One that had no turn for some seconds is not ready for a moment: it is waited for.
 * @throws Error when there is none within a quarter of a minute.
 */
export async function podOf(app: string): Promise<Pod> {
  return eventually(
    async () => {
      const pod = (await podsOf(`app=${app}`)).find(isReady);
      if (pod === undefined)
        throw new Error(`${app} has no pod that is ready: see kubectl --namespace ${namespace} get pods`);
      return pod;
    },
    { withinMs: 15_000, everyMs: 500, what: `a pod of ${app}` },
  );
}

/**
 * Runs one of the probes in a pod's own container, by the node that is there for the service, and gives what it printed as
 * JSON. The script comes by standard input, since nothing can be written in there.
 */
export async function probe<T>(pod: string, container: string, script: string, given: unknown): Promise<T> {
  const text = readFileSync(join(packageRoot(), 'helm/tools/probes', `${script}.mjs`), 'utf8');
  const printed = await kubectl(
    [
      ...['exec', '--stdin', '--namespace', namespace, pod, '--container', container, '--'],
      ...['node', '--max-old-space-size=48', '--input-type=module', '-'],
    ],
    { input: `globalThis.given = ${JSON.stringify(given)};\n${text}`, withinMs: 60_000 },
  );
  return JSON.parse(printed) as T;
}

/** The address of a Service that stands for its pods. The machine of the tests must be a node, or have a way there. */
export async function addressOf(service: string, of = namespace): Promise<string> {
  const { spec } = await get<{ spec: { clusterIP: string } }>('service', service, '--namespace', of);
  return spec.clusterIP;
}

/** A Deployment or StatefulSet. */
export interface Workload {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly spec: { readonly replicas: number };
  readonly status: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
  };
}

/** Those of the shop's namespace, the edge's proxy among them. */
export async function workloads(): Promise<Workload[]> {
  return (await get<{ items: Workload[] }>('deployment,statefulset', '--namespace', namespace)).items;
}

/** Waits until every Deployment and StatefulSet has the pods that it wants, all of the newest kind, and none that still ends. */
export async function untilSettled(withinMs = 180_000): Promise<void> {
  await eventually(
    async () => {
      const open = (await workloads()).filter((one) => !isSettled(one)).map(({ metadata }) => metadata.name);
      if (open.length > 0) throw new Error(`not settled: ${open.join(', ')}`);
      const { items } = await get<{ items: Pod[] }>('pods', '--namespace', namespace);
      const ending = items.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
      if (ending.length > 0)
        throw new Error(`still ends: ${ending.map(({ metadata }) => metadata.name).join(', ')}`);
    },
    // Each look starts two programs, on the processors that the shop has.
    { withinMs, everyMs: 1_500, what: 'the shop to be as it is asked to be' },
  );
}

function isSettled({ metadata, spec, status }: Workload): boolean {
  const { observedGeneration, replicas, readyReplicas, updatedReplicas, availableReplicas } = status;
  return (
    observedGeneration === metadata.generation &&
    [replicas, readyReplicas, updatedReplicas, availableReplicas].every(
      (count) => (count ?? 0) === spec.replicas,
    )
  );
}
