import { readFileSync } from 'node:fs';
import { invalidField, MeshError } from '../contract/error.js';
import { type ConsulAccess, consulUrl } from '../discovery/consul-client.js';
import { maxInstances, readEntry } from '../discovery/consul-entry.js';
import { requireService } from '../discovery/endpoint.js';
import type { OutgoingHttp } from '../runtime/outgoing-http.js';
import type { Instance, Instances } from './instances.js';
import { jsonAnswer, textOf } from './json-answer.js';

/**
 * The instances that Consul has as passing, with the admin ports that they gave it. Asked anew each time: whoever scales asks
 * a few times a minute.
 * @throws StartupError for a wrong address.
 */
export function consulInstances({ address, tokenFile }: ConsulAccess, http: OutgoingHttp): Instances {
  const consul = consulUrl(address);
  return {
    ofService: async (service, _namespace, signal) => {
      const url = new URL(`/v1/health/service/${nameOf(service)}?passing=true`, consul);
      const token = tokenFile === undefined ? '' : readFileSync(tokenFile, 'utf8').trim();
      const entries = await jsonAnswer({
        http,
        url,
        headers: token === '' ? {} : { 'x-consul-token': token },
        signal,
        whom: 'Consul',
      });
      if (!Array.isArray(entries))
        throw new MeshError({
          code: 'UNAVAILABLE',
          reason: 'UNAVAILABLE',
          message: 'Consul answers with no list of instances',
        });
      return entries.slice(0, maxInstances).flatMap((entry: unknown) => instanceOf(service, entry));
    },
  };
}

function nameOf(service: string): string {
  try {
    return requireService(service);
  } catch (error) {
    throw invalidField('scalerMetadata.service', 'string.pattern', (error as Error).message);
  }
}

/** None for an entry that anybody may have written, and nobody can ask. */
function instanceOf(service: string, entry: unknown): Instance[] {
  const { endpoint } = readEntry(service, entry);
  const port = textOf(entry, 'Service', 'Meta', 'admin_port');
  if (endpoint === undefined || !/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) return [];
  const host = endpoint.address.includes(':') ? `[${endpoint.address}]` : endpoint.address;
  return [{ id: endpoint.instanceId, metricsUrl: new URL(`http://${host}:${port}/metrics`) }];
}
