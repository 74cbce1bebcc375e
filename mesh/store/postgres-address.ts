import { existsSync, readFileSync } from 'node:fs';
import { decodedPart } from '../runtime/setting.js';
import { StartupError } from '../runtime/startup-error.js';

/** Where a PostgreSQL is, and who makes databases there. */
export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
  /** The user that may create roles and databases. Default `postgres`. */
  readonly admin: string;
  /** The database that this user connects to. Default `postgres`. */
  readonly database: string;
  /** Certificates that the server's is checked against, in PEM; absent: no TLS. */
  readonly tls: { readonly authorities: string | undefined } | undefined;
}

const example = 'postgres://postgres@127.0.0.1:5432, with ?sslmode=verify-full for TLS';

/**
 * Reads POSTGRES_URL: `postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full&sslrootcert=FILE`, all but the host optional.
 * @throws StartupError for what is not one, for a password in it, and for a kind of TLS that checks nothing.
 */
export function postgresAddressOf(text: string): PostgresAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const [admin, database] = [url?.username, url?.pathname.slice(1)].map((part) => decodedPart(part ?? ''));
  if (
    url === undefined ||
    !['postgres:', 'postgresql:'].includes(url.protocol) ||
    url.hostname === '' ||
    admin === undefined ||
    database === undefined
  )
    throw new StartupError(`POSTGRES_URL is '${text}'`, `give it as ${example}`);
  if (url.password !== '') {
    throw new StartupError(
      'POSTGRES_URL holds a password',
      'put it into a file and name that in POSTGRES_PASSWORD_FILE',
    );
  }
  for (const name of url.searchParams.keys()) {
    if (name !== 'sslmode' && name !== 'sslrootcert')
      throw new StartupError(`POSTGRES_URL has '${name}'`, `leave it out: ${example}`);
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || 5432),
    admin: admin || 'postgres',
    database: database || 'postgres',
    tls: tlsOf(url.searchParams),
  };
}

function tlsOf(parameters: URLSearchParams): PostgresAddress['tls'] {
  const mode = parameters.get('sslmode') ?? 'disable';
  if (mode === 'disable') return undefined;
  if (mode !== 'verify-full')
    throw new StartupError(`POSTGRES_URL has sslmode=${mode}`, 'use verify-full, or disable on loopback');
  const file = parameters.get('sslrootcert');
  return { authorities: file === null ? undefined : textIn(file, 'POSTGRES_URL names sslrootcert') };
}

/** The password of {@link PostgresAddress.admin}. @throws StartupError when its file can't be read. */
export function postgresPasswordIn(file: string): string {
  return textIn(file, 'POSTGRES_PASSWORD_FILE names').trim();
}

function textIn(file: string, named: string): string {
  if (!existsSync(file)) throw new StartupError(`${named} ${file}, which is not there`, 'name a file');
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new StartupError(`${named} ${file}, which can't be read`, 'name a file that can be', { cause });
  }
}

/** The role and the database of a service: they have the same name. */
export function postgresNameOf(service: string): string {
  return `meshmart_${service.replaceAll('-', '_')}`;
}
