import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { machineAmbient } from '../mesh/runtime/ambient.js';
import { secretSource } from '../mesh/runtime/secret-source.js';
import { servicePassword } from '../mesh/shape/processes/service-store.js';
import { postgresAddressOf, postgresNameOf } from '../mesh/store/postgres-address.js';
import { openPostgresPool } from '../mesh/store/postgres-pool.js';
import { eventually } from '../mesh/testing/eventually.js';
import { seededRandom } from '../mesh/testing/seeded-random.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { type Buyer, newBuyer, request } from './buyer.js';
import { type Acknowledged, buyCarefully, untilAllFinal } from './careful-buyer.js';
import { expectAgreement } from './ledger-agreement.js';
import { type MeshProcess, startMesh } from './mesh-process.js';
import { runMeshmart } from './shop-process.js';
import { tourSettings, tourSuite } from './tour-suite.js';
import { startWitnesses, type Witnesses } from './witnesses.js';

/** One mesh for the tour, which ends it. */
tourSuite('processes, stores in PostgreSQL', async () => {
  const mesh = await startMesh({ store: 'postgres', environment: tourSettings });
  const { httpUrl, grpcAddress, adminUrl, dataFolder } = mesh;
  return { httpUrl, grpcAddress, adminUrl, dataFolder, stop: () => mesh.end() };
});

const purchases = 120;
const kills = 4;
const seed = Number(process.env['KILL_SEED'] ?? 20261126);

describe('a mesh of processes whose stores are in PostgreSQL', function () {
  this.timeout(4 * 60_000);
  let folder: TemporaryFolder;
  let witnesses: Witnesses;
  let mesh: MeshProcess;
  let products: readonly string[];
  const acknowledged: Acknowledged[] = [];

  before(async () => {
    folder = temporaryFolder();
    witnesses = await startWitnesses(folder.path);
    mesh = await startMesh({
      store: 'postgres',
      scale: ['order=2'],
      environment: { CARD_PROCESSOR_URL: witnesses.cardProcessorUrl, SMTP_URL: witnesses.smtpUrl },
    });
    const page = await request(mesh.httpUrl, 'GET', '/v1/products?pageSize=50');
    products = page.body.products.map(({ id }: { id: string }) => id);
  });
  after(async () => {
    await mesh?.end();
    await witnesses?.stop();
    folder?.remove();
  });

  const postgresPid = async () => {
    const { servers } = (await mesh.status()) as unknown as { servers: { name: string; pid: number }[] };
    return servers.find(({ name }) => name === 'postgres')?.pid ?? 0;
  };
  const orderRows = async (sql: string, ...values: string[]) => {
    const address = postgresAddressOf((await mesh.status()).addresses['postgres'] ?? '');
    const name = postgresNameOf('order');
    const password = () =>
      servicePassword(secretSource({}, join(mesh.dataFolder, 'secrets'), machineAmbient().random), 'order');
    const pool = openPostgresPool({ address, user: name, database: name, password, name: 'test' });
    try {
      return (await pool.query(sql, values)).rows;
    } finally {
      await pool.end();
    }
  };

  it('shows the server among the others', async () => {
    expect((await mesh.status()).addresses['postgres']).to.match(/^postgres:\/\/127\.0\.0\.1:\d+$/);
    expect(await postgresPid()).to.be.greaterThan(0);
  });

  it(`loses nothing acknowledged when PostgreSQL is killed ${kills} times amid ${purchases} purchases, and goes on by itself (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    const buyers: Buyer[] = [];
    for (let n = 0; n < 4; n += 1) buyers.push(await newBuyer(mesh.httpUrl));
    const before = (await mesh.status()).services.map(({ instance }) => instance);
    let bought = 0;
    const buyAll = buyers.map(async (buyer) => {
      while (bought < purchases) {
        const number = bought;
        bought += 1;
        const product = products[Math.floor(random.next() * products.length)] ?? '';
        acknowledged.push(await buyCarefully(buyer, product, `purchase-${number}`));
      }
    });
    const killAll = (async () => {
      for (let turn = 0; turn < kills; turn += 1) {
        await eventually(() => acknowledged.length >= ((turn + 0.5) * purchases) / kills, {
          withinMs: 90_000,
          everyMs: 5,
          what: `the purchases before kill ${turn + 1}`,
        });
        await new Promise((resolve) => setTimeout(resolve, random.next() * 200));
        const pid = await postgresPid();
        process.kill(pid, 'SIGKILL');
        await eventually(async () => expect(await postgresPid()).to.not.equal(pid), {
          withinMs: 20_000,
          everyMs: 20,
        });
      }
    })();
    await Promise.all([...buyAll, killAll]);
    expect(acknowledged).to.have.length(purchases);
    await untilAllFinal(acknowledged, 60_000);
    const now = await mesh.untilAllServe();
    // No service was started again for it.
    expect(now.services.map(({ instance }) => instance)).to.deep.equal(before);
    await expectAgreement(await witnesses.ledger(), acknowledged);
  });

  it('has its projections replayed there, in one transaction, while it runs', async () => {
    const replay = async (...args: string[]) => {
      const run = runMeshmart(['replay', ...args], { MESHMART_DATA: mesh.dataFolder });
      await run.exited;
      return { code: run.child.exitCode, output: run.output() };
    };
    expect(await replay('--check')).to.deep.include({ code: 0 });
    const [victim] = acknowledged;
    await orderRows('DELETE FROM orders WHERE id = $1', victim?.id ?? '');
    const found = await replay('--check');
    expect(found.code).to.equal(1);
    expect(found.output).to.include(victim?.id);
    expect((await replay()).output).to.match(
      /order\.orders: \d+ events of \d+ streams; .*1 are missing.*; put right/,
    );
    const { status } = (await victim?.buyer.call('GET', `/v1/orders/${victim.id}`)) ?? {};
    expect(status).to.equal(200);
    expect(await replay('--check')).to.deep.include({ code: 0 });
    // There is no other place that it could have meant.
    expect(existsSync(join(mesh.dataFolder, 'order', 'order.db'))).to.equal(false);
  });
});
