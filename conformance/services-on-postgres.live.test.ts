import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../mesh/runtime/package-root.js';
import { openPostgresPool } from '../mesh/store/postgres-pool.js';
import { loneStoreVariables } from '../mesh/testing/lone-store.js';
import { startTestPostgres, type TestPostgres } from '../mesh/testing/postgres-server.js';

const root = packageRoot();
const wireTests = (name: string) =>
  readdirSync(join(root, 'services', name)).filter((file) => file.endsWith('.wire.test.ts'));
/** Services whose tests start them with a store. */
const services = readdirSync(join(root, 'services')).filter(
  (name) => name !== 'gateway' && wireTests(name).length > 0,
);

describe("the services' own tests, with their stores in PostgreSQL", function () {
  this.timeout(180_000);
  let server: TestPostgres;
  before(async () => {
    server = await startTestPostgres();
  });
  after(() => server?.end());

  const databasesLike = async (pattern: string) => {
    const pool = openPostgresPool(server.superuser);
    const { rowCount } = await pool.query('SELECT 1 FROM pg_database WHERE datname LIKE $1', [pattern]);
    await pool.end();
    return rowCount ?? 0;
  };

  for (const name of services) {
    it(`hold for ${name}`, async () => {
      const mocha = join(root, 'node_modules', '.bin', 'mocha');
      const child = spawn(
        mocha,
        ['--timeout', '60000', ...wireTests(name).map((file) => join('services', name, file))],
        {
          cwd: root,
          env: {
            ...process.env,
            [loneStoreVariables.url]: server.url,
            [loneStoreVariables.passwordFile]: server.passwordFile,
          },
        },
      );
      let said = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          said += chunk;
        });
      }
      const [code] = (await once(child, 'close')) as [number | null];
      expect(code, said).to.equal(0);
      expect(said).to.match(/[1-9]\d* passing/);
      expect(await databasesLike(`meshmart_${name}_%`), 'databases that it has used').to.be.greaterThan(0);
    });
  }
});
