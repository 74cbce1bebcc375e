import type { DataFiles } from '../../runtime/data-folder.js';
import type { Ambient, Log } from '../../runtime/ports.js';
import { type SecretSource, secretSource } from '../../runtime/secret-source.js';
import { type Environment, wordOf } from '../../runtime/setting.js';
import { StartupError } from '../../runtime/startup-error.js';
import type { PostgresStoreOptions } from '../../store/postgres-store.js';
import type { SchemaStep } from '../../store/schema-step.js';
import { openSqliteStore } from '../../store/sqlite-store.js';
import type { Store } from '../../store/store.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { Tracer } from '../../telemetry/tracer.js';
import { instanceVariables } from './channel.js';

/** Where services keep what is theirs: a SQLite file each, or a database each in PostgreSQL. */
export const storeKinds = ['sqlite', 'postgres'] as const;
export type StoreKind = (typeof storeKinds)[number];

/** What a service's store is opened with. */
export interface ServiceStoreOptions {
  readonly service: string;
  /** Who opens it: see {@link import('./instance.js').InstanceOptions.id}. */
  readonly id: string;
  readonly schema: readonly SchemaStep[];
  readonly data: DataFiles;
  readonly ambient: Ambient;
  readonly log?: Log;
  readonly metrics?: Metrics;
  readonly tracer?: Tracer;
}

/**
 * Opens a service's store where the environment says.
 * @throws StartupError for a wrong setting, and for a store that can't be used.
 */
export async function openServiceStore(
  options: ServiceStoreOptions,
  environment: Environment,
): Promise<Store> {
  const { service, data, ambient } = options;
  const kind: StoreKind = wordOf(environment, instanceVariables.store, storeKinds, 'sqlite');
  if (kind === 'sqlite')
    return openSqliteStore({ ...options, ...ambient, path: data.file(service, `${service}.db`) });
  const url = environment['POSTGRES_URL'];
  if (url === undefined || url === '')
    throw new StartupError('POSTGRES_URL is missing', 'name the PostgreSQL that the services keep things in');
  const source = secretSource(environment, data.file('secrets'), ambient.random);
  return openServiceDatabase(options, url, source);
}

/**
 * Opens a service's database in PostgreSQL.
 * @throws StartupError for a wrong URL, and when it can't be used in time.
 */
export async function openServiceDatabase(
  options: ServiceStoreOptions & Pick<PostgresStoreOptions, 'openWithinMs' | 'withinMs'>,
  url: string,
  source: SecretSource,
): Promise<Store> {
  const { service, id, ambient } = options;
  // Loaded only here: who keeps to SQLite pays nothing for it.
  const { openPostgresStore } = await import('../../store/postgres-store.js');
  const { postgresAddressOf, postgresNameOf } = await import('../../store/postgres-address.js');
  const name = postgresNameOf(service);
  const access = {
    address: postgresAddressOf(url),
    user: name,
    database: name,
    password: () => servicePassword(source, service),
    name: id,
  };
  return openPostgresStore({ ...options, ...ambient, access });
}

/** The password of a service's role in PostgreSQL: the 32 bytes of the secret `<service>-postgres`, as text. */
export function servicePassword(source: SecretSource, service: string): string {
  return Buffer.from(source(`${service}-postgres`, 32)).toString('base64url');
}
