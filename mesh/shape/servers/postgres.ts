import { execFile } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { machineAmbient } from '../../runtime/ambient.js';
import { readOrMakeSecret } from '../../runtime/secret-file.js';
import { StartupError } from '../../runtime/startup-error.js';
import { postgresAddressOf } from '../../store/postgres-address.js';
import { writeOwn } from './server-folder.js';
import { loopback, type PreparedPlace, type ServerKind } from './server-kind.js';

/** PostgreSQL that loses nothing it has acknowledged. Only where `--store postgres` was chosen. */
export const postgres: ServerKind = {
  name: 'postgres',
  choice: 'postgres',
  programs: ['postgres'],
  helpers: ['initdb'],
  folders: debianFolders,
  ways: 'apt install postgresql, or brew install postgresql, or docker compose --profile postgres up postgres',
  addressVariable: 'POSTGRES_URL',
  ports: [{ variable: 'POSTGRES_PORT', usual: 5432 }],
  user: 'postgres',
  // Fast shutdown; at SIGTERM it would wait until everybody has left.
  endSignal: 'SIGINT',
  // Immediate shutdown, without a checkpoint; killed, it would leave its lock and its processes.
  endAtOnceSignal: 'SIGQUIT',
  prepare: makeCluster,
  launch: ({ folder, data, port, platform }) => ({
    args: ['-D', data, '-c', `config_file=${folder}/postgresql.conf`],
    files: { 'postgresql.conf': postgresSettings(port('POSTGRES_PORT'), platform) },
    url: `postgres://${loopback}:${port('POSTGRES_PORT')}`,
  }),
  urlOf: (address) => {
    postgresAddressOf(address);
    return address;
  },
  ready: (url, signal) => answersStartup(url, signal),
  environment: (url) => ({ POSTGRES_URL: url }),
};

/** Debian keeps the programs of each version beside each other, and off PATH; the newest first. */
function debianFolders(): string[] {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .sort((one, other) => Number(other) - Number(one))
    .map((version) => join(root, version, 'bin'));
}

/** The server's settings; the same in compose.yaml. */
export function postgresSettings(port: number, platform: NodeJS.Platform): string {
  const settings: Record<string, string | number> = {
    listen_addresses: loopback,
    port,
    // Nobody needs one, and its path must be short.
    unix_socket_directories: '',
    // Ten for each instance of the services, and as many again while they are replaced.
    max_connections: 400,
    shared_buffers: '64MB',
    max_wal_size: '256MB',
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    // After a crash: the file system as a whole, where that can be, instead of some four thousand files one by one.
    recovery_init_sync_method: platform === 'linux' ? 'syncfs' : 'fsync',
    password_encryption: 'scram-sha-256',
    // A second is longer than callers wait.
    deadlock_timeout: '100ms',
    // A connection whose other end is gone lets go what it holds.
    client_connection_check_interval: '1s',
    jit: 'off',
    // No statement and no value of a row in the log.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_min_messages: 'warning',
    timezone: 'UTC',
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${typeof value === 'number' ? value : `'${value}'`}\n`)
    .join('');
}

/** The password of the superuser of a server that was started here, from its file, which is made when it is missing. */
export function superuserPassword(secrets: string): string {
  const file = join(secrets, 'postgres-superuser');
  return Buffer.from(readOrMakeSecret(file, 32, machineAmbient().random)).toString('base64url');
}

/** Makes the data folder with initdb, once. */
async function makeCluster({ data, helpers, runAs, secrets }: PreparedPlace): Promise<void> {
  // Written last: initdb that was interrupted is begun anew.
  const done = join(data, 'meshmart-made');
  if (existsSync(done)) return;
  for (const name of readdirSync(data)) rmSync(join(data, name), { recursive: true });
  const passwordFile = join(data, '..', 'password');
  writeOwn(passwordFile, superuserPassword(secrets), runAs);
  const args = [
    ...['-D', data, '-U', 'postgres', `--pwfile=${passwordFile}`],
    ...['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C'],
  ];
  try {
    await promisify(execFile)(helpers['initdb'] ?? 'initdb', args, { timeout: 60_000, ...runAs });
  } catch (cause) {
    const said = String((cause as { stderr?: string }).stderr ?? '').trim();
    throw new StartupError(
      `initdb can't make ${data} (${said.split('\n').at(-1) || (cause as Error).message})`,
      'make its disk writable and large enough, or name one that runs with POSTGRES_URL',
      { cause },
    );
  } finally {
    rmSync(passwordFile);
  }
  writeFileSync(done, '');
}

/** The protocol's version 3.0, as its first message says it. */
const protocolVersion = 196_608;

/**
 * Begins a session as the protocol says (https://www.postgresql.org/docs/current/protocol-flow.html) and goes no further:
 * a server that asks for a password is ready, and so is one that refuses, unless it says that it is still starting.
 */
function answersStartup(address: string, signal: AbortSignal): Promise<boolean> {
  const { host, port, admin, database } = postgresAddressOf(address);
  const body = Buffer.from(`user\0${admin}\0database\0${database}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + body.length, 0);
  head.writeInt32BE(protocolVersion, 4);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const end = (outcome: () => void) => {
      socket.destroy();
      outcome();
    };
    signal.addEventListener('abort', () => end(() => reject(signal.reason)), { once: true });
    socket.once('error', (error) => end(() => reject(error)));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.write(Buffer.concat([head, body])));
    // R: an authentication request; E: an error, with its SQLSTATE after C.
    socket.once('data', (answer) => {
      const text = answer.toString('latin1');
      end(() => resolve(text.startsWith('R') || (text.startsWith('E') && !text.includes('C57P03'))));
    });
  });
}
