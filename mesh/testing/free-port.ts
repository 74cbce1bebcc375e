import { createServer } from 'node:net';

const given = new Set<number>();

/**
 * Below the ports that systems give to connections that go out (from 32768 on Linux, from 49152 elsewhere): such a port
 * could be taken by any connection between two starts of a program that listens on it.
 */
const range = { from: 15_000, to: 32_000 };

/**
 * A TCP port of the loopback interface that nothing listened on a moment ago, and that this process was not given
 * before. Another program may listen on it meanwhile: take port 0 instead wherever the caller can learn the outcome.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = range.from + Math.floor(Math.random() * (range.to - range.from));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
