import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { MeshError } from '../../mesh/contract/error.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { type LoneService, startLoneService } from '../../mesh/testing/lone-service.js';
import { type TemporaryFolder, temporaryFolder } from '../../mesh/testing/temporary-folder.js';
import { testContext, testUser } from '../../mesh/testing/test-context.js';
import {
  type Order,
  OrderServiceDefinition,
  OrderState,
  PlaceOrderResponse,
} from '../../proto/gen/meshmart/order/v1/order.js';
import { type Fate, type ScriptedRequest, type ScriptedShop, scriptedShop } from './scripted-shop.test.js';
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

describe('two instances of order on one database', function () {
  this.timeout(30_000);
  let folder: TemporaryFolder;
  let shop: ScriptedShop;
  let both: LoneService[];
  let first: Instance;
  let second: Instance;

  type Instance = ReturnType<typeof instance>;
  /** One instance, as a buyer has it. */
  const instance = (alone: LoneService) => {
    const client = alone.client(OrderServiceDefinition);
    const context = () => testContext({ userToken: alone.tokenOf(testUser()) });
    const required = (order: Order | undefined): Order => {
      if (order === undefined) throw new Error('no order came back');
      return order;
    };
    return {
      alone,
      place: async (idempotencyKey: string) =>
        required((await client.placeOrder(request, context(), { idempotencyKey })).order),
      get: async (id: string) => required((await client.getOrder({ id }, context())).order),
      cancel: async (id: string) => required((await client.cancelOrder({ id }, context())).order),
      list: async () => (await client.listOrders({ pageSize: 100 }, context())).orders,
      watch: (id: string) => client.watchOrder({ id }, context()),
    };
  };

  beforeEach(async () => {
    folder = temporaryFolder();
    shop = scriptedShop();
    both = [];
    for (let count = 0; count < 2; count += 1) {
      both.push(
        await startLoneService({
          name: 'order',
          service,
          neighbours: shop.neighbours,
          databasePath: join(folder.path, 'order.db'),
          environment: { ORDER_ANSWER_WITHIN_MS: '4000' },
        }),
      );
    }
    [first, second] = both.map(instance) as [Instance, Instance];
  });
  afterEach(async () => {
    for (const alone of both) await alone.stop();
    folder.remove();
  });

  const stateOf = ({ state }: Order) => OrderState[state];
  const historyOf = (order: Order) => order.history.map(({ type }) => type);
  const effectsOf = (id: string) =>
    shop.effects.filter((effect) => effect.startsWith(`${id} `)).map((effect) => effect.split(' ')[1] ?? '');
  const triesOf = (step: ScriptedRequest) =>
    shop.arrived.filter((arrived) => arrived.startsWith(`${step} `)).length;
  const isFinal = (order: Order) =>
    ['ORDER_STATE_SHIPPED', 'ORDER_STATE_REJECTED', 'ORDER_STATE_CANCELLED'].includes(stateOf(order));
  const reachesEnd = (id: string) =>
    eventually(
      async () => {
        const order = await second.get(id);
        expect(isFinal(order), stateOf(order)).to.equal(true);
        return order;
      },
      { withinMs: 15_000 },
    );
  /** A fate that lasts until it is told to go on. */
  const held = () => {
    let goOn: () => void = () => undefined;
    const fate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    return { fate, goOn: () => goOn() };
  };

  it('tells whoever watches at one what the other does, within a second', async () => {
    const shipping = held();
    shop.script.ship = [shipping.fate];
    const { id } = await first.place('key');
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { event } of second.watch(id)) seen.push(event?.type ?? '');
    })();
    await eventually(() => expect(seen).to.include('PaymentCaptured'));
    const startedMs = performance.now();
    shipping.goOn();
    await watching;
    expect(performance.now() - startedMs).to.be.below(1_500);
    expect(seen).to.deep.equal(historyOf(await first.get(id)));
    expect(seen.at(-1)).to.equal('Shipped');
  });

  it('gives the buyer at one the verdict that the other has reached, without waiting for the end of its patience', async () => {
    const card = held();
    // The first to ask for the card waits; the other gets an answer.
    shop.script.authorize = [card.fate];
    const startedMs = performance.now();
    const placing = first.place('same');
    await eventually(() => triesOf('authorize') === 1);
    const there = await second.place('same');
    const here = await placing;
    expect(performance.now() - startedMs).to.be.below(2_500);
    expect(stateOf(here)).to.equal('ORDER_STATE_CONFIRMED');
    expect(here).to.deep.equal(there);
    card.goOn();
    expect(stateOf(await reachesEnd(here.id))).to.equal('ORDER_STATE_SHIPPED');
    expect(effectsOf(here.id).sort()).to.deep.equal(['authorize', 'capture', 'commit', 'reserve', 'ship']);
  });

  it('leaves an order to the one that took it, when the buyer repeats himself at the other a little later', async () => {
    const card = held();
    shop.script.authorize = [card.fate];
    const placing = first.place('same');
    await eventually(() => triesOf('authorize') === 1);
    const repeated = Array.from({ length: 5 }, () => second.place('same'));
    // Less than the half second after which it would take the order for abandoned.
    await new Promise((resolve) => setTimeout(resolve, 250));
    card.goOn();
    const answers = await Promise.all([placing, ...repeated]);
    for (const answer of answers) expect(answer).to.deep.equal(answers[0]);
    expect(stateOf(await reachesEnd(answers[0]?.id ?? ''))).to.equal('ORDER_STATE_SHIPPED');
    for (const step of ['reserve', 'authorize', 'commit', 'capture', 'ship'] as const)
      expect(triesOf(step), step).to.equal(1);
  });

  it('makes one order with one answer of 40 calls with one key', async () => {
    const calls = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? first : second).place('same'));
    const answers = new Set(
      (await Promise.all(calls)).map((order) =>
        Buffer.from(PlaceOrderResponse.encode({ order }).finish()).toString('hex'),
      ),
    );
    expect(answers.size).to.equal(1);
    expect(await first.list()).to.have.length(1);
  });

  it('cancels at one what the other is about to pay for, and lets go of money and pieces', async () => {
    const card = held();
    shop.script.authorize = [card.fate];
    const placing = first.place('key');
    await eventually(() => triesOf('authorize') === 1);
    const [order] = await second.list();
    const cancelled = await second.cancel(order?.id ?? '');
    expect(stateOf(cancelled)).to.equal('ORDER_STATE_CANCELLED');
    card.goOn();
    expect(stateOf(await placing)).to.equal('ORDER_STATE_CANCELLED');
    // The first instance learns of it when it comes to write, and does nothing more.
    await eventually(() => effectsOf(cancelled.id).includes('authorize'));
    const end = await first.get(cancelled.id);
    expect(end).to.deep.equal(cancelled);
    expect(effectsOf(cancelled.id)).to.include.members(['reserve', 'void', 'release']);
    expect(effectsOf(cancelled.id)).to.not.include('capture');
  });

  it('takes each order to one end, whatever is lost, when both drive it at once', async () => {
    const steps = ['reserve', 'authorize', 'commit', 'capture', 'ship', 'void', 'release'] as const;
    const fate = fc.constantFrom<Fate>('done', 'lost before', 'lost after');
    const firstWord = fc.constantFrom<Fate>('done', 'done', 'lost before', 'lost after', outOfStock);
    const card = fc.constantFrom<Fate>('done', 'done', 'lost after', 'declined', 'pending');
    const scripts = fc.record({
      ...Object.fromEntries(steps.map((step) => [step, fc.array(fate, { maxLength: 3 })])),
      reserve: fc.array(firstWord, { maxLength: 3 }),
      authorize: fc.array(card, { maxLength: 3 }),
    });
    let keys = 0;
    await fc.assert(
      fc.asyncProperty(scripts, fc.boolean(), async (script: Record<string, Fate[]>, cancels) => {
        keys += 1;
        Object.assign(shop.script, copyOf(script));
        const key = `key-${keys}`;
        const [here, there] = await Promise.all([first.place(key), second.place(key)]);
        expect(here).to.deep.equal(there);
        if (cancels) await second.cancel(here.id).catch(() => undefined);
        const order = await reachesEnd(here.id);
        const history = historyOf(order);
        expect(new Set(history).size, `something happened twice: ${history.join(' ')}`).to.equal(
          history.length,
        );
        const effects = effectsOf(here.id);
        expect(new Set(effects).size, `an effect twice: ${effects.join(' ')}`).to.equal(effects.length);
        const shipped = stateOf(order) === 'ORDER_STATE_SHIPPED';
        expect(effects.includes('capture'), 'money is taken for what is shipped, and only for that').to.equal(
          shipped,
        );
        if (!shipped && effects.includes('reserve')) expect(effects).to.include('release');
        if (!shipped && effects.includes('authorize')) expect(effects).to.include('void');
      }),
      { numRuns: 25 },
    );
  });
});

/** Each run eats its script up; errors stay the objects that they are. */
function copyOf(script: Record<string, Fate[]>): Record<string, Fate[]> {
  return Object.fromEntries(Object.entries(script).map(([step, fates]) => [step, [...fates]]));
}
