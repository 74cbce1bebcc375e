import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import type { Ambient } from '../runtime/ports.js';
import { StartupError } from '../runtime/startup-error.js';
import { type PostgresAddress, postgresNameOf } from './postgres-address.js';
import { firstWork } from './postgres-open.js';
import { openPostgresPool, type PoolClient } from './postgres-pool.js';

/** What the databases of a shop are made with. */
export interface ProvisionOptions {
  readonly address: PostgresAddress;
  /** The password of the address's admin. */
  readonly password: () => string;
  /** The password that each service's role shall have, by service. */
  readonly services: Readonly<Record<string, string>>;
  readonly ambient: Ambient;
  /** How long to wait for the server, in milliseconds. Default 20000. */
  readonly openWithinMs?: number;
}

/** Held while roles and databases are looked at and made: two shops may start at once. */
const provisionLock = 7_346_000;
/** RFC 7677 asks for no fewer. */
const scramIterations = 4_096;

/**
 * Makes a role and a database of its own for each service, where they are missing, and sets the roles' passwords. No role can
 * connect to the database of another.
 * @throws StartupError when the server can't be used, would lose what it has acknowledged, or has a database of this name that
 * compares texts in another way.
 */
export async function provisionPostgres(options: ProvisionOptions): Promise<void> {
  const { address, ambient } = options;
  const { admin: user, database, host, port } = address;
  const pool = openPostgresPool(
    { address, user, database, password: options.password, name: 'provision' },
    { connections: 1, statementWithinMs: 30_000 },
  );
  const { openWithinMs = 20_000 } = options;
  const within = { openWithinMs, workWithinMs: 60_000, beingMade: false, ...ambient };
  try {
    await firstWork(pool, `PostgreSQL at ${host}:${port}`, within, async (client) => {
      await requireDurable(client);
      await client.query('SELECT pg_advisory_lock($1)', [provisionLock]);
      for (const [service, password] of Object.entries(options.services)) {
        const name = postgresNameOf(service);
        await makeRole(client, name, scramVerifier(password, ambient.random.secretBytes(16)));
        await makeDatabase(client, name);
      }
      await client.query('SELECT pg_advisory_unlock($1)', [provisionLock]);
    });
  } catch (cause) {
    if (cause instanceof StartupError) throw cause;
    throw new StartupError(
      `the databases can't be made in PostgreSQL at ${host}:${port} (${(cause as Error).message})`,
      `give ${user} the right to create roles and databases`,
      { cause },
    );
  } finally {
    await pool.end();
  }
}

/** What a server is told not to do for the sake of speed. */
async function requireDurable(client: PoolClient): Promise<void> {
  for (const setting of ['fsync', 'full_page_writes']) {
    const { rows } = await client.query<Record<string, string>>(`SHOW ${setting}`);
    if (rows[0]?.[setting] === 'on') continue;
    throw new StartupError(
      `PostgreSQL has ${setting} = ${rows[0]?.[setting]}: it would lose what it has acknowledged`,
      `set ${setting} = on`,
    );
  }
}

async function makeRole(client: PoolClient, name: string, verifier: string): Promise<void> {
  const { rowCount } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [name]);
  const verb = rowCount === 0 ? 'CREATE' : 'ALTER';
  // The verifier, not the password: statements end up in logs.
  await client.query(
    `${verb} ROLE ${name} WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '${verifier}'`,
  );
}

async function makeDatabase(client: PoolClient, name: string): Promise<void> {
  const { rows } = await client.query<{ collation: string; encoding: string }>(
    'SELECT datcollate AS collation, pg_encoding_to_char(encoding) AS encoding FROM pg_database WHERE datname = $1',
    [name],
  );
  const [found] = rows;
  if (found === undefined) {
    // Who is no superuser may give a database only to a role that it is a member of.
    await client.query(`GRANT ${name} TO CURRENT_USER`);
    // Texts are compared by their bytes, as SQLite does.
    await client.query(
      `CREATE DATABASE ${name} OWNER ${name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`,
    );
  } else if (found.collation !== 'C' || found.encoding !== 'UTF8') {
    throw new StartupError(
      `the database ${name} has the encoding ${found.encoding} and the collation ${found.collation}, not UTF8 and C`,
      'move it away to have one made',
    );
  }
  await client.query(`REVOKE CONNECT, TEMPORARY ON DATABASE ${name} FROM PUBLIC`);
}

/**
 * What PostgreSQL keeps of a password (RFC 5803): enough to check it, not enough to log in with.
 * @param password ASCII, so that SASLprep leaves it as it is.
 */
export function scramVerifier(password: string, salt: Uint8Array): string {
  const salted = pbkdf2Sync(password, salt, scramIterations, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  const serverKey = hmac('Server Key').toString('base64');
  return `SCRAM-SHA-256$${scramIterations}:${Buffer.from(salt).toString('base64')}$${storedKey}:${serverKey}`;
}
