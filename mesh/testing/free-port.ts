import { createServer } from 'node:net';

const given = new Set<number>();

/**
 * Below the ports that systems give to connections that go out (from 32768 on Linux, from 49152 elsewhere): such a port
 * could be taken by any connection between two starts of a program that listens on it.
 */
const range = { from: 15_000, to: 32_000 };

/** Where servers listen beside the port that they are given: Consul (-200, -199), Jaeger (-1), Kafka (1), RabbitMQ (20, 21). */
const beside = [-200, -199, -1, 0, 1, 20, 21];

/** Mocha's workers, which run files at the same time, don't know what the others were given: each has a part of the range. */
const workers = 4;

function partOf(worker: string | undefined): { readonly from: number; readonly to: number } {
  if (worker === undefined) return range;
  const size = Math.floor((range.to - range.from) / workers);
  const from = range.from + (Number(worker) % workers) * size;
  return { from, to: from + size };
}

/**
 * A TCP port of the loopback interface that nothing listened on a moment ago, and that this process was not given
 * before. Another program may listen on it meanwhile: take port 0 instead wherever the caller can learn the outcome.
 */
export async function freePort(): Promise<number> {
  const { from, to } = partOf(process.env['MOCHA_WORKER_ID']);
  for (;;) {
    const port = from + Math.floor(Math.random() * (to - from));
    const near = beside.some((offset) => given.has(port + offset) || given.has(port - offset));
    if (near || !(await isFree(port))) continue;
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
