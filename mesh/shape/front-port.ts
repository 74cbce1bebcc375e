import type { Contract } from '../contract/image.js';
import type { Policies } from '../contract/policy.js';
import { healthService } from '../rpc/grpc/health.js';
import { reflectionServices } from '../rpc/grpc/reflection.js';
import { type GrpcServer, openGrpcServer } from '../rpc/grpc/server.js';
import { outside } from '../rpc/interceptors/authorise.js';
import type { Dispatch } from '../rpc/wire.js';
import type { ListenPorts } from './ports-setting.js';
import type { ReadinessWatch } from './readiness.js';

/** What the gRPC front port is opened with. */
export interface FrontPortOptions {
  readonly ports: ListenPorts;
  readonly contract: Contract;
  readonly policies: Policies;
  readonly dispatch: Dispatch;
  readonly readiness: ReadinessWatch;
  /** Full names of the proto services that run. */
  readonly served: readonly string[];
}

/** Opens GRPC_PORT: every method of the contracts arrives at the gateway, which decides; health and reflection beside them. */
export function openFrontPort(options: FrontPortOptions): Promise<GrpcServer> {
  const { ports, contract, policies, dispatch, readiness, served } = options;
  const names = ['', ...served];
  const folderOf = (service: string) => service.split('.')[1];
  const health = healthService({
    names: () => names,
    serving: (name) => {
      if (name === '') return readiness.last().ready;
      if (!served.includes(name)) return undefined;
      return readiness.last().services.find((service) => service.name === folderOf(name))?.serving ?? false;
    },
    onChange: readiness.onChange,
    refresh: readiness.current,
  });
  const listed = [
    ...served,
    'grpc.health.v1.Health',
    'grpc.reflection.v1.ServerReflection',
    'grpc.reflection.v1alpha.ServerReflection',
  ];
  return openGrpcServer(
    {
      host: ports.host,
      port: ports.grpc,
      portVariable: 'GRPC_PORT',
      methods: policies.values(),
      dispatch,
      caller: outside,
    },
    [health, ...reflectionServices(contract, listed)],
  );
}
