import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import { type Code, MeshError, type Reason } from '../contract/error.js';
import { echoPolicy } from '../rpc/echo-contract.test.js';
import { errorToGrpc } from '../rpc/grpc/grpc-error.js';

const same = (bytes: Buffer) => bytes;

/** What a server does with a call: answer, fail, or keep silent. */
export type Behaviour = 'well' | 'silent' | { readonly code: Code; readonly reason?: Reason };

/** A gRPC server with the method `Say` and the stream `Count`, which does what a test says, and counts. */
export interface ScriptedServer {
  readonly port: number;
  behaviour: Behaviour;
  /** For each call that arrived: `grpc-previous-rpc-attempts`. */
  readonly attempts: number[];
  /** Connections that it has. */
  connections(): number;
  /** Breaks all connections and goes. */
  kill(): void;
}

interface Arrived {
  readonly metadata: Metadata;
}

export async function scriptedServer(behaviour: Behaviour = 'well'): Promise<ScriptedServer> {
  const server = new Server();
  const attempts: number[] = [];
  const arrived = ({ metadata }: Arrived) => {
    attempts.push(Number(metadata.get('grpc-previous-rpc-attempts')[0] ?? 0));
  };
  const failure = ({ code, reason = 'INTERNAL' }: Exclude<Behaviour, string>): StatusObject =>
    errorToGrpc(new MeshError({ code, reason, message: 'planted' }));
  server.register(
    echoPolicy('say').path,
    (call: Arrived, callback: (error: Partial<ServiceError> | null, answer?: Buffer) => void) => {
      arrived(call);
      if (made.behaviour === 'well') callback(null, Buffer.from(String(made.port)));
      else if (made.behaviour !== 'silent') callback(failure(made.behaviour));
    },
    same,
    same,
    'unary',
  );
  server.register(
    echoPolicy('count').path,
    (call: Arrived & { write(bytes: Buffer): void; emit(event: 'error', error: StatusObject): void }) => {
      arrived(call);
      call.write(Buffer.from('1'));
      if (typeof made.behaviour === 'object') call.emit('error', failure(made.behaviour));
    },
    same,
    same,
    'serverStream',
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const made: ScriptedServer = {
    port,
    behaviour,
    attempts,
    connections: () => (server as unknown as { sessions: Map<unknown, unknown> }).sessions.size,
    kill: () => server.forceShutdown(),
  };
  return made;
}
