import type { PeerCertificate } from 'node:tls';
import { StartupError } from '../runtime/startup-error.js';
import { textOf } from './json-answer.js';
import type { KubernetesApi } from './kubernetes-api.js';

/**
 * How the API server proves that it is the one who passes a request on:
 * https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
 */
export interface FrontProxy {
  /** Certificates that signed the client certificate that it shows, in PEM. */
  readonly authorities: string;
  /** Common names that it may have; empty: any. */
  readonly names: readonly string[];
}

const path = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';

/** @throws StartupError in a cluster whose API server passes nothing on. */
export async function readFrontProxy(api: KubernetesApi, signal: AbortSignal): Promise<FrontProxy> {
  const map = await api.read(path, {}, signal);
  const authorities = textOf(map, 'data', 'requestheader-client-ca-file');
  if (authorities === '')
    throw new StartupError(
      'the ConfigMap kube-system/extension-apiserver-authentication has no requestheader-client-ca-file',
      'start the API server with its aggregation layer (--requestheader-client-ca-file)',
    );
  return { authorities, names: namesOf(textOf(map, 'data', 'requestheader-allowed-names')) };
}

/** Whether a client whose certificate was found good by the authorities may be the API server. */
export function isFrontProxy(certificate: Pick<PeerCertificate, 'subject'>, { names }: FrontProxy): boolean {
  const name: unknown = certificate.subject?.CN;
  return names.length === 0 || (typeof name === 'string' && names.includes(name));
}

function namesOf(json: string): string[] {
  try {
    const names: unknown = JSON.parse(json);
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
  } catch {
    return [];
  }
}
