import { join, resolve } from 'node:path';
import { machineAmbient } from '../runtime/ambient.js';
import { keepsThings } from '../runtime/manifest.js';
import { secretSource } from '../runtime/secret-source.js';
import { StartupError } from '../runtime/startup-error.js';
import { loadShop } from '../shape/loaded-shop.js';
import type { Command } from './command.js';
import { dataFolderOf, dataOption } from './data-option.js';

/** `meshmart databases`: what `meshmart up --store postgres` does before services start, for shapes that it does not start. */
export const databases: Command = {
  name: 'databases',
  summary:
    "Make a database and a role in PostgreSQL for each service that keeps things there, and set the roles' passwords.",
  usage: '[OPTIONS]',
  options: { data: dataOption },
  examples: [
    'POSTGRES_URL=postgres://127.0.0.1:5432 POSTGRES_PASSWORD_FILE=postgres-password meshmart databases',
  ],
  run: async (args, terminal) => {
    const { environment } = terminal;
    const url = environment['POSTGRES_URL'] || undefined;
    if (url === undefined)
      throw new StartupError(
        'POSTGRES_URL is missing',
        'name the PostgreSQL that the services keep things in',
      );
    const { postgresAddressOf } = await import('../store/postgres-address.js');
    const { provisionPostgres } = await import('../store/postgres-provision.js');
    const { givenPassword } = await import('../shape/processes/make-databases.js');
    const { servicePassword } = await import('../shape/processes/service-store.js');
    const ambient = machineAmbient();
    const address = postgresAddressOf(url);
    const password = givenPassword(environment);
    const source = secretSource(
      environment,
      join(resolve(dataFolderOf(args, terminal)), 'secrets'),
      ambient.random,
    );
    const services = loadShop()
      .manifests.filter(keepsThings)
      .map(({ name }) => name);
    await provisionPostgres({
      address,
      password: () => password,
      services: Object.fromEntries(services.map((name) => [name, servicePassword(source, name)])),
      ambient,
      openWithinMs: 60_000,
    });
    terminal.out(`databases for ${services.join(', ')} are there\n`);
    return 0;
  },
};
