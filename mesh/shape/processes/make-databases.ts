import { join } from 'node:path';
import type { DataFiles } from '../../runtime/data-folder.js';
import type { Ambient } from '../../runtime/ports.js';
import { secretSource } from '../../runtime/secret-source.js';
import type { Environment } from '../../runtime/setting.js';
import { postgresAddressOf, postgresPasswordIn } from '../../store/postgres-address.js';
import { provisionPostgres } from '../../store/postgres-provision.js';
import type { LoadedShop } from '../loaded-shop.js';
import { superuserPassword } from '../servers/postgres.js';
import type { Servers } from '../servers/start-servers.js';
import { servicePassword } from './service-store.js';

/** What the services' databases are made with. */
export interface MakeDatabasesOptions {
  readonly shop: LoadedShop;
  readonly data: DataFiles;
  readonly environment: Environment;
  readonly servers: Servers;
  readonly ambient: Ambient;
}

/**
 * Makes a database and a role for each service in PostgreSQL, wherever that runs. Its superuser's password is in the file that
 * POSTGRES_PASSWORD_FILE names; that of a server which was started here is in the data folder.
 * @throws StartupError when they can't be made.
 */
export async function makeDatabases(options: MakeDatabasesOptions): Promise<void> {
  const { shop, data, environment, servers, ambient } = options;
  const address = postgresAddressOf(servers.environment['POSTGRES_URL'] ?? '');
  const ours = servers.status().some(({ name }) => name === 'postgres');
  const source = secretSource({}, join(data.path, 'secrets'), ambient.random);
  const password = ours ? superuserPassword(join(data.path, 'secrets')) : givenPassword(environment);
  await provisionPostgres({
    address,
    password: () => password,
    services: Object.fromEntries(shop.manifests.map(({ name }) => [name, servicePassword(source, name)])),
    ambient,
  });
}

/**
 * The password of a PostgreSQL that runs already; empty where none is given.
 * @throws StartupError when POSTGRES_PASSWORD_FILE names no file.
 */
export function givenPassword(environment: Environment): string {
  const file = environment['POSTGRES_PASSWORD_FILE'];
  return file === undefined || file === '' ? '' : postgresPasswordIn(file);
}
