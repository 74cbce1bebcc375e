import { once } from 'node:events';
import { expect } from 'chai';
import { freePort } from '../mesh/testing/free-port.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { type Buyer, expectStatus, fillCart, newBuyer, request } from './buyer.js';
import { runMeshmart, type ShopProcess, startShop } from './shop-process.js';

describe('the command line beside a running shop', function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let shop: ShopProcess;
  let buyer: Buyer;
  let order: string;

  before(async () => {
    folder = temporaryFolder();
    const ports = { http: await freePort(), grpc: await freePort(), admin: await freePort() };
    shop = await startShop({ dataFolder: folder.path, ports });
    buyer = await newBuyer(shop.httpUrl);
    const { body } = await request(shop.httpUrl, 'GET', '/v1/products?pageSize=1');
    const placed = await expectStatus(
      buyer.call('POST', '/v1/orders', await fillCart(buyer, body.products[0].id), {
        'idempotency-key': 'command-line',
      }),
      201,
    );
    order = placed.body.order.id;
  });
  after(async () => {
    await shop?.stop();
    folder?.remove();
  });

  /** Runs a command to its end; gives what it printed and its exit code. */
  const meshmart = async (...args: string[]) => {
    const run = runMeshmart(args, { MESHMART_DATA: folder.path });
    const [code] = (await once(run.child, 'close')) as [number | null];
    return { code, text: run.output() };
  };

  it('calls a method by its full name and by a unique suffix, with the JSON of REST', async () => {
    const overRest = (await buyer.call('GET', `/v1/orders/${order}`)).body;
    for (const name of ['meshmart.order.v1.OrderService/GetOrder', 'OrderService/GetOrder', 'GetOrder']) {
      const { code, text } = await meshmart('call', name, `{"id": "${order}"}`, '--token', buyer.token);
      expect(code, text).to.equal(0);
      expect(JSON.parse(text).order).to.include({ id: order, userId: overRest.order.userId });
    }
    const { text } = await meshmart('call', 'ListProducts', '{"pageSize": 3}', '--json');
    expect(JSON.parse(text).products).to.have.length(3);
  });

  it('prints each message of a stream', async () => {
    const watch = ['call', 'WatchOrder', `{"id": "${order}"}`, '--token', buyer.token, '--json'];
    const { code, text } = await meshmart(...watch);
    expect(code, text).to.equal(0);
    const states = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).order.state);
    expect(states[0]).to.equal('ORDER_STATE_PLACED');
    expect(states.at(-1)).to.equal('ORDER_STATE_SHIPPED');
  });

  const refused: readonly (readonly [what: string, args: string[], code: number, says: RegExp])[] = [
    ['a suffix that several methods have', ['dCart'], 1, /there is no method/],
    ['JSON that is none', ['ListProducts', '{bad'], 1, /the request is not JSON/],
    ['text for a number', ['ListProducts', '{"pageSize": "3"}'], 2, /pageSize: must be a number/],
    ['a misspelt key', ['ListProducts', '{"pagesize": 3}'], 2, /pagesize: is not a field/],
    ['a number that breaks a rule', ['ListProducts', '{"pageSize": 101}'], 2, /pageSize: must be .* 100/],
    ['no token', ['GetUser'], 2, /UNAUTHENTICATED TOKEN_MISSING/],
    ['an internal method', ['GetVerdict', '{"orderId": "x"}'], 2, /PERMISSION_DENIED/],
  ];
  for (const [what, args, wanted, says] of refused) {
    it(`ends badly for ${what}, and says why without a stack`, async () => {
      const { code, text } = await meshmart('call', ...args);
      expect(code, text).to.equal(wanted);
      expect(text)
        .to.match(says)
        .and.not.match(/\n\s+at /);
    });
  }

  it('shows the trace of an order as a tree and as JSON', async () => {
    const tree = await meshmart('trace', order);
    expect(tree.code, tree.text).to.equal(0);
    for (const hop of [
      /gateway {2}POST \/v1\/orders/,
      /inventory {2}.*InventoryService\/Reserve/,
      /payment {2}.*PaymentService\/Authorize/,
      /cart {2}process order {2}consumer/,
    ])
      expect(tree.text).to.match(hop);
    const { spans } = JSON.parse((await meshmart('trace', order, '--json')).text);
    expect(spans.length).to.be.greaterThan(20);
  });

  it('shows what runs as a table and as JSON', async () => {
    expect((await meshmart('status')).text).to.match(/order +serving +required/);
    expect(JSON.parse((await meshmart('status', '--json')).text)).to.include({ ready: true, pid: shop.pid });
  });

  it('has help with examples for each command', async () => {
    const overview = (await meshmart('--help')).text;
    const commands = [...overview.matchAll(/^ {2}([a-z]+) +[A-Z]/gm)].map(([, name]) => name ?? '');
    expect(commands).to.include.members(['up', 'down', 'status', 'call', 'trace']);
    for (const command of commands) {
      const { code, text } = await meshmart(command, '--help');
      expect(code, command).to.equal(0);
      expect(text, command).to.match(new RegExp(`Examples:\n {2}([A-Z_]+=\\S+ )*meshmart ${command}`));
    }
  });
});
