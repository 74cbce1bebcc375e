import { expect } from 'chai';
import { MeshError } from '../../mesh/contract/error.js';
import { fromCents } from '../../mesh/contract/money.js';
import type { Client } from '../../mesh/rpc/definition.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { type LoneService, startLoneService } from '../../mesh/testing/lone-service.js';
import { testContext, testUser } from '../../mesh/testing/test-context.js';
import {
  type Order,
  OrderServiceDefinition,
  OrderState,
  PlaceOrderResponse,
  Verdict,
} from '../../proto/gen/meshmart/order/v1/order.js';
import { type ScriptedShop, scriptedShop } from './scripted-shop.test.js';
import { service } from './service.js';

const request = {
  paymentToken: 'tok_1',
  shippingOptionId: 'standard',
  shippingAddress: { name: 'B', line1: 'Street 1', city: 'Berlin', postalCode: '10115', country: 'DE' },
};
const outOfStock = new MeshError({
  code: 'FAILED_PRECONDITION',
  reason: 'OUT_OF_STOCK',
  message: 'none left',
});

describe('order', () => {
  let shop: ScriptedShop;
  let alone: LoneService;
  let client: Client<typeof OrderServiceDefinition>;
  let userToken: string;
  let keys = 0;

  beforeEach(async () => {
    shop = scriptedShop();
    alone = await startLoneService({
      name: 'order',
      service,
      neighbours: shop.neighbours,
      environment: { ORDER_ANSWER_WITHIN_MS: '300' },
      callers: { inventory: ['meshmart.order.v1.OrderService/GetVerdict'] },
    });
    client = alone.client(OrderServiceDefinition);
    userToken = alone.tokenOf(testUser());
  });
  afterEach(() => alone.stop());

  const context = () => testContext({ userToken });
  /** Places an order; gives it with the REST status that its trailer asks for. */
  const place = async (
    more: object = {},
    idempotencyKey?: string,
  ): Promise<{ order: Order; status: string }> => {
    keys += 1;
    let status = '201';
    const onTrailers = (trailers: Readonly<Record<string, string>>) => {
      status = trailers['x-http-code'] ?? status;
    };
    const options = { idempotencyKey: idempotencyKey ?? `key-${keys}`, onTrailers };
    const { order } = await client.placeOrder({ ...request, ...more }, context(), options);
    if (order === undefined) throw new Error('no order came back');
    return { order, status };
  };
  const get = async (id: string): Promise<Order> => {
    const { order } = await client.getOrder({ id }, context());
    if (order === undefined) throw new Error('no order came back');
    return order;
  };
  const reaches = (id: string, state: OrderState) =>
    eventually(async () => {
      const order = await get(id);
      expect(OrderState[order.state]).to.equal(OrderState[state]);
      return order;
    });
  const historyOf = (order: Order) => order.history.map(({ type }) => type);
  const effectsOf = (id: string) =>
    shop.effects.filter((effect) => effect.startsWith(id)).map((effect) => effect.split(' ')[1]);
  const reasonOf = (call: Promise<unknown>) =>
    call.then(
      () => 'none',
      (error: unknown) => MeshError.from(error).reason,
    );
  const shipped = [
    'Placed',
    'StockReserved',
    'PaymentAuthorized',
    'Confirmed',
    'StockCommitted',
    'PaymentCaptured',
    'Shipped',
  ];

  it('takes an order from Placed to Shipped, and answers as soon as it is confirmed', async () => {
    const { order, status } = await place();
    expect(OrderState[order.state]).to.equal('ORDER_STATE_CONFIRMED');
    expect(status).to.equal('201');
    expect(order.total).to.deep.equal(fromCents('EUR', 2_740n));
    const end = await reaches(order.id, OrderState.ORDER_STATE_SHIPPED);
    expect(historyOf(end)).to.deep.equal(shipped);
    expect(effectsOf(order.id).sort()).to.deep.equal(['authorize', 'capture', 'commit', 'reserve', 'ship']);
    await eventually(() =>
      expect(alone.published.map(({ type }) => type.split('.').at(-1))).to.deep.equal([
        'OrderPlaced',
        'OrderConfirmed',
        'OrderShipped',
      ]),
    );
  });

  it('tells nobody the token of the card', async () => {
    const { order } = await place();
    await reaches(order.id, OrderState.ORDER_STATE_SHIPPED);
    await eventually(() => expect(alone.published).to.have.length(3));
    for (const { data } of alone.published) expect(Buffer.from(data).includes('tok_1')).to.equal(false);
    expect(JSON.stringify(alone.log.lines)).to.not.include('tok_1');
  });

  it('refuses what can not be ordered, and writes nothing', async () => {
    expect(await reasonOf(place({ shippingOptionId: 'drone' }))).to.equal('SHIPPING_OPTION_NOT_FOUND');
    expect(await reasonOf(place({ expectedTotal: fromCents('EUR', 1n) }))).to.equal('PRICE_CHANGED');
    expect(await reasonOf(place({ paymentToken: '' }))).to.equal('VALIDATION_FAILED');
    shop.cart = {};
    expect(await reasonOf(place())).to.equal('CART_EMPTY');
    expect(await reasonOf(client.placeOrder(request, context()))).to.equal('IDEMPOTENCY_KEY_REQUIRED');
    expect((await client.listOrders({}, context())).orders).to.deep.equal([]);
  });

  it('asks the buyer again when a price has changed since it was put into the cart', async () => {
    shop.prices['prd_a'] = 1_100;
    expect(await reasonOf(place())).to.equal('PRICE_CHANGED');
    const { order } = await place({ expectedTotal: fromCents('EUR', 2_940n) });
    expect(order.total).to.deep.equal(fromCents('EUR', 2_940n));
  });

  describe('refused', () => {
    it('for want of stock, is rejected and never comes to the card', async () => {
      shop.script.reserve = [outOfStock];
      const { order, status } = await place();
      expect(OrderState[order.state]).to.equal('ORDER_STATE_REJECTED');
      expect(order.failure?.message).to.equal('none left');
      expect(status).to.equal('201');
      expect(historyOf(order)).to.deep.equal(['Placed', 'StockRefused', 'StockReleased', 'Rejected']);
      // The release leaves a tombstone, so that no try that is still on its way can set anything aside.
      expect(effectsOf(order.id)).to.deep.equal(['release']);
    });

    it('for want of stock after a try whose answer was lost, gives back what that try has set aside', async () => {
      shop.script.reserve = ['lost after', outOfStock];
      const { order } = await place();
      await reaches(order.id, OrderState.ORDER_STATE_REJECTED);
      expect(effectsOf(order.id)).to.deep.equal(['reserve', 'release']);
    });

    it('for want of stock, is asked to be given back until that is known to be done', async () => {
      shop.script.reserve = [outOfStock];
      shop.script.release = ['lost before', 'lost after'];
      const { order } = await place();
      await reaches(order.id, OrderState.ORDER_STATE_REJECTED);
      expect(shop.arrived.filter((arrived) => arrived.startsWith('release '))).to.have.length(3);
    });

    it('by the card, gives the pieces back', async () => {
      shop.script.authorize = ['declined'];
      const { order } = await place();
      expect(OrderState[order.state]).to.equal('ORDER_STATE_REJECTED');
      expect(order.failure?.message).to.include('no money');
      expect(effectsOf(order.id)).to.deep.equal(['reserve', 'release']);
    });
  });

  describe('whose participant does not answer', () => {
    for (const step of ['reserve', 'authorize', 'commit', 'capture', 'ship'] as const) {
      for (const fate of ['lost before', 'lost after'] as const) {
        it(`to ${step} (${fate} it took effect) is asked again with the same key`, async () => {
          shop.script[step] = [fate, fate];
          const { order } = await place();
          const end = await reaches(order.id, OrderState.ORDER_STATE_SHIPPED);
          expect([...historyOf(end)].sort()).to.deep.equal([...shipped].sort());
          const tries = shop.arrived.filter((arrived) => arrived.startsWith(`${step} `));
          expect(tries).to.deep.equal(Array(3).fill(`${step} ${order.id}:${step}`));
          expect(effectsOf(order.id).filter((effect) => effect === step)).to.have.length(1);
        });
      }
    }

    it('when the order is being undone, is asked until it is undone', async () => {
      shop.script.authorize = ['declined'];
      shop.script.release = ['lost before', 'lost after'];
      const { order } = await place();
      await reaches(order.id, OrderState.ORDER_STATE_REJECTED);
      expect(effectsOf(order.id)).to.deep.equal(['reserve', 'release']);
    });

    it('with a word that says nothing is not taken for a yes', async () => {
      shop.script.authorize = ['pending', 'pending', 'declined'];
      const { order } = await place();
      const end = await reaches(order.id, OrderState.ORDER_STATE_REJECTED);
      expect(historyOf(end)).to.not.include('Confirmed');
    });

    it('after the pivot with a refusal is asked again all the same', async () => {
      const refusal = new MeshError({ code: 'FAILED_PRECONDITION', reason: 'PAYMENT_STATE', message: 'm' });
      shop.script.ship = [refusal, refusal];
      const { order } = await place();
      await reaches(order.id, OrderState.ORDER_STATE_SHIPPED);
      const warned = alone.log.lines.filter(
        (line) => line.level === 'warn' && line.fields['order_id'] === order.id,
      );
      expect(warned.map((line) => line.fields['failures'])).to.deep.equal([1, 2]);
    });

    it('in time gets the buyer a 202, which every repetition gets as well', async () => {
      let answer: () => void = () => undefined;
      shop.script.authorize = [
        new Promise<void>((resolve) => {
          answer = resolve;
        }),
      ];
      const first = await place({}, 'slow');
      expect(first.status).to.equal('202');
      expect(OrderState[first.order.state]).to.equal('ORDER_STATE_STOCK_RESERVED');
      answer();
      await reaches(first.order.id, OrderState.ORDER_STATE_SHIPPED);
      expect(await place({}, 'slow')).to.deep.equal(first);
    });
  });

  describe('placed again with the same key', () => {
    it('is one order with one answer, 50 times at once', async () => {
      const all = await Promise.all(Array.from({ length: 50 }, () => place({}, 'same')));
      const answers = new Set(
        all.map(({ order }) => Buffer.from(PlaceOrderResponse.encode({ order }).finish()).toString('hex')),
      );
      expect(answers.size).to.equal(1);
      expect((await client.listOrders({}, context())).orders).to.have.length(1);
      await eventually(() => expect(shop.effects).to.have.length(5));
    });

    it('gets its order although the first call has emptied the cart meanwhile', async () => {
      let goOn: () => void = () => undefined;
      const held = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      let asked = false;
      shop.beforeCart = () => {
        asked = true;
        return held;
      };
      const late = place({}, 'same');
      await eventually(() => asked);
      shop.beforeCart = async () => undefined;
      const first = await place({}, 'same');
      shop.cart = {};
      goOn();
      expect((await late).order).to.deep.equal(first.order);
    });

    it('and another request is a mistake', async () => {
      await place({}, 'same');
      expect(await reasonOf(place({ paymentToken: 'tok_2' }, 'same'))).to.equal('IDEMPOTENCY_KEY_REUSED');
    });
  });

  describe('cancelled', () => {
    it('while the card is asked, lets go of money and pieces, whatever the card says later', async () => {
      let answer: () => void = () => undefined;
      shop.script.authorize = [
        new Promise<void>((resolve) => {
          answer = resolve;
        }),
      ];
      const { order } = await place();
      const cancelling = client.cancelOrder({ id: order.id, reason: 'too slow' }, context());
      await eventually(async () => expect(historyOf(await get(order.id))).to.include('CancelRequested'));
      answer();
      const { order: cancelled } = await cancelling;
      expect(OrderState[cancelled?.state ?? 0]).to.equal('ORDER_STATE_CANCELLED');
      expect(effectsOf(order.id)).to.deep.equal(['reserve', 'authorize', 'void', 'release']);
      const again = await client.cancelOrder({ id: order.id }, context());
      expect(again.order).to.deep.equal(cancelled);
    });

    it('after it was confirmed is refused', async () => {
      const { order } = await place();
      expect(await reasonOf(client.cancelOrder({ id: order.id }, context()))).to.equal(
        'ORDER_NOT_CANCELLABLE',
      );
      expect(await reasonOf(client.cancelOrder({ id: 'ord_no' }, context()))).to.equal('ORDER_NOT_FOUND');
    });
  });

  it("is its owner's alone: nobody else finds it", async () => {
    const { order } = await place();
    const other = () => testContext({ userToken: alone.tokenOf(testUser('usr_other')) });
    expect(await reasonOf(client.getOrder({ id: order.id }, other()))).to.equal('ORDER_NOT_FOUND');
    expect(await reasonOf(client.cancelOrder({ id: order.id }, other()))).to.equal('ORDER_NOT_FOUND');
    const watched = client.watchOrder({ id: order.id }, other());
    expect(await reasonOf(watched[Symbol.asyncIterator]().next())).to.equal('ORDER_NOT_FOUND');
    expect((await client.listOrders({}, other())).orders).to.deep.equal([]);
  });

  it('is listed page by page', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) ids.push((await place()).order.id);
    const first = await client.listOrders({ pageSize: 2 }, context());
    const second = await client.listOrders({ pageSize: 2, pageToken: first.nextPageToken }, context());
    const listed = [...first.orders, ...second.orders].map(({ id }) => id);
    expect([...listed].sort()).to.deep.equal([...ids].sort());
    expect(second.nextPageToken).to.equal('');
    expect(await reasonOf(client.listOrders({ pageToken: 'nonsense' }, context()))).to.equal(
      'VALIDATION_FAILED',
    );
  });

  describe('watched', () => {
    const watch = async (id: string, afterVersion = 0n) => {
      const seen: string[] = [];
      for await (const { event } of client.watchOrder({ id, afterVersion }, context()))
        seen.push(event?.type ?? '');
      return seen;
    };

    it('tells what happened, then what happens, until its end', async () => {
      let answer: () => void = () => undefined;
      shop.script.ship = [
        new Promise<void>((resolve) => {
          answer = resolve;
        }),
      ];
      const { order } = await place();
      const watching = watch(order.id);
      await eventually(async () => expect(historyOf(await get(order.id))).to.include('PaymentCaptured'));
      answer();
      expect(await watching).to.deep.equal(shipped);
      expect(await watch(order.id, 5n)).to.deep.equal(shipped.slice(5));
      expect(await watch(order.id, 7n)).to.deep.equal([]);
    });

    it('ends when the watcher leaves', async () => {
      shop.script.ship = [new Promise<void>(() => undefined)];
      const { order } = await place();
      const leaving = new AbortController();
      const stream = client.watchOrder({ id: order.id }, { ...context(), signal: leaving.signal });
      const seen: string[] = [];
      const watching = (async () => {
        for await (const { event } of stream) seen.push(event?.type ?? '');
      })();
      await eventually(() => expect(seen).to.include('PaymentCaptured'));
      leaving.abort();
      expect(await reasonOf(watching)).to.equal('CANCELLED');
    });
  });

  it('tells inventory what becomes of it, and nobody outside', async () => {
    const inventory = alone.client(OrderServiceDefinition, 'inventory');
    const verdictOf = async (orderId: string) =>
      Verdict[(await inventory.getVerdict({ orderId }, testContext())).verdict];
    shop.script.reserve = [outOfStock];
    expect(await verdictOf((await place()).order.id)).to.equal('VERDICT_ABANDONED');
    expect(await verdictOf((await place()).order.id)).to.equal('VERDICT_CONFIRMED');
    shop.script.authorize = [new Promise((resolve) => setTimeout(resolve, 600))];
    expect(await verdictOf((await place()).order.id)).to.equal('VERDICT_PENDING');
    expect(await verdictOf('ord_no')).to.equal('VERDICT_UNKNOWN');
    expect(await reasonOf(client.getVerdict({ orderId: 'ord_no' }, context()))).to.equal(
      'METHOD_NOT_EXPOSED',
    );
  });
});
