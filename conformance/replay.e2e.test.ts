import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { expect } from 'chai';
import { loadModule, loadShop } from '../mesh/shape/loaded-shop.js';
import { eventually } from '../mesh/testing/eventually.js';
import { freePort } from '../mesh/testing/free-port.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { type Buyer, expectStatus, fillCart, newBuyer, request } from './buyer.js';
import { runMeshmart, type ShopProcess, startShop } from './shop-process.js';

describe('meshmart replay', function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let shop: ShopProcess;
  let buyer: Buyer;
  let orderId: string;

  before(async () => {
    folder = temporaryFolder();
    shop = await startShop({
      dataFolder: folder.path,
      ports: { http: await freePort(), grpc: await freePort(), admin: await freePort() },
    });
    buyer = await newBuyer(shop.httpUrl);
    const { body } = await request(shop.httpUrl, 'GET', '/v1/products?pageSize=5');
    for (const { id } of body.products) {
      const order = await fillCart(buyer, id);
      const placed = await expectStatus(
        buyer.call('POST', '/v1/orders', order, { 'idempotency-key': `replay-${id}` }),
        201,
      );
      orderId = placed.body.order.id;
    }
    // An order's last event comes after its answer.
    await eventually(
      async () => {
        const { orders } = (await buyer.call('GET', '/v1/orders')).body;
        expect(orders.map(({ state }: { state: string }) => state)).to.deep.equal(
          Array(5).fill('ORDER_STATE_SHIPPED'),
        );
      },
      { withinMs: 10_000 },
    );
  });
  after(async () => {
    await shop?.stop();
    folder.remove();
  });

  const replay = async (...args: string[]) => {
    const run = runMeshmart(['replay', ...args], { MESHMART_DATA: folder.path });
    await run.exited;
    return { code: run.child.exitCode, output: run.output() };
  };

  it('finds the orders of a running shop as their events say, and mends a table that was tampered with', async () => {
    expect(await replay('--check')).to.deep.include({ code: 0 });

    const database = new DatabaseSync(join(folder.path, 'order', 'order.db'));
    database.exec(`PRAGMA busy_timeout = 2000; DELETE FROM orders WHERE id = '${orderId}'`);
    database.close();
    await expectStatus(buyer.call('GET', `/v1/orders/${orderId}`), 404);
    const checked = await replay('order', '--check');
    expect(checked.code).to.equal(1);
    expect(checked.output).to.include('1 are missing').and.to.include(orderId);
    await expectStatus(buyer.call('GET', `/v1/orders/${orderId}`), 404);

    const mended = await replay('order', '--json');
    expect(mended.code).to.equal(0);
    expect(JSON.parse(mended.output)).to.deep.include.members([
      {
        service: 'order',
        table: 'orders',
        streams: 5,
        events: 35,
        different: [],
        missing: [orderId],
        extra: [],
        switched: true,
      },
    ]);
    const { body } = await expectStatus(buyer.call('GET', `/v1/orders/${orderId}`), 200);
    expect(body.order.state).to.equal('ORDER_STATE_SHIPPED');
  });

  it('leaves the orders right that are placed while it switches, again and again', async () => {
    const { body } = await request(shop.httpUrl, 'GET', '/v1/products?pageSize=3');
    let replaying = true;
    const placed: string[] = [];
    const buy = async (number: number) => {
      const one = await newBuyer(shop.httpUrl);
      for (let bought = 0; replaying || bought === 0; bought += 1) {
        const order = await fillCart(one, body.products[number].id);
        const answer = await one.call('POST', '/v1/orders', order, {
          'idempotency-key': `busy-${number}-${bought}`,
        });
        expect(answer.status, answer.text).to.be.oneOf([201, 202]);
        placed.push(answer.body.order.id);
      }
    };
    const buyers = Promise.all([0, 1, 2].map(buy));
    const runs: { code: number | null; output: string }[] = [];
    for (let run = 0; run < 3; run += 1) runs.push(await replay('order'));
    replaying = false;
    await buyers;
    for (const { code, output } of runs) {
      expect(code, output).to.equal(0);
      expect(output).to.include('all rows are what their events say');
    }
    expect(placed.length).to.be.at.least(3);
    await eventually(
      async () => {
        const { code, output } = await replay('order', '--check', '--json');
        expect(code, output).to.equal(0);
        expect(JSON.parse(output)[0].streams).to.equal(5 + placed.length);
      },
      { withinMs: 20_000, everyMs: 100 },
    );
  });

  it('covers every stream of every service', async () => {
    const { manifests } = loadShop();
    const uncovered: string[] = [];
    for (const manifest of manifests) {
      const path = join(folder.path, manifest.name, `${manifest.name}.db`);
      if (!existsSync(path)) continue;
      const prefixes = ((await loadModule(manifest)).service?.projections ?? []).map(
        ({ streams }) => streams,
      );
      const database = new DatabaseSync(path, { readOnly: true });
      const rows = database.prepare('SELECT DISTINCT stream FROM mesh_events').all() as { stream: string }[];
      database.close();
      uncovered.push(
        ...rows
          .map(({ stream }) => stream)
          .filter((stream) => prefixes.filter((prefix) => stream.startsWith(prefix)).length !== 1),
      );
    }
    expect(uncovered).to.deep.equal([]);
  });

  it('says in one line what it can not do', async () => {
    const unknown = await replay('basket');
    expect(unknown.code).to.equal(1);
    expect(unknown.output.trim()).to.match(/^meshmart: there is no service 'basket': use one of [^\n]*$/);
    const nowhere = await replay('--data', join(folder.path, 'nowhere'));
    expect(nowhere.output.trim()).to.match(/^meshmart: there is no database at [^\n]*$/);
  });
});
