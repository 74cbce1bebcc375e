import { type Client, Metadata, Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js';

const path = '/test.Echo/Say';
const same = (bytes: Buffer) => bytes;

/** A server that answers with its port, and counts its connections. */
export async function echoServer() {
  const seen = { calls: 0, authorities: new Set<string>(), connections: 0, attempts: [] as string[] };
  let hold: Promise<void> | undefined;
  let failures = 0;
  const server = new Server();
  let port = 0;
  server.register(
    path,
    (
      call: { metadata: Metadata; getHost(): string },
      callback: (error: Partial<ServiceError> | null, answer?: Buffer) => void,
    ) => {
      seen.calls += 1;
      seen.authorities.add(call.getHost());
      seen.attempts.push(String(call.metadata.get('grpc-previous-rpc-attempts')[0] ?? 0));
      if (failures > 0) {
        failures -= 1;
        callback({ code: status.UNAVAILABLE });
        return;
      }
      const answer = () => callback(null, Buffer.from(String(port)));
      if (hold === undefined) answer();
      else void hold.then(answer);
    },
    same,
    same,
    'unary',
  );
  port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const sessions = server as unknown as { sessions: Map<unknown, unknown> };
  return {
    port,
    seen,
    connections: () => sessions.sessions.size,
    failNext: (count: number) => {
      failures = count;
    },
    /** Holds all answers back; the returned function lets them go. */
    hold: () => {
      let release: () => void = () => undefined;
      hold = new Promise((resolve) => {
        release = () => {
          hold = undefined;
          resolve();
        };
      });
      return () => release();
    },
    /** Takes no more connections, and ends when all calls have. */
    drain: () => new Promise<void>((resolve) => server.tryShutdown(() => resolve())),
    end: () => server.forceShutdown(),
  };
}

export type Echo = Awaited<ReturnType<typeof echoServer>>;

export const say = (client: Client, withinMs = 5_000) =>
  new Promise<string>((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      same,
      same,
      Buffer.alloc(0),
      new Metadata(),
      { deadline: Date.now() + withinMs },
      (error, answer) => (error === null ? resolve(String(answer)) : reject(error)),
    );
  });
/** Calls without a pause until it is stopped. */
export const load = (client: Client) => {
  const failures: string[] = [];
  const ports = new Map<string, number>();
  let going = true;
  const workers = Array.from({ length: 8 }, async () => {
    while (going) {
      await say(client).then(
        (port) => ports.set(port, (ports.get(port) ?? 0) + 1),
        (error: Error) => failures.push(error.message),
      );
    }
  });
  return {
    failures,
    ports,
    stop: async () => {
      going = false;
      await Promise.all(workers);
    },
  };
};
