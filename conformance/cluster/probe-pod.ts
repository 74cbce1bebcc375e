import { namespace } from './pods.js';
import { kubectl } from './program.js';

/** A pod of the shop's image that does nothing by itself: what it is to the mesh follows from its labels and annotations. */
export interface ProbePod {
  readonly name: string;
  /** Default: `default`, which nobody knows. */
  readonly serviceAccount?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Starts probe pods in the shop's namespace, and waits until they run. */
export async function startProbePods(pods: readonly ProbePod[]): Promise<void> {
  await kubectl(['apply', '--filename', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods.map(manifestOf) }),
  });
  await kubectl(
    [
      ...['wait', '--namespace', namespace, '--for=condition=Ready', '--timeout=60s'],
      ...pods.map(({ name }) => `pod/${name}`),
    ],
    { withinMs: 70_000 },
  );
}

/** Ends them, and waits until they are gone. */
export async function stopProbePods(pods: readonly ProbePod[]): Promise<void> {
  await kubectl([
    ...['delete', 'pod', '--namespace', namespace, '--ignore-not-found', '--grace-period=1'],
    ...pods.map(({ name }) => name),
  ]);
}

function manifestOf({ name, serviceAccount = 'default', labels = {}, annotations = {} }: ProbePod): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, annotations },
    spec: {
      serviceAccountName: serviceAccount,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 10_001,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'probe',
          image: 'localhost/meshmart:dev',
          imagePullPolicy: 'IfNotPresent',
          command: ['node', '-e', 'setInterval(() => undefined, 60_000)'],
          resources: { requests: { cpu: '10m', memory: '48Mi' }, limits: { memory: '192Mi' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    },
  };
}
