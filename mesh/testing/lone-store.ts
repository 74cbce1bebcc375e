import { readFileSync } from 'node:fs';
import { machineAmbient } from '../runtime/ambient.js';
import type { Ambient } from '../runtime/ports.js';
import { postgresAddressOf, postgresNameOf } from '../store/postgres-address.js';
import { openPostgresPool } from '../store/postgres-pool.js';
import { provisionPostgres } from '../store/postgres-provision.js';
import { openPostgresStore } from '../store/postgres-store.js';
import type { SchemaStep } from '../store/schema-step.js';
import { openSqliteStore } from '../store/sqlite-store.js';
import type { Store } from '../store/store.js';
import { collectingLog } from './collecting-log.js';
import type { VirtualClock } from './virtual-clock.js';

/**
 * Variables that make every lone service keep its store in PostgreSQL: a URL, and the file with its superuser's password. So
 * the tests of the services run on both kinds of store, as they are.
 */
export const loneStoreVariables = {
  url: 'TEST_POSTGRES_URL',
  passwordFile: 'TEST_POSTGRES_PASSWORD_FILE',
} as const;

export interface LoneStoreOptions {
  readonly service: string;
  readonly schema: readonly SchemaStep[];
  /** Those that name the same path share a database. Absent: a database that nobody else has. */
  readonly path: string | undefined;
  readonly ambient: Ambient;
}

/** Opens a store for one service of a test: empty, unless its path was opened before. */
export async function openLoneStore(options: LoneStoreOptions): Promise<Store> {
  const { service, schema, path = ':memory:', ambient } = options;
  const url = process.env[loneStoreVariables.url];
  return url === undefined || url === ''
    ? openSqliteStore({ path, service, schema, clock: ambient.clock })
    : onPostgres(options, url);
}

/** Databases that were made by this process: who has them open, and under which path. */
const databases: {
  readonly name: string;
  readonly service: string;
  readonly path: string | undefined;
  users: number;
}[] = [];
const password = 'test-password';

async function onPostgres({ service, schema, path, ambient }: LoneStoreOptions, url: string): Promise<Store> {
  const address = postgresAddressOf(url);
  const known = databases.filter((one) => one.service === service && one.path === path);
  const kept = path === undefined ? undefined : known[0];
  const database = kept ?? known.find(({ users }) => users === 0) ?? (await make());
  const access = {
    address,
    user: postgresNameOf(database.name),
    database: postgresNameOf(database.name),
    password: () => password,
    name: `test ${service}`,
  };
  database.users += 1;
  if (kept === undefined) {
    const pool = openPostgresPool(access, { connections: 1, statementWithinMs: 30_000 });
    await pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    await pool.end();
  }
  // Waits for the server are real, whatever the test's clock says.
  const { timers, clock: machineClock } = machineAmbient();
  const clock = { nowMs: ambient.clock.nowMs, monotonicMs: machineClock.monotonicMs };
  const store = await openPostgresStore({
    access,
    service,
    schema,
    clock,
    timers,
    log: collectingLog(),
    withinMs: 10_000,
  });
  return watched(store, ambient, () => {
    database.users -= 1;
  });

  async function make() {
    const made = { name: `${service}-${process.pid}-${databases.length}`, service, path, users: 0 };
    databases.push(made);
    const superuser = readFileSync(process.env[loneStoreVariables.passwordFile] ?? '', 'utf8').trim();
    const services = { [made.name]: password };
    await provisionPostgres({ address, password: () => superuser, services, ambient: machineAmbient() });
    return made;
  }
}

/** Keeps a virtual clock from moving on while the store is at work, which a test takes to be done at once. */
function watched(store: Store, ambient: Ambient | VirtualClock, onClose: () => void): Store {
  let busy = 0;
  if ('settlesWith' in ambient) ambient.settlesWith(() => busy > 0);
  const during = async <T>(work: Promise<T>): Promise<T> => {
    busy += 1;
    try {
      return await work;
    } finally {
      busy -= 1;
    }
  };
  return {
    ...store,
    query: (statement, trace) => during(store.query(statement, trace)),
    readStream: (stream, after, trace) => during(store.readStream(stream, after, trace)),
    findCommand: (command, trace) => during(store.findCommand(command, trace)),
    inboxHas: (consumer, messageId) => during(store.inboxHas(consumer, messageId)),
    commit: (batch) => during(store.commit(batch)),
    unpublished: (limit) => during(store.unpublished(limit)),
    markPublished: (sequences) => during(store.markPublished(sequences)),
    probe: () => during(store.probe()),
    close: async () => {
      await store.close();
      onClose();
    },
  };
}
