import { healthService } from '../../rpc/grpc/health.js';
import { reflectionServices } from '../../rpc/grpc/reflection.js';
import { openGrpcServer } from '../../rpc/grpc/server.js';
import { hostService } from '../../runtime/host.js';
import type { Service } from '../../runtime/service.js';
import type { Binding, InstanceParts } from './instance-parts.js';

/** Hosts a service and serves its contracts, health and reflection at a free port. */
export async function bindService(parts: InstanceParts, service: Service): Promise<Binding> {
  const { world, options, neighbours } = parts;
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
  const served = ['', ...manifest.implements];
  try {
    const server = await openGrpcServer(
      {
        host: options.environment['INSTANCE_HOST'] || '127.0.0.1',
        port: 0,
        portVariable: 'nothing',
        methods: [...shop.policies.values()].filter(({ service: name }) =>
          manifest.implements.includes(name),
        ),
        dispatch: parts.watching(hosted.dispatch),
        identity: neighbours.identity,
      },
      [
        healthService({
          names: () => served,
          serving: (name) => (served.includes(name) ? health.serving : undefined),
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
      addresses: { grpcAddress: `${options.environment['INSTANCE_HOST'] || '127.0.0.1'}:${server.port}` },
      health: () =>
        hosted.check().then(
          () => set(true, undefined),
          (error: unknown) => set(false, error instanceof Error ? error.message : 'unknown'),
        ),
      begin: () => hosted.begin(),
      drain: (graceMs) => {
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
