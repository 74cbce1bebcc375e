import { connect, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { StartupError } from '../../runtime/startup-error.js';
import { loopback, type ServerKind } from './server-kind.js';

/** Redis that loses nothing it has acknowledged: each write is on disk before its answer. */
export const redis: ServerKind = {
  name: 'redis',
  programs: ['redis-server', 'valkey-server'],
  ways: 'apt install redis-server, or brew install redis, or docker compose up redis',
  addressVariable: 'REDIS_URL',
  ports: [{ variable: 'REDIS_PORT', usual: 6379 }],
  launch: ({ folder, data, port, redisUsers }) => ({
    args: [
      ...redisArguments(port('REDIS_PORT')),
      '--dir',
      data,
      ...(redisUsers === undefined ? [] : ['--aclfile', `${folder}/users.acl`]),
    ],
    files: redisUsers === undefined ? {} : { 'users.acl': redisUsers },
    url: `redis://${loopback}:${port('REDIS_PORT')}`,
  }),
  urlOf: redisUrlOf,
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
    // Else its arguments are gone, and nobody can tell whose it is.
    '--set-proc-title',
    'no',
  ];
}

/** Holds no password: the URL is shown by `meshmart status`. */
function redisUrlOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && url.password !== '') {
    throw new StartupError(
      'REDIS_URL holds a password',
      'put it into a file and name that in REDIS_PASSWORD_FILE',
    );
  }
  if (url !== undefined && ['redis:', 'rediss:'].includes(url.protocol) && url.hostname !== '')
    return address;
  throw new StartupError(
    `REDIS_URL is '${address}'`,
    'give it as redis://127.0.0.1:6379, or rediss:// for TLS',
  );
}

/** Sends PING; `-NOAUTH` counts as well: it is there, and the services have the password. */
function answersPing(address: string, signal: AbortSignal): Promise<boolean> {
  const url = new URL(address);
  return new Promise((resolve, reject) => {
    const at = { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || 6379) };
    const secure = url.protocol === 'rediss:';
    const socket = secure
      ? connectTls({ ...at, servername: isIP(at.host) === 0 ? at.host : '' })
      : connect(at);
    const end = (outcome: () => void) => {
      socket.destroy();
      outcome();
    };
    signal.addEventListener('abort', () => end(() => reject(signal.reason)), { once: true });
    socket.once('error', (error) => end(() => reject(error)));
    socket.once(secure ? 'secureConnect' : 'connect', () => socket.write('PING\r\n'));
    // -LOADING: it reads its file.
    socket.once('data', (answer) => end(() => resolve(/^(\+PONG|-NOAUTH)/.test(answer.toString()))));
  });
}
