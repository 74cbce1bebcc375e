import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { keepsThings } from '../runtime/manifest.js';
import { readMountedSecret } from '../runtime/secret-source.js';
import { loadShop } from '../shape/loaded-shop.js';
import { servicePassword } from '../shape/processes/service-store.js';
import { postgresAddressOf, postgresNameOf } from '../store/postgres-address.js';
import { openPostgresPool } from '../store/postgres-pool.js';
import { startTestPostgres, type TestPostgres } from '../testing/postgres-server.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { databases } from './databases.js';

describe('meshmart databases', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const services = loadShop()
    .manifests.filter(keepsThings)
    .map(({ name }) => name);
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startTestPostgres();
    for (const [index, name] of services.entries())
      chmodSync(folder.write(`secrets/${name}-postgres`, String.fromCharCode(97 + index).repeat(32)), 0o440);
  });
  after(async () => {
    await postgres.end();
    folder.remove();
  });

  const run = async (more: Readonly<Record<string, string>> = {}) => {
    let said = '';
    const terminal = {
      out: (text: string) => {
        said += text;
      },
      err: () => undefined,
      interactive: false,
      environment: {
        POSTGRES_URL: postgres.url,
        POSTGRES_PASSWORD_FILE: postgres.passwordFile,
        MESHMART_SECRETS: join(folder.path, 'secrets'),
        ...more,
      },
    };
    await databases.run({ positionals: [], values: {} }, terminal);
    return said;
  };

  it('makes one for each service that keeps things, which its password opens, and does no harm a second time', async () => {
    expect(await run()).to.equal(`databases for ${services.join(', ')} are there\n`);
    await run();
    for (const service of services) {
      const name = postgresNameOf(service);
      const password = () =>
        servicePassword(
          (file, bytes) => readMountedSecret(join(folder.path, 'secrets', file), bytes),
          service,
        );
      const access = {
        address: postgresAddressOf(postgres.url),
        user: name,
        database: name,
        password,
        name: 'test',
      };
      const pool = openPostgresPool(access, { connections: 1, statementWithinMs: 5_000 });
      const { rows } = await pool.query<{ name: string }>('SELECT current_database() AS name');
      await pool.end();
      expect(rows).to.deep.equal([{ name }]);
    }
    expect(services).to.include('order').and.not.include('gateway');
  });

  it('says what is missing', async () => {
    const refused = (more: Readonly<Record<string, string>>) =>
      run(more).then(
        () => 'it ran',
        (error: Error) => error.message,
      );
    expect(await refused({ POSTGRES_URL: '' })).to.match(/POSTGRES_URL is missing/);
    expect(await refused({ MESHMART_SECRETS: folder.path })).to.match(/-postgres is missing/);
  });
});
