import { expect } from 'chai';
import type { BusMessage } from '../mesh/bus/bus.js';
import { eventually } from '../mesh/testing/eventually.js';
import { OrderPlaced } from '../proto/gen/meshmart/order/v1/order_events.js';
import { type Buyer, expectStatus, expectTaken, fillCart, newBuyer, request } from './buyer.js';
import { runMeshmart } from './shop-process.js';

/** A shop that runs, and the two things that a test does behind its back. */
export interface ShopWithBus {
  readonly httpUrl: string;
  readonly dataFolder: string;
  /** Where the metrics of the cart's process are. */
  metricsUrl(): Promise<string>;
  /** Puts messages on the shop's bus, from outside. */
  publish(messages: readonly BusMessage[]): Promise<void>;
  /** Replaces what is kept of a cart; gives what was there. */
  replaceCart(userId: string, data: Uint8Array): Promise<Uint8Array>;
}

/** An event becomes a dead letter, is looked at, and replayed once its cause is mended. */
export function deadLetterSuite(shape: string, shopOf: () => Promise<ShopWithBus>): void {
  describe(`dead letters of the shop as ${shape}`, function () {
    this.timeout(90_000);
    let shop: ShopWithBus;
    let buyer: Buyer;
    let userId: string;
    let productId: string;

    before(async () => {
      shop = await shopOf();
      buyer = await newBuyer(shop.httpUrl);
      userId = JSON.parse(Buffer.from(buyer.token.split('.')[1] ?? '', 'base64url').toString()).sub;
      productId = (await request(shop.httpUrl, 'GET', '/v1/products?pageSize=1')).body.products[0].id;
    });

    const meshmart = async (...args: string[]) => {
      const run = runMeshmart(args, { MESHMART_DATA: shop.dataFolder });
      return { code: await run.exited, output: run.output() };
    };
    const dlq = (...args: string[]) => meshmart('dlq', ...args);
    const listed = async (): Promise<string[]> =>
      JSON.parse((await dlq('list', '--json')).output).map(({ id }: { id: string }) => id);
    const quantity = async () =>
      (await expectStatus(buyer.call('GET', '/v1/cart'), 200)).body.cart.lines[0]?.quantity;
    const placed = (id: string, data: Uint8Array): BusMessage => ({
      id,
      topic: 'order',
      type: 'meshmart.order.v1.OrderPlaced',
      key: `ord_${id}`,
      data,
      occurredAtMs: Date.now(),
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    });

    it('are none at first, and meshmart status is silent about them', async () => {
      expect(await dlq('list')).to.deep.equal({ code: 0, output: 'no dead letters\n' });
      expect((await meshmart('status')).output).to.not.include('dead letters');
    });

    it('are listed, shown, and have their effect once when they are replayed after the mend', async () => {
      await expectStatus(buyer.call('POST', '/v1/cart/items', { productId, quantity: 5 }), 200);
      const sound = await shop.replaceCart(userId, new Uint8Array([0xff]));
      const lines = [{ productId, quantity: 2 }];
      const order = OrderPlaced.encode(OrderPlaced.fromPartial({ orderId: 'ord_1', userId, lines })).finish();
      await shop.publish([placed('unlucky', order), placed('garbage', new Uint8Array([0xff, 0xff, 0xff]))]);
      // The next order wakes a consumer that did not see the messages come.
      const other = await newBuyer(shop.httpUrl);
      const body = await fillCart(other, productId);
      await expectTaken(other.call('POST', '/v1/orders', body, { 'idempotency-key': 'next' }));
      await eventually(async () => expect(await listed()).to.have.members(['unlucky', 'garbage']), {
        withinMs: 30_000,
        everyMs: 200,
      });

      // A cart that does not tell within half a second is left out.
      await eventually(async () =>
        expect((await meshmart('status')).output).to.include('dead letters: cart 2 (see meshmart dlq list)'),
      );
      expect(await (await fetch(await shop.metricsUrl())).text()).to.match(
        /^mesh_dead_letters\{messaging_consumer_group_name="cart"\} 2$/m,
      );
      expect((await dlq('list')).output).to.match(
        /^cart +unlucky +meshmart\.order\.v1\.OrderPlaced .* \d+ /m,
      );
      expect((await dlq('list', '--group', 'notification')).output).to.equal('no dead letters\n');
      const shown = JSON.parse((await dlq('show', 'cart', 'unlucky', '--json')).output);
      expect(shown).to.deep.include({ traceId: '0af7651916cd43dd8448eb211c80319c' });
      // Those that met a slow store come on top.
      expect(shown.attempts).to.be.at.least(8);
      expect(shown.message).to.deep.include({ orderId: 'ord_1', userId });
      expect(shown.lastError).to.not.equal('');
      const garbage = JSON.parse((await dlq('show', 'cart', 'garbage', '--json')).output);
      expect(garbage).to.deep.include({ message: null, bytes: 3 });
      expect(garbage.unreadable).to.be.a('string');

      await shop.replaceCart(userId, sound);
      expect(await quantity()).to.equal(5);
      expect(await dlq('replay', 'cart', 'unlucky')).to.deep.equal({ code: 0, output: '1 replayed\n' });
      await eventually(async () => expect(await quantity()).to.equal(3), { everyMs: 50 });
      expect(await listed()).to.deep.equal(['garbage']);
      const again = await dlq('replay', 'cart', 'unlucky');
      expect(again).to.deep.equal({
        code: 1,
        output: 'meshmart: cart has no dead letter unlucky: list them first\n',
      });
    });

    it('that nothing mends are dead letters again, and had no effect', async () => {
      expect((await dlq('replay', 'cart', '--all')).output).to.equal('1 replayed\n');
      await eventually(async () => expect(await listed()).to.deep.equal(['garbage']), {
        withinMs: 30_000,
        everyMs: 200,
      });
      expect(await quantity()).to.equal(3);
    });

    it('of a service that consumes nothing, or of a mesh that does not run, are refused in one line', async () => {
      expect((await dlq('list', '--group', 'order')).output).to.match(
        /^meshmart: no service 'order' consumes events: use one of cart, [^\n]*\n$/,
      );
      expect((await dlq('list', '--data', '/nowhere')).output).to.match(
        /^meshmart: no mesh runs on the data folder \/nowhere: [^\n]*\n$/,
      );
    });
  });
}
