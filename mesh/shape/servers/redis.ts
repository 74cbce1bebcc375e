import { connect } from 'node:net';
import { loopback, type ServerKind } from './server-kind.js';

/** Redis that loses nothing it has acknowledged: each write is on disk before its answer. */
export const redis: ServerKind = {
  name: 'redis',
  programs: ['redis-server', 'valkey-server'],
  ways: 'apt install redis-server, or brew install redis, or docker compose up redis',
  addressVariable: 'REDIS_URL',
  ports: [{ variable: 'REDIS_PORT', usual: 6379 }],
  launch: ({ folder, port }) => ({
    args: [...redisArguments(port('REDIS_PORT')), '--dir', folder],
    files: {},
    url: `redis://${loopback}:${port('REDIS_PORT')}`,
  }),
  urlOf: (address) => address,
  ready: (url, signal) => answersPing(url, signal),
  environment: (url) => ({ REDIS_URL: url }),
};

/** The server's settings; the same in compose.yaml. */
export function redisArguments(port: number): string[] {
  return [
    '--port',
    String(port),
    '--bind',
    loopback,
    '--protected-mode',
    'yes',
    '--appendonly',
    'yes',
    '--appendfsync',
    'always',
    '--save',
    '',
    '--maxmemory-policy',
    'noeviction',
    '--daemonize',
    'no',
  ];
}

/** Sends PING; `-NOAUTH` counts as well: it is there, and the services have the password. */
function answersPing(address: string, signal: AbortSignal): Promise<boolean> {
  const url = new URL(address);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname, port: Number(url.port || 6379) });
    const end = (outcome: () => void) => {
      socket.destroy();
      outcome();
    };
    signal.addEventListener('abort', () => end(() => reject(signal.reason)), { once: true });
    socket.once('error', (error) => end(() => reject(error)));
    socket.once('connect', () => socket.write('PING\r\n'));
    // -LOADING: it reads its file.
    socket.once('data', (answer) => end(() => resolve(/^(\+PONG|-NOAUTH)/.test(answer.toString()))));
  });
}
