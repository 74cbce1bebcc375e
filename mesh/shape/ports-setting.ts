import { type Environment, portOf } from '../runtime/setting.js';

/** Where the shop listens. */
export interface ListenPorts {
  /** Address of the REST and gRPC ports. */
  readonly host: string;
  readonly http: number;
  readonly grpc: number;
  readonly adminHost: string;
  readonly admin: number;
}

/** Reads HOST, PORT, GRPC_PORT, ADMIN_HOST and ADMIN_PORT. Loopback unless told otherwise. @throws StartupError */
export function readPorts(environment: Environment): ListenPorts {
  return {
    host: environment['HOST'] || '127.0.0.1',
    http: portOf(environment, 'PORT', 8080),
    grpc: portOf(environment, 'GRPC_PORT', 50051),
    adminHost: environment['ADMIN_HOST'] || '127.0.0.1',
    admin: portOf(environment, 'ADMIN_PORT', 9464),
  };
}
