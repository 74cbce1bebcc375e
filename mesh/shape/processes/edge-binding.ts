import { createServiceWorld } from '../../runtime/host.js';
import { StartupError } from '../../runtime/startup-error.js';
import { openFrontPort } from '../front-port.js';
import type { LoadedModule } from '../loaded-shop.js';
import { observedFront, observedWires } from '../observed-wires.js';
import { readPorts } from '../ports-setting.js';
import { createReadinessWatch } from '../readiness.js';
import { checkCallees } from './callee-health.js';
import type { Binding, InstanceParts } from './instance-parts.js';
import { placeText } from './instance-place.js';

/** Builds the edge and opens the two front ports, PORT and GRPC_PORT. */
export async function bindEdge(parts: InstanceParts, module: LoadedModule): Promise<Binding> {
  const { edge } = module;
  if (edge === undefined)
    throw new StartupError(`services/${module.manifest.name} exports nothing`, 'reinstall meshmart');
  const { world, options, neighbours } = parts;
  const { shop, environment } = options;
  const { manifests, contract, policies, owners, version } = shop;
  const { ambient } = world;
  const ports = readPorts(environment);
  const hosted = await parts.hostedOptions(edge.schema);
  const edgeWorld = createServiceWorld(world, hosted);
  const readiness = createReadinessWatch(ambient, () =>
    checkCallees({ manifests, wireTo: neighbours.plainWireTo, ambient }),
  );
  const close = async () => {
    edgeWorld.stop(new StartupError('the gateway is stopping', 'try again') as never);
    readiness.stop();
    await hosted.store.close();
  };
  try {
    const startedAtMs = ambient.clock.nowMs();
    const built = await edge.build({
      ...edgeWorld.ports,
      contract,
      policies,
      ownerOf: world.ownerOf,
      wireTo: observedWires(world, module.manifest.name),
      listen: { host: ports.host, httpPort: ports.http },
      httpInFlight: (delta) => world.metrics.httpInFlight(module.manifest.name, delta),
      observeHttp: world.metrics.observeHttp,
      buckets: parts.backends.buckets,
      readiness: readiness.current,
      overview: () => ({
        version,
        shape: 'processes',
        startedAtMs,
        grpcAddress: `${ports.host}:${ports.grpc}`,
        adminUrl: environment['SUPERVISOR_URL'],
        cardProcessorUrl: environment['CARD_PROCESSOR_URL'],
        mailSinkUrl: environment['MAIL_SINK_URL'],
        services: manifests.map(({ name, summary, implements: services }) => ({
          name,
          summary,
          implements: services,
        })),
      }),
    });
    const front = await openFrontPort({
      ports,
      contract,
      policies,
      dispatch: observedFront(world, module.manifest.name, built.front),
      readiness,
      served: [...owners.keys()],
    });
    const { httpUrl } = await built.listen();
    return {
      addresses: { httpUrl, frontAddress: placeText({ address: ports.host, port: front.port }) },
      health: async () => ({ serving: true, problem: undefined }),
      begin: async () => undefined,
      drain: async (graceMs) => {
        readiness.notServing();
        await Promise.all([front.drain(graceMs), built.drain(graceMs)]);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
