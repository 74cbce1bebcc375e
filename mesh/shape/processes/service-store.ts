import { join } from 'node:path';
import type { DataFiles } from '../../runtime/data-folder.js';
import type { Manifest } from '../../runtime/manifest.js';
import type { Ambient, Log, Random } from '../../runtime/ports.js';
import { readOrMakeSecret } from '../../runtime/secret-file.js';
import { type Environment, wordOf } from '../../runtime/setting.js';
import { StartupError } from '../../runtime/startup-error.js';
import type { SchemaStep } from '../../store/schema-step.js';
import { openSqliteStore } from '../../store/sqlite-store.js';
import type { Store } from '../../store/store.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { Tracer } from '../../telemetry/tracer.js';
import { instanceVariables } from './channel.js';

/** Where services keep what is theirs: a SQLite file each, or a database each in PostgreSQL. */
export const storeKinds = ['sqlite', 'postgres'] as const;
export type StoreKind = (typeof storeKinds)[number];

/** What an instance's store is opened with. */
export interface ServiceStoreOptions {
  readonly manifest: Manifest;
  /** See {@link import('./instance.js').InstanceOptions.id}. */
  readonly id: string;
  readonly schema: readonly SchemaStep[];
  readonly data: DataFiles;
  readonly environment: Environment;
  readonly ambient: Ambient;
  readonly log: Log;
  readonly metrics?: Metrics;
  readonly tracer?: Tracer;
}

/**
 * Opens a service's store where the environment says.
 * @throws StartupError for a wrong setting, and for a store that can't be used.
 */
export async function openServiceStore(options: ServiceStoreOptions): Promise<Store> {
  const { manifest, id, data, environment, ambient } = options;
  const service = manifest.name;
  const { schema, log, metrics, tracer } = options;
  const observers = {
    ...(metrics === undefined ? {} : { metrics }),
    ...(tracer === undefined ? {} : { tracer }),
  };
  const kind: StoreKind = wordOf(environment, instanceVariables.store, storeKinds, 'sqlite');
  if (kind === 'sqlite') {
    const path = data.file(service, `${service}.db`);
    return openSqliteStore({ path, service, schema, ...ambient, ...observers });
  }
  const url = environment['POSTGRES_URL'];
  if (url === undefined || url === '')
    throw new StartupError('POSTGRES_URL is missing', 'name the PostgreSQL that the services keep things in');
  // Loaded only here: who keeps to SQLite pays nothing for it.
  const { openPostgresStore } = await import('../../store/postgres-store.js');
  const { postgresAddressOf, postgresNameOf } = await import('../../store/postgres-address.js');
  const name = postgresNameOf(service);
  const access = {
    address: postgresAddressOf(url),
    user: name,
    database: name,
    password: () => servicePassword(data, service, ambient.random),
    name: id,
  };
  return openPostgresStore({ access, service, schema, log, ...ambient, ...observers });
}

/** The password of a service's role in PostgreSQL, from its file below `secrets/`, which is made when it is missing. */
export function servicePassword(data: DataFiles, service: string, random: Random): string {
  const file = join(data.path, 'secrets', `${service}-postgres`);
  return Buffer.from(readOrMakeSecret(file, 32, random)).toString('base64url');
}
