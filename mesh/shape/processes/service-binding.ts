import { healthService } from '../../rpc/grpc/health.js';
import { reflectionServices } from '../../rpc/grpc/reflection.js';
import { openGrpcServer } from '../../rpc/grpc/server.js';
import { hostService } from '../../runtime/host.js';
import type { Service } from '../../runtime/service.js';
import type { Binding, InstanceParts } from './instance-parts.js';
import { placeText } from './instance-place.js';

/** Hosts a service and serves its contracts, health and reflection. */
export async function bindService(parts: InstanceParts, service: Service): Promise<Binding> {
  const { world, options, neighbours, place } = parts;
  const { manifest, shop } = options;
  const hostedOptions = await parts.hostedOptions(service.schema);
  const hosted = await hostService(world, service, hostedOptions).catch(async (error: unknown) => {
    await hostedOptions.store.close();
    throw error;
  });
  const health = { serving: true, problem: undefined as string | undefined };
  const listeners = new Set<() => void>();
  const set = (serving: boolean, problem: string | undefined) => {
    const changed = health.serving !== serving;
    Object.assign(health, { serving, problem });
    if (changed) for (const listener of listeners) listener();
    return { serving, problem };
  };
  // The empty name tells whether the process lives, the contracts' names whether it can do its work: one whose database is away
  // gets no calls, and is not started anew for it.
  let alive = true;
  const served = ['', ...manifest.implements];
  try {
    const server = await openGrpcServer(
      {
        host: place.host,
        port: place.grpcPort,
        portVariable: 'INSTANCE_PORT',
        methods: [...shop.policies.values()].filter(({ service: name }) =>
          manifest.implements.includes(name),
        ),
        dispatch: parts.watching(hosted.dispatch),
        ...neighbours.identity.callers,
      },
      [
        healthService({
          names: () => served,
          serving: (name) => (name === '' ? alive : served.includes(name) ? health.serving : undefined),
          onChange: (listener) => {
            listeners.add(listener);
            return () => listeners.delete(listener);
          },
        }),
        ...reflectionServices(shop.contract, [
          ...manifest.implements,
          'grpc.health.v1.Health',
          'grpc.reflection.v1.ServerReflection',
          'grpc.reflection.v1alpha.ServerReflection',
        ]),
      ],
    );
    return {
      addresses: { grpcAddress: placeText({ address: place.host, port: server.port }) },
      health: () =>
        hosted.check().then(
          () => set(true, undefined),
          (error: unknown) => set(false, error instanceof Error ? error.message : 'unknown'),
        ),
      begin: () => hosted.begin(),
      drain: (graceMs) => {
        alive = false;
        set(false, 'is stopping');
        return server.drain(graceMs);
      },
      close: () => hosted.stop(),
    };
  } catch (error) {
    await hosted.stop();
    throw error;
  }
}
