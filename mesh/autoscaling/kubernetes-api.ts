import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OutgoingHttp } from '../runtime/outgoing-http.js';
import type { Environment } from '../runtime/setting.js';
import { StartupError } from '../runtime/startup-error.js';
import { jsonAnswer } from './json-answer.js';

/** Reads objects of Kubernetes, as the pod that this process is in. */
export interface KubernetesApi {
  /** The pod's own namespace. */
  readonly namespace: string;
  /** @throws MeshError UNAVAILABLE when the API server does not answer, or not with an object. */
  read(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<unknown>;
}

/** Where the kubelet puts what a pod needs to speak with the API server. */
const usualFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Opens the way to the API server: KUBERNETES_API (default `https://kubernetes.default.svc`), with the token in
 * KUBERNETES_SERVICE_ACCOUNT (a folder). The server's certificate is checked against NODE_EXTRA_CA_CERTS.
 * @throws StartupError where there is no token.
 */
export function openKubernetesApi(environment: Environment, http: OutgoingHttp): KubernetesApi {
  const folder = environment['KUBERNETES_SERVICE_ACCOUNT'] || usualFolder;
  const server = environment['KUBERNETES_API'] || 'https://kubernetes.default.svc';
  const file = (name: string) => {
    try {
      return readFileSync(join(folder, name), 'utf8').trim();
    } catch (cause) {
      throw new StartupError(
        `${join(folder, name)} can't be read`,
        'run this in a pod that has a token of the API server, or set AUTOSCALER_INSTANCES=consul',
        { cause },
      );
    }
  };
  file('token');
  return {
    namespace: file('namespace'),
    read: (path, query, signal) => {
      const url = new URL(path, server);
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
      // Read each time: the kubelet renews it within the hour.
      const headers = { authorization: `Bearer ${file('token')}` };
      return jsonAnswer({ http, url, headers, signal, whom: "Kubernetes' API server" });
    },
  };
}
