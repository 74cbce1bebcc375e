import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { helmEnvironment, type RenderOptions, templateArguments } from './rendered.js';

/** An object that an API server has. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [key: string]: unknown;
}

/** What every namespace has. */
const rootCertificates: KubernetesObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kube-root-ca.crt', namespace: 'shop' },
};

const kinds: Readonly<Record<string, readonly string[]>> = {
  v1: ['ConfigMap', 'Secret', 'Namespace'],
  'apps/v1': ['StatefulSet'],
};

/**
 * Renders a chart as `helm install` does, where `lookup` is answered: by a stand-in for the API server that has these objects,
 * and lets nobody look outside of the namespace. @returns what helm wrote, or what it said instead.
 */
export async function renderOn(
  objects: readonly KubernetesObject[],
  options: RenderOptions = {},
): Promise<{ output: string; problem: string }> {
  const server = createServer(answerFrom([rootCertificates, ...objects])).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const child = spawn(
      'helm',
      [...templateArguments(options), '--dry-run=server', '--kube-apiserver', address],
      { env: { ...helmEnvironment(), KUBECONFIG: '/dev/null' }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const [output, problem] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { output, problem };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function answerFrom(objects: readonly KubernetesObject[]): RequestListener {
  return ({ url = '' }, response) => {
    const [path = ''] = url.split('?');
    const { code, body } = answer(path.replace(/^\/apis?\//, ''), objects);
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
}

function answer(path: string, objects: readonly KubernetesObject[]): { code: number; body: object } {
  const known = kinds[path];
  if (known !== undefined) {
    const resources = known.map((kind) => ({
      name: resourceOf(kind),
      kind,
      namespaced: kind !== 'Namespace',
      verbs: ['get'],
    }));
    return { code: 200, body: { kind: 'APIResourceList', groupVersion: path, resources } };
  }
  if (!path.includes('/namespaces/shop/')) return { code: 403, body: status(403, 'Forbidden') };
  const found = objects.find(
    ({ apiVersion, kind, metadata }) =>
      path === `${apiVersion}/namespaces/shop/${resourceOf(kind)}/${metadata.name}`,
  );
  return found === undefined ? { code: 404, body: status(404, 'NotFound') } : { code: 200, body: found };
}

function resourceOf(kind: string): string {
  return `${kind.toLowerCase()}s`;
}

function status(code: number, reason: string): object {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    reason,
    message: `${reason}: not here`,
    code,
  };
}
