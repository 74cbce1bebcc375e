import { createServer } from 'node:net';

const given = new Set<number>();

/**
 * A TCP port of the loopback interface that nothing listened on a moment ago, and that this process was not given
 * before. Another program may take it meanwhile: listen on port 0 instead wherever the caller can learn the outcome.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await portOfTheSystem();
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}

function portOfTheSystem(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null
          ? resolve(address.port)
          : reject(new Error('the system gave no port')),
      );
    });
  });
}
