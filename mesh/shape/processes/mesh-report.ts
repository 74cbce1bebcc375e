import type { Readiness } from '../../runtime/edge.js';
import type { StatusReport } from '../admin-port.js';
import type { LoadedShop } from '../loaded-shop.js';
import type { MeshAddresses } from '../running-mesh.js';
import type { InstanceStatus } from './supervisor.js';

/** What `meshmart status` shows of a mesh of processes. */
export function statusReport(
  shop: LoadedShop,
  instances: readonly InstanceStatus[],
  addresses: MeshAddresses,
  startedAtMs: number,
): Omit<StatusReport, 'deadLetters'> {
  const services = instances.map((instance) => ({
    name: instance.service,
    instance: instance.id,
    pid: instance.pid,
    state: instance.state,
    restarts: instance.restarts,
    serving: instance.state === 'serving',
    criticality: shop.manifests.find(({ name }) => name === instance.service)?.criticality ?? 'required',
    problem: instance.problem,
    version: shop.version,
    address: instance.addresses?.grpcAddress ?? instance.addresses?.httpUrl ?? '',
  }));
  const served = (name: string) => services.some((service) => service.name === name && service.serving);
  return {
    version: shop.version,
    shape: 'processes',
    pid: process.pid,
    startedAt: new Date(startedAtMs).toISOString(),
    ready: shop.manifests.every(({ name, criticality }) => criticality === 'optional' || served(name)),
    addresses: {
      rest: addresses.httpUrl,
      grpc: addresses.grpcAddress,
      admin: addresses.adminUrl,
      'card processor': addresses.cardProcessorUrl,
      mail: addresses.mailSinkUrl,
      ...addresses.servers,
    },
    services,
  };
}

/** The same, as readiness: a service is as well as the best of its instances. */
export function readinessOf(report: Pick<StatusReport, 'ready' | 'services'>): Readiness {
  return {
    ready: report.ready,
    services: report.services.map(({ name, serving, criticality, problem }) => ({
      name,
      serving,
      criticality,
      problem,
    })),
  };
}
