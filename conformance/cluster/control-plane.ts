import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../../mesh/testing/eventually.js';
import { freePort } from '../../mesh/testing/free-port.js';
import { type TemporaryFolder, temporaryFolder } from '../../mesh/testing/temporary-folder.js';

/** Kubernetes' API server and its controllers, without nodes: pods are objects, and whoever runs them says so in their status. */
export interface ControlPlane {
  readonly url: string;
  readonly authorityFile: string;
  /** @param input what it reads on standard input. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  end(): Promise<void>;
}

/** Certificates: name of the file, subject, alternative names. */
const certificates: readonly (readonly [string, string, string])[] = [
  ['apiserver', '/CN=kube-apiserver', 'IP:127.0.0.1,DNS:kubernetes.default.svc'],
  ['admin', '/O=system:masters/CN=admin', 'DNS:admin'],
  ['controllers', '/CN=system:kube-controller-manager', 'DNS:controllers'],
  ['front-proxy', '/CN=front-proxy', 'DNS:front-proxy'],
];

/**
 * Starts etcd, kube-apiserver with its aggregation layer and kube-controller-manager at free ports. They must be on PATH.
 * @throws Error with the end of a log when one does not come up.
 */
export async function startControlPlane(): Promise<ControlPlane> {
  const folder = temporaryFolder();
  const run = promisify(execFile);
  await makeCertificates(folder);
  const file = (name: string) => join(folder.path, name);
  const [etcdPort, peerPort, port, controllersPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const url = `https://127.0.0.1:${port}`;
  for (const name of ['admin', 'controllers']) folder.write(`${name}.json`, kubeconfig(folder, name, url));
  const children: { readonly name: string; readonly child: ChildProcess }[] = [];
  const start = (name: string, args: readonly string[]) => {
    const log = openSync(file(`${name}.log`), 'w');
    const child = spawn(name, args, { stdio: ['ignore', log, log], cwd: folder.path });
    child.once('error', () => undefined);
    closeSync(log);
    children.push({ name, child });
  };
  const kubectl: ControlPlane['kubectl'] = async (args, input) => {
    const running = run('kubectl', [`--kubeconfig=${file('admin.json')}`, ...args], { timeout: 30_000 });
    running.child.stdin?.end(input ?? '');
    return (await running).stdout;
  };
  const end = async () => {
    for (const { child } of [...children].reverse()) {
      if (child.exitCode !== null || child.pid === undefined) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    folder.remove();
  };
  try {
    start('etcd', [
      ...['--data-dir', file('etcd'), '--log-level', 'error'],
      ...['--listen-client-urls', `http://127.0.0.1:${etcdPort}`],
      ...['--advertise-client-urls', `http://127.0.0.1:${etcdPort}`],
      ...['--listen-peer-urls', `http://127.0.0.1:${peerPort}`],
    ]);
    start('kube-apiserver', [
      `--etcd-servers=http://127.0.0.1:${etcdPort}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      '--service-cluster-ip-range=10.97.0.0/16',
      '--authorization-mode=Node,RBAC',
      `--tls-cert-file=${file('apiserver.crt')}`,
      `--tls-private-key-file=${file('apiserver.key')}`,
      `--client-ca-file=${file('ca.crt')}`,
      `--service-account-key-file=${file('sa.pub')}`,
      `--service-account-signing-key-file=${file('sa.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--requestheader-client-ca-file=${file('ca.crt')}`,
      '--requestheader-allowed-names=front-proxy',
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      `--proxy-client-cert-file=${file('front-proxy.crt')}`,
      `--proxy-client-key-file=${file('front-proxy.key')}`,
      // Without nodes nobody makes a Service's own address lead anywhere.
      '--enable-aggregator-routing',
    ]);
    await eventually(() => kubectl(['get', '--raw', '/readyz']), { withinMs: 60_000, everyMs: 500 });
    start('kube-controller-manager', [
      `--kubeconfig=${file('controllers.json')}`,
      `--authentication-kubeconfig=${file('controllers.json')}`,
      `--authorization-kubeconfig=${file('controllers.json')}`,
      `--secure-port=${controllersPort}`,
      '--bind-address=127.0.0.1',
      `--root-ca-file=${file('ca.crt')}`,
      `--service-account-private-key-file=${file('sa.key')}`,
      '--use-service-account-credentials',
      '--leader-elect=false',
      '--horizontal-pod-autoscaler-sync-period=5s',
    ]);
  } catch (cause) {
    const logs = children.map(
      ({ name }) => `${name}: ${readFileSync(file(`${name}.log`), 'utf8').slice(-1_000)}`,
    );
    await end();
    throw new Error(`the control plane does not come up: ${logs.join('\n')}`, { cause });
  }
  return { url, authorityFile: file('ca.crt'), kubectl, end };
}

async function makeCertificates(folder: TemporaryFolder): Promise<void> {
  const openssl = (...args: string[]) => promisify(execFile)('openssl', args, { cwd: folder.path });
  const key = ['-newkey', 'rsa:2048', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-subj',
    '/CN=ca',
    '-days',
    '2',
  );
  await openssl('genrsa', '-out', 'sa.key', '2048');
  await openssl('rsa', '-in', 'sa.key', '-pubout', '-out', 'sa.pub');
  for (const [name, subject, names] of certificates) {
    folder.write(`${name}.names`, `subjectAltName=${names}`);
    await openssl('req', ...key, '-keyout', `${name}.key`, '-subj', subject, '-out', `${name}.csr`);
    await openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'],
      ...['-days', '2', '-out', `${name}.crt`, '-extfile', `${name}.names`],
    );
  }
}

function kubeconfig(folder: TemporaryFolder, name: string, server: string): string {
  const file = (ending: string) => join(folder.path, ending);
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority': file('ca.crt') } }],
    users: [
      {
        name: 'u',
        user: { 'client-certificate': file(`${name}.crt`), 'client-key': file(`${name}.key`) },
      },
    ],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}
