import type { Manifest } from '../../mesh/runtime/manifest.js';

/** The ports by which services use the servers of the istio profile. */
export const serverPorts = {
  consul: 8500,
  redis: 6379,
  postgres: 5432,
  'card-processor': 8090,
  'mail-sink': 2525,
} as const;

/** Whether a service declares, by its manifest, that it uses a server. All look for each other in Consul. */
export function usesServer({ backends, consumes }: Manifest, server: string): boolean {
  switch (server) {
    case 'consul':
      return true;
    case 'redis':
      return backends.includes('redis') || backends.includes('bus');
    case 'postgres':
      return backends.includes('database') || Object.keys(consumes).length > 0;
    case 'mail-sink':
      return backends.includes('mail');
    default:
      return backends.includes('card-processor');
  }
}
