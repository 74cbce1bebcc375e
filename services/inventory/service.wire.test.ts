import { expect } from 'chai';
import fc from 'fast-check';
import { MeshError } from '../../mesh/contract/error.js';
import { millisOf } from '../../mesh/contract/timestamp.js';
import type { Client } from '../../mesh/rpc/definition.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { type LoneService, neighbour, startLoneService } from '../../mesh/testing/lone-service.js';
import { testContext, testUser } from '../../mesh/testing/test-context.js';
import { type VirtualClock, virtualClock } from '../../mesh/testing/virtual-clock.js';
import {
  InventoryServiceDefinition,
  ReservationState,
} from '../../proto/gen/meshmart/inventory/v1/inventory.js';
import { OrderServiceDefinition, Verdict } from '../../proto/gen/meshmart/order/v1/order.js';
import { initialStock } from './initial-stock.js';
import { plantSeed } from './plant-seed.js';
import { service } from './service.js';

const kettle = 'prd_copper-kettle'; // 25 pieces
const sundial = 'prd_pocket-sundial'; // 12 pieces

describe('inventory', () => {
  let clock: VirtualClock;
  let alone: LoneService;
  let shop: Client<typeof InventoryServiceDefinition>;
  let order: Client<typeof InventoryServiceDefinition>;
  let verdicts: Record<string, Verdict | Error>;
  let asked: string[];
  let keys: number;

  beforeEach(async () => {
    verdicts = {};
    asked = [];
    keys = 0;
    clock = virtualClock();
    alone = await startLoneService({
      name: 'inventory',
      service,
      ambient: clock,
      environment: { INVENTORY_RESERVATION_SECONDS: '60', INVENTORY_SWEEP_SECONDS: '5' },
      callers: {
        order: ['Reserve', 'Commit', 'Release'].map(
          (method) => `meshmart.inventory.v1.InventoryService/${method}`,
        ),
      },
      neighbours: [
        neighbour(OrderServiceDefinition, {
          getVerdict: async ({ orderId }) => {
            asked.push(orderId);
            const verdict = verdicts[orderId] ?? Verdict.VERDICT_UNKNOWN;
            if (verdict instanceof Error) throw verdict;
            return { verdict };
          },
        }),
      ],
    });
    shop = alone.client(InventoryServiceDefinition);
    order = alone.client(InventoryServiceDefinition, 'order');
  });
  afterEach(() => alone.stop());

  const context = () => testContext({ clock: clock.clock });
  const newKey = () => {
    keys += 1;
    return { idempotencyKey: `key-${keys}` };
  };
  const reserve = (orderId: string, pieces: Record<string, number>, options = newKey()) =>
    order.reserve(
      { orderId, lines: Object.entries(pieces).map(([productId, quantity]) => ({ productId, quantity })) },
      context(),
      options,
    );
  const commit = (orderId: string, options = newKey()) => order.commit({ orderId }, context(), options);
  const release = (orderId: string, options = newKey()) => order.release({ orderId }, context(), options);
  const restock = (productId: string, quantity: number, options = newKey()) => {
    const userToken = alone.tokenOf({ id: 'operator', kind: 'operator', scopes: ['operator'] });
    return shop.restock({ productId, quantity }, testContext({ clock: clock.clock, userToken }), options);
  };
  const stockOf = async (productId: string) => {
    const { stock } = await shop.getStock({ productId }, context());
    return [stock?.available, stock?.reserved, stock?.committed].map(Number);
  };
  const reasonOf = (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => 'none',
      (error: unknown) => MeshError.from(error).reason,
    );

  it('has the stock of its seed, once however often it is planted', async () => {
    await restock(kettle, 1);
    await plantSeed(alone.store, initialStock);
    expect(await stockOf(kettle)).to.deep.equal([26, 0, 0]);
    expect(await reasonOf(stockOf('prd_no'))).to.equal('PRODUCT_NOT_FOUND');
    const { stocks } = await shop.batchGetStock(
      { productIds: [sundial, 'prd_no', kettle, sundial] },
      context(),
    );
    expect(stocks.map(({ productId }) => productId)).to.deep.equal([sundial, kettle]);
  });

  it('reserves all lines or none', async () => {
    const error = await reserve('ord_1', { [kettle]: 2, [sundial]: 13 }).catch(MeshError.from);
    expect(error).to.include({ code: 'FAILED_PRECONDITION', reason: 'OUT_OF_STOCK' });
    expect((error as MeshError).metadata).to.deep.equal({ [sundial]: '12' });
    expect(await stockOf(kettle)).to.deep.equal([25, 0, 0]);
    const { reservation } = await reserve('ord_1', { [kettle]: 2, [sundial]: 12 });
    expect(reservation?.state).to.equal(ReservationState.RESERVATION_STATE_HELD);
    expect(millisOf(reservation?.expiresAt)).to.equal(clock.clock.nowMs() + 60_000);
    expect(await stockOf(kettle)).to.deep.equal([23, 2, 0]);
    expect(await stockOf(sundial)).to.deep.equal([0, 12, 0]);
  });

  it('gives a repeated key its first answer, and one order one reservation', async () => {
    const first = await reserve('ord_1', { [kettle]: 2 }, { idempotencyKey: 'same' });
    expect(await reserve('ord_1', { [kettle]: 2 }, { idempotencyKey: 'same' })).to.deep.equal(first);
    expect(await reserve('ord_1', { [kettle]: 2 })).to.deep.equal(first);
    expect(await reasonOf(reserve('ord_1', { [kettle]: 3 }))).to.equal('CONFLICT');
    expect(await reasonOf(reserve('ord_2', { [kettle]: 2 }, { idempotencyKey: 'same' }))).to.equal(
      'IDEMPOTENCY_KEY_REUSED',
    );
    expect(await stockOf(kettle)).to.deep.equal([23, 2, 0]);
  });

  it('replays the answer of a reserve after the reservation was sold', async () => {
    const first = await reserve('ord_1', { [kettle]: 2 }, { idempotencyKey: 'same' });
    await commit('ord_1');
    expect(await reserve('ord_1', { [kettle]: 2 }, { idempotencyKey: 'same' })).to.deep.equal(first);
  });

  it('does not sell more than there is to many at the same moment', async () => {
    const reasons = await Promise.all(
      Array.from({ length: 20 }, (_, index) => reasonOf(reserve(`ord_${index}`, { [sundial]: 1 }))),
    );
    expect(reasons.filter((reason) => reason === 'none')).to.have.length(12);
    expect(reasons.filter((reason) => reason === 'OUT_OF_STOCK')).to.have.length(8);
    expect(await stockOf(sundial)).to.deep.equal([0, 12, 0]);
  });

  it('sells and gives back, and tells of it in order', async () => {
    await reserve('ord_1', { [kettle]: 2 });
    await commit('ord_1');
    await commit('ord_1');
    await reserve('ord_2', { [kettle]: 3 });
    await release('ord_2');
    await release('ord_2');
    expect(await stockOf(kettle)).to.deep.equal([23, 0, 2]);
    expect(await reasonOf(release('ord_1'))).to.equal('CONFLICT');
    expect(await reasonOf(commit('ord_2'))).to.equal('RESERVATION_VOIDED');
    await eventually(() => expect(alone.published).to.have.length(4));
    const told = (key: string) =>
      alone.published.filter((event) => event.key === key).map(({ type }) => type.split('.').at(-1));
    expect(told('ord_1')).to.deep.equal(['StockReserved', 'StockCommitted']);
    expect(told('ord_2')).to.deep.equal(['StockReserved', 'StockReleased']);
  });

  it('refuses a reserve that comes after its release', async () => {
    const { reservation } = await release('ord_1');
    expect(reservation).to.deep.include({ state: ReservationState.RESERVATION_STATE_RELEASED, lines: [] });
    expect(await reasonOf(reserve('ord_1', { [kettle]: 2 }))).to.equal('RESERVATION_VOIDED');
    expect(await stockOf(kettle)).to.deep.equal([25, 0, 0]);
  });

  it('is restocked by an operator, once a key', async () => {
    const first = await restock(kettle, 5, { idempotencyKey: 'pallet' });
    expect(first.stock?.available).to.equal(30n);
    expect(await restock(kettle, 5, { idempotencyKey: 'pallet' })).to.deep.equal(first);
    expect(await stockOf(kettle)).to.deep.equal([30, 0, 0]);
    expect(await reasonOf(restock('prd_no', 1))).to.equal('PRODUCT_NOT_FOUND');
  });

  it('answers order only where the contract says so', async () => {
    const user = testContext({ clock: clock.clock, userToken: alone.tokenOf(testUser()) });
    expect(await reasonOf(shop.release({ orderId: 'ord_1' }, user, newKey()))).to.equal('METHOD_NOT_EXPOSED');
    const stranger = alone.client(InventoryServiceDefinition, 'shipping');
    expect(await reasonOf(stranger.release({ orderId: 'ord_1' }, user, newKey()))).to.equal(
      'CALL_NOT_DECLARED',
    );
    expect(await reasonOf(shop.restock({ productId: kettle, quantity: 1 }, user, newKey()))).to.equal(
      'SCOPE_MISSING',
    );
    expect(await reasonOf(order.release({ orderId: 'ord_1' }, context()))).to.equal(
      'IDEMPOTENCY_KEY_REQUIRED',
    );
    expect(await reasonOf(reserve('ord_1', { [kettle]: 0 }))).to.equal('VALIDATION_FAILED');
  });

  describe('when a reservation has had its time', () => {
    const expire = () => clock.advance(70_000);

    it('gives the pieces back that order does not know or has given up', async () => {
      verdicts = { ord_1: Verdict.VERDICT_ABANDONED };
      await reserve('ord_1', { [kettle]: 2 });
      await reserve('ord_2', { [kettle]: 3 });
      await clock.advance(50_000);
      expect(asked).to.deep.equal([]);
      await clock.advance(20_000);
      expect(await stockOf(kettle)).to.deep.equal([25, 0, 0]);
      expect(asked).to.have.members(['ord_1', 'ord_2']);
    });

    it('keeps what is pending or confirmed, and asks again after as long a time', async () => {
      verdicts = { ord_1: Verdict.VERDICT_PENDING, ord_2: Verdict.VERDICT_CONFIRMED };
      await reserve('ord_1', { [kettle]: 2 });
      await reserve('ord_2', { [kettle]: 3 });
      await expire();
      expect(await stockOf(kettle)).to.deep.equal([20, 5, 0]);
      expect(asked).to.have.length(2);
      await clock.advance(30_000);
      expect(asked).to.have.length(2);
      await clock.advance(40_000);
      expect(asked).to.have.length(4);
    });

    it('keeps everything while order can not be asked, and says so', async () => {
      verdicts = { ord_1: new Error('order is down') };
      await reserve('ord_1', { [kettle]: 2 });
      await expire();
      expect(await stockOf(kettle)).to.deep.equal([23, 2, 0]);
      expect(
        alone.log.lines.some(({ level, message }) => level === 'warn' && /no verdict/.test(message)),
      ).to.equal(true);
    });

    it('sells it all the same if it is still there, else it is out of stock', async () => {
      await reserve('ord_1', { [sundial]: 12 });
      await expire();
      await commit('ord_1');
      expect(await stockOf(sundial)).to.deep.equal([0, 0, 12]);
      await restock(sundial, 3);
      await reserve('ord_2', { [sundial]: 3 });
      await expire();
      await reserve('ord_3', { [sundial]: 1 });
      expect(await reasonOf(commit('ord_2'))).to.equal('OUT_OF_STOCK');
      expect(await stockOf(sundial)).to.deep.equal([2, 1, 12]);
    });

    it('is held as long as the request asked for', async () => {
      await order.reserve(
        {
          orderId: 'ord_1',
          lines: [{ productId: kettle, quantity: 1 }],
          expiresIn: { seconds: 600n, nanos: 0 },
        },
        context(),
        newKey(),
      );
      await expire();
      expect(asked).to.deep.equal([]);
    });
  });

  it('conserves pieces through random commands, repeated at random, some at the same moment', async () => {
    const command = fc.record({
      kind: fc.constantFrom('reserve', 'commit', 'release', 'restock', 'expire'),
      orderId: fc.constantFrom('r1', 'r2', 'r3', 'r4', 'r5'),
      quantity: fc.integer({ min: 1, max: 6 }),
      key: fc.integer({ min: 1, max: 40 }),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(command, { minLength: 1, maxLength: 3 }), { maxLength: 12 }),
        async (rounds) => {
          run += 1;
          let restocked = 0;
          const before = await stockOf(sundial);
          for (const round of rounds) {
            await Promise.all(
              round.map(async ({ kind, orderId, quantity, key }) => {
                const options = { idempotencyKey: `${run}-${kind}-${key}` };
                const id = `${orderId}-${run}`;
                try {
                  if (kind === 'reserve') await reserve(id, { [sundial]: quantity, [kettle]: 1 }, options);
                  else if (kind === 'commit') await commit(id, options);
                  else if (kind === 'release') await release(id, options);
                  else if (kind === 'restock') {
                    await restock(sundial, quantity, newKey());
                    restocked += quantity;
                  }
                } catch (error) {
                  const { reason } = MeshError.from(error);
                  expect(reason).not.to.be.oneOf(['INTERNAL', 'STORAGE_UNAVAILABLE']);
                }
              }),
            );
            if (round.some(({ kind }) => kind === 'expire')) await clock.advance(70_000);
          }
          const sum = (figures: number[]) => figures.reduce((total, figure) => total + figure, 0);
          expect(sum(await stockOf(sundial))).to.equal(sum(before) + restocked);
          expect(sum(await stockOf(kettle))).to.equal(25);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('settings of inventory', () => {
  it('that are not seconds are refused by their variable', async () => {
    for (const value of ['0', '-1', 'soon', '86401']) {
      const start = startLoneService({
        name: 'inventory',
        service,
        environment: { INVENTORY_SWEEP_SECONDS: value },
        neighbours: [neighbour(OrderServiceDefinition, {})],
      });
      const error = await start.then(
        () => new Error('it was taken'),
        (refused: Error) => refused,
      );
      expect(error.message).to.match(/^INVENTORY_SWEEP_SECONDS is '.*': give a number from 0\.001 to 86400/);
    }
  });
});
