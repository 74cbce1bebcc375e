import { Pool, type PoolClient, type PoolConfig } from 'pg';
import type { PostgresAddress } from './postgres-address.js';
import { postgresTypes } from './postgres-values.js';

export type { Pool, PoolClient } from 'pg';

/** How one role reaches one database. */
export interface PostgresAccess {
  readonly address: PostgresAddress;
  readonly user: string;
  readonly database: string;
  /** Asked at each new connection, so that a new password needs no restart. It never comes from the environment. */
  readonly password: () => string;
  /** How the connections name themselves in `pg_stat_activity`. */
  readonly name: string;
}

/** The bounds of a pool. */
export interface PostgresLimits {
  /**
   * Most connections at once. Default 10. A transaction holds one for two round trips, and on a busy machine that is long for
   * want of a processor on either side: with five, some 15 transactions a second were all that an instance came to.
   */
  readonly connections?: number;
  /** Longest wait for a connection, in milliseconds, whether it is made or given back by another. Default 1350. */
  readonly connectWithinMs?: number;
  /** Longest time that a statement may take in the server, in milliseconds. Default 900. */
  readonly statementWithinMs?: number;
  /**
   * Whether the server refuses what is written outside a transaction that says {@link beginWriting}. Default false. Statements
   * are sent before BEGIN is answered: should it fail, each of them would be a transaction of its own.
   */
  readonly writesOnlyInTransactions?: boolean;
}

/** After so long a connection that nobody uses is closed, in milliseconds. */
const idleMs = 30_000;
/**
 * After so long the server undoes a transaction that goes on no further, in milliseconds: a process that is stopped in
 * the middle of a batch must not keep its rows from others.
 */
const idleInTransactionMs = 2_000;

/**
 * Settings of each session. All that a batch relies on is said here, whatever the server's own defaults are: it waits for
 * the disk, and each of its statements sees what others have committed before it.
 */
const sessionSettings = [
  'synchronous_commit=on',
  'default_transaction_isolation=read\\ committed',
  'client_min_messages=warning',
  // A generic plan is made once; the statements are few, and each goes by a key.
  'plan_cache_mode=force_generic_plan',
  // A plan that was made while a table was empty must not read all of it later.
  'enable_seqscan=off',
  'jit=off',
];

/** Begins a transaction that may write. */
export const beginWriting = 'BEGIN READ WRITE';

/** Opens a pool. Nothing is connected before it is used, and the server need not be there. */
export function openPostgresPool(access: PostgresAccess, limits: PostgresLimits = {}): Pool {
  const { address, user, database, password, name } = access;
  // Everything is said: what is not, the driver takes from PGUSER, PGPASSWORD and the like.
  const config: PoolConfig = {
    host: address.host,
    port: address.port,
    user,
    database,
    password,
    ssl:
      address.tls === undefined
        ? false
        : {
            rejectUnauthorized: true,
            ...(address.tls.authorities === undefined ? {} : { ca: address.tls.authorities }),
          },
    application_name: `meshmart:${name}`,
    options: [
      ...sessionSettings,
      ...(limits.writesOnlyInTransactions === true ? ['default_transaction_read_only=on'] : []),
    ]
      .map((setting) => `-c ${setting}`)
      .join(' '),
    max: limits.connections ?? 10,
    min: 0,
    connectionTimeoutMillis: limits.connectWithinMs ?? 1_350,
    idleTimeoutMillis: idleMs,
    statement_timeout: limits.statementWithinMs ?? 900,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    // A statement is sent when it is asked for, not when the one before it was answered: see postgres-batch.ts.
    pipeline: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: postgresTypes,
  };
  const pool = new Pool(config);
  // A connection that breaks while nobody uses it is told here, and one that breaks in use at its own event too: both
  // would end the process when nobody listened. What used it hears of it anyway, and the pool makes another.
  pool.on('error', () => undefined);
  pool.on('connect', (client: PoolClient) => client.on('error', () => undefined));
  return pool;
}

/**
 * Takes a connection out of its pool at once, whatever the server is at. Not `release(true)` alone: with statements on their
 * way the driver waits for their answers, and a server that hangs gives none.
 */
export function closeAtOnce(client: PoolClient): void {
  client.connection.stream.destroy();
  client.release(true);
}
