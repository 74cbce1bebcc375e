import { connect, createServer, type Socket } from 'node:net';

/** Stands between a client and a server, and loses an answer when it is told to. */
export interface ForgetfulProxy {
  readonly port: number;
  /**
   * From the next request on that holds this text, its connection hears nothing more from the server; once the server has
   * answered, the connection breaks.
   */
  forgetAfter(text: string): void;
  /** True once the awaited request has come. */
  hasForgotten(): boolean;
  end(): Promise<void>;
}

/** Opens a proxy to a server on a free port of the loopback interface. */
export async function forgetfulProxy(server: { host: string; port: number }): Promise<ForgetfulProxy> {
  const sockets = new Set<Socket>();
  let awaited: string | undefined;
  const listener = createServer((client) => {
    const upstream = connect(server.port, server.host);
    let deaf = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('data', (chunk) => {
      if (awaited !== undefined && chunk.includes(awaited)) {
        awaited = undefined;
        deaf = true;
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (deaf) client.destroy();
      else client.write(chunk);
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    port: (listener.address() as { port: number }).port,
    forgetAfter: (text) => {
      awaited = text;
    },
    hasForgotten: () => awaited === undefined,
    end: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
