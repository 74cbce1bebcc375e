import { expect } from 'chai';
import { MeshError } from '../../mesh/contract/error.js';
import { fromCents } from '../../mesh/contract/money.js';
import type { User } from '../../mesh/rpc/context.js';
import type { Client } from '../../mesh/rpc/definition.js';
import type { Documents } from '../../mesh/store/documents.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { type LoneService, neighbour, startLoneService } from '../../mesh/testing/lone-service.js';
import { testContext, testUser } from '../../mesh/testing/test-context.js';
import { type VirtualClock, virtualClock } from '../../mesh/testing/virtual-clock.js';
import { AddItemResponse, type Cart, CartServiceDefinition } from '../../proto/gen/meshmart/cart/v1/cart.js';
import { CatalogServiceDefinition, Product } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import { OrderPlaced } from '../../proto/gen/meshmart/order/v1/order_events.js';
import { service } from './service.js';

const user = testUser();
const guest: User = { id: 'guest_1', kind: 'guest', scopes: ['cart'] };

/** What the cart does wherever its documents are kept. @param documents for each test; default: in its own store. */
export function cartContract(name: string, documents: () => Documents | undefined): void {
  describe(`cart: ${name}`, () => {
    let clock: VirtualClock;
    let alone: LoneService;
    let client: Client<typeof CartServiceDefinition>;
    let prices: Record<string, number>;

    beforeEach(async () => {
      clock = virtualClock();
      prices = { prd_a: 1_000, prd_b: 250 };
      alone = await startLoneService({
        name: 'cart',
        service,
        ambient: clock,
        documents: documents(),
        neighbours: [
          neighbour(CatalogServiceDefinition, {
            getProduct: async ({ id }) => {
              const cents = prices[id];
              if (cents === undefined) {
                throw new MeshError({
                  code: 'NOT_FOUND',
                  reason: 'PRODUCT_NOT_FOUND',
                  message: `there is no ${id}`,
                });
              }
              const price = fromCents('EUR', BigInt(cents));
              return { product: Product.fromPartial({ id, name: `The ${id}`, price }) };
            },
          }),
        ],
      });
      client = alone.client(CartServiceDefinition);
    });
    afterEach(() => alone.stop());

    const as = (who: User = user) => testContext({ clock: clock.clock, userToken: alone.tokenOf(who) });
    const add = (productId: string, quantity: number, who: User = user, options = {}) =>
      client.addItem({ productId, quantity }, as(who), options);
    const cartOf = async (who: User = user): Promise<Cart> => {
      const { cart } = await client.getCart({}, as(who));
      if (cart === undefined) throw new Error('no cart came back');
      return cart;
    };
    const pieces = async (who: User = user) =>
      Object.fromEntries((await cartOf(who)).lines.map(({ productId, quantity }) => [productId, quantity]));
    const reasonOf = (call: Promise<unknown>) =>
      call.then(
        () => 'none',
        (error: unknown) => MeshError.from(error).reason,
      );

    it('is empty at first, and each owner has one', async () => {
      expect(await cartOf()).to.deep.equal({ lines: [], subtotal: undefined, version: 0n });
      await add('prd_a', 2);
      await add('prd_b', 1, guest);
      expect(await pieces()).to.deep.equal({ prd_a: 2 });
      expect(await pieces(guest)).to.deep.equal({ prd_b: 1 });
      expect((await cartOf()).subtotal).to.deep.equal(fromCents('EUR', 2_000n));
    });

    it('keeps the price that was agreed to until the product is put in again', async () => {
      await add('prd_a', 1);
      prices['prd_a'] = 1_200;
      expect((await cartOf()).lines[0]?.unitPrice).to.deep.equal(fromCents('EUR', 1_000n));
      await add('prd_a', 1);
      expect((await cartOf()).lines[0]?.unitPrice).to.deep.equal(fromCents('EUR', 1_200n));
    });

    it('is changed line by line', async () => {
      await add('prd_a', 1);
      await add('prd_b', 1);
      await client.updateItem({ productId: 'prd_a', quantity: 7 }, as());
      expect(await pieces()).to.deep.equal({ prd_a: 7, prd_b: 1 });
      await client.removeItem({ productId: 'prd_a' }, as());
      await client.removeItem({ productId: 'prd_a' }, as());
      expect(await pieces()).to.deep.equal({ prd_b: 1 });
      await client.clearCart({}, as());
      expect(await pieces()).to.deep.equal({});
    });

    it('refuses what breaks a rule', async () => {
      expect(await reasonOf(add('prd_a', 0))).to.equal('VALIDATION_FAILED');
      expect(await reasonOf(add('prd_a', 100))).to.equal('VALIDATION_FAILED');
      expect(await reasonOf(add('prd_no', 1))).to.equal('PRODUCT_NOT_FOUND');
      await add('prd_a', 99);
      expect(await reasonOf(add('prd_a', 1))).to.equal('CART_LINE_LIMIT');
      expect(await reasonOf(client.updateItem({ productId: 'prd_a', quantity: 0 }, as()))).to.equal(
        'VALIDATION_FAILED',
      );
      expect(await reasonOf(client.updateItem({ productId: 'prd_b', quantity: 1 }, as()))).to.equal(
        'CART_LINE_NOT_FOUND',
      );
      expect(await reasonOf(client.getCart({}, testContext({ clock: clock.clock })))).to.equal(
        'TOKEN_MISSING',
      );
    });

    it('loses no piece when 50 are put in at once', async () => {
      await Promise.all(Array.from({ length: 50 }, () => add('prd_a', 1)));
      expect(await pieces()).to.deep.equal({ prd_a: 50 });
    });

    it('takes a keyed command once, and gives its repetitions the first answer', async () => {
      const options = { idempotencyKey: 'same' };
      const all = await Promise.all(Array.from({ length: 10 }, () => add('prd_a', 2, user, options)));
      await add('prd_b', 1);
      all.push(await add('prd_a', 2, user, options));
      expect(
        new Set(all.map((each) => Buffer.from(AddItemResponse.encode(each).finish()).toString('hex'))).size,
      ).to.equal(1);
      expect(await pieces()).to.deep.equal({ prd_a: 2, prd_b: 1 });
      expect(await reasonOf(add('prd_a', 3, user, options))).to.equal('IDEMPOTENCY_KEY_REUSED');
    });

    it('gives a repetition its answer although the product is gone since', async () => {
      const first = await add('prd_a', 2, user, { idempotencyKey: 'same' });
      delete prices['prd_a'];
      expect(await add('prd_a', 2, user, { idempotencyKey: 'same' })).to.deep.equal(first);
    });

    describe('of a guest who logs in', () => {
      const merge = (guestToken: string, who: User = user) => client.mergeCart({ guestToken }, as(who));

      it("moves to the user's, once", async () => {
        await add('prd_a', 60);
        await add('prd_a', 60, guest);
        await add('prd_b', 3, guest);
        const guestToken = alone.tokenOf(guest);
        const { cart } = await merge(guestToken);
        expect(await cartOf()).to.deep.equal(cart);
        expect(await pieces()).to.deep.equal({ prd_a: 99, prd_b: 3 });
        expect(await pieces(guest)).to.deep.equal({});
        expect((await merge(guestToken)).cart).to.deep.equal(cart);
      });

      it('moves once however many try at once', async () => {
        await add('prd_b', 3, guest);
        const guestToken = alone.tokenOf(guest);
        await Promise.all(Array.from({ length: 20 }, () => merge(guestToken)));
        expect(await pieces()).to.deep.equal({ prd_b: 3 });
      });

      it('is safe from others: it takes a good token of a guest, and a user', async () => {
        await add('prd_b', 3, testUser('usr_other'));
        expect(await reasonOf(merge(alone.tokenOf(testUser('usr_other'))))).to.equal('TOKEN_INVALID');
        expect(await reasonOf(merge('nonsense'))).to.equal('TOKEN_INVALID');
        expect(await reasonOf(merge(alone.tokenOf(guest), { ...guest, id: 'guest_2' }))).to.equal(
          'SCOPE_MISSING',
        );
      });
    });

    it('loses what was ordered, once, and keeps what was put in since', async () => {
      await add('prd_a', 5);
      await add('prd_b', 1);
      const placed = OrderPlaced.encode(
        OrderPlaced.fromPartial({
          orderId: 'ord_1',
          userId: user.id,
          lines: [
            { productId: 'prd_a', quantity: 2 },
            { productId: 'prd_b', quantity: 1 },
          ],
        }),
      ).finish();
      await alone.announce('order', 'meshmart.order.v1.OrderPlaced', 'ord_1', placed, 'order-1');
      await eventually(async () => {
        await clock.advance(10);
        expect(await pieces()).to.deep.equal({ prd_a: 3 });
      });
      const { version } = await cartOf();
      await alone.announce('order', 'meshmart.order.v1.OrderPlaced', 'ord_1', placed, 'order-1');
      await alone.announce('order', 'meshmart.order.v1.OrderPlaced', 'ord_2', placed, 'order-2');
      await eventually(async () => {
        await clock.advance(10);
        expect(await pieces()).to.deep.equal({ prd_a: 1 });
      });
      expect((await cartOf()).version).to.equal(version + 1n);
    });
  });
}
