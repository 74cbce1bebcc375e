import { expect } from 'chai';
import type { User } from '../../mesh/rpc/context.js';
import { type LoneService, neighbour, startLoneService } from '../../mesh/testing/lone-service.js';
import { testContext, testUser } from '../../mesh/testing/test-context.js';
import { virtualClock } from '../../mesh/testing/virtual-clock.js';
import { CartServiceDefinition } from '../../proto/gen/meshmart/cart/v1/cart.js';
import { CatalogServiceDefinition, Product } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import { cartContract } from './contract-suite.js';
import { service } from './service.js';

cartContract('in its own database', () => undefined);

describe('the cart of a guest', () => {
  const clock = virtualClock();
  let alone: LoneService;
  before(async () => {
    alone = await startLoneService({
      name: 'cart',
      service,
      ambient: clock,
      neighbours: [
        neighbour(CatalogServiceDefinition, {
          getProduct: async ({ id }) => ({
            product: Product.fromPartial({
              id,
              name: `The ${id}`,
              price: { currencyCode: 'EUR', units: 1n, nanos: 0 },
            }),
          }),
        }),
      ],
    });
  });
  after(() => alone.stop());

  it('is thrown away after 30 days without a touch, that of a user never', async () => {
    const user = testUser();
    const guest: User = { id: 'guest_1', kind: 'guest', scopes: ['cart'] };
    const other: User = { ...guest, id: 'guest_2' };
    const client = alone.client(CartServiceDefinition);
    const as = (who: User) => testContext({ clock: clock.clock, userToken: alone.tokenOf(who) });
    const add = (productId: string, who: User) => client.addItem({ productId, quantity: 1 }, as(who));
    const pieces = async (who: User) =>
      Object.fromEntries(
        ((await client.getCart({}, as(who))).cart?.lines ?? []).map(({ productId, quantity }) => [
          productId,
          quantity,
        ]),
      );
    const kept = async () =>
      (await alone.store.query({ sql: 'SELECT key FROM mesh_documents ORDER BY key' })).map(({ key }) => key);
    for (const who of [user, guest, other]) await add('prd_a', who);
    const day = 86_400_000;
    clock.setWallTime(clock.clock.nowMs() + 20 * day);
    await add('prd_b', other);
    clock.setWallTime(clock.clock.nowMs() + 11 * day);
    expect(await pieces(guest)).to.deep.equal({});
    expect(await pieces(other)).to.deep.equal({ prd_a: 1, prd_b: 1 });
    expect(await pieces(user)).to.deep.equal({ prd_a: 1 });
    expect(await kept()).to.deep.equal(['cart/guest_1', 'cart/guest_2', `cart/${user.id}`]);
    await clock.advance(3_600_000);
    expect(await kept()).to.deep.equal(['cart/guest_2', `cart/${user.id}`]);
  });
});
