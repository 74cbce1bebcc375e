import { expect } from 'chai';
import { MeshError } from '../../mesh/contract/error.js';
import { fromCents } from '../../mesh/contract/money.js';
import type { Client } from '../../mesh/rpc/definition.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { type LoneService, neighbour, startLoneService } from '../../mesh/testing/lone-service.js';
import { testContext } from '../../mesh/testing/test-context.js';
import { CatalogServiceDefinition, Product } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import { OrderConfirmed } from '../../proto/gen/meshmart/order/v1/order_events.js';
import { RecommendationServiceDefinition } from '../../proto/gen/meshmart/recommendation/v1/recommendation.js';
import { createProductMemory } from './product-memory.js';
import { service } from './service.js';

const product = (id: string, category: string) =>
  Product.fromPartial({
    id,
    name: `Name of ${id}`,
    category,
    price: fromCents('EUR', 100n),
    picturePath: `/${id}`,
  });

const shop = [
  ...['a', 'b', 'c', 'd'].map((id) => product(id, 'kitchen')),
  ...['x', 'y', 'z'].map((id) => product(id, 'sound')),
];

describe('recommendation', () => {
  let alone: LoneService;
  let recommendation: Client<typeof RecommendationServiceDefinition>;
  let catalogIs: 'up' | 'down' | 'silent';
  const answer = async <T>(work: () => T): Promise<T> => {
    if (catalogIs === 'down')
      throw new MeshError({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE', message: 'catalog is down' });
    if (catalogIs === 'silent') return new Promise<T>(() => undefined);
    return work();
  };

  beforeEach(async () => {
    catalogIs = 'up';
    alone = await startLoneService({
      name: 'recommendation',
      service,
      neighbours: [
        neighbour(CatalogServiceDefinition, {
          getProduct: ({ id }) =>
            answer(() => {
              const found = shop.find((candidate) => candidate.id === id);
              if (found === undefined)
                throw new MeshError({ code: 'NOT_FOUND', reason: 'PRODUCT_NOT_FOUND', message: `no ${id}` });
              return { product: found };
            }),
          batchGetProducts: ({ ids }) =>
            answer(() => ({ products: shop.filter(({ id }) => ids.includes(id)) })),
          listProducts: ({ category, pageSize }) =>
            answer(() => ({
              products: shop.filter((candidate) => candidate.category === category).slice(0, pageSize),
              nextPageToken: '',
            })),
        }),
      ],
    });
    recommendation = alone.client(RecommendationServiceDefinition);
  });
  afterEach(() => alone.stop());

  const confirmed = (ids: string[], eventId: string) =>
    alone.announce(
      'order',
      'meshmart.order.v1.OrderConfirmed',
      eventId,
      OrderConfirmed.encode(
        OrderConfirmed.fromPartial({
          orderId: eventId,
          lines: ids.map((productId) => ({ productId, quantity: 3 })),
        }),
      ).finish(),
      eventId,
    );
  const list = async (productId: string, pageSize = 0) => {
    const { products, degraded } = await recommendation.listRecommendations(
      { productId, pageSize },
      testContext(),
    );
    return {
      degraded,
      products: products.map((recommended) => `${recommended.productId}${recommended.boughtTogether}`),
    };
  };

  it('fills up from the category as long as nothing was bought', async () => {
    // On a machine that does other things as well, the first calls may take longer than the contract's 150 ms.
    await eventually(async () =>
      expect(await list('a')).to.deep.equal({ degraded: false, products: ['b0', 'c0', 'd0'] }),
    );
    await eventually(async () => expect((await list('a', 2)).products).to.deep.equal(['b0', 'c0']));
  });

  it('learns what is bought together, most often first, equals by id', async () => {
    await confirmed(['a', 'x', 'z'], 'e1');
    await confirmed(['a', 'z', 'c', 'c'], 'e2');
    await confirmed(['a'], 'e3');
    await eventually(async () =>
      expect((await list('a')).products).to.deep.equal(['z2', 'c1', 'x1', 'b0', 'd0']),
    );
    expect((await list('x')).products).to.deep.equal(['a1', 'z1', 'y0']);
    const { products } = await recommendation.listRecommendations(
      { productId: 'a', pageSize: 1 },
      testContext(),
    );
    expect(products).to.deep.equal([
      {
        productId: 'z',
        name: 'Name of z',
        price: fromCents('EUR', 100n),
        picturePath: '/z',
        boughtTogether: 2,
      },
    ]);
  });

  it('learns once from an event that comes twice', async () => {
    await confirmed(['a', 'x'], 'e1');
    await eventually(async () => expect((await list('a', 1)).products).to.deep.equal(['x1']));
    await confirmed(['a', 'x'], 'e1');
    await confirmed(['a', 'y'], 'e1-marker');
    await eventually(async () => expect((await list('a', 2)).products).to.deep.equal(['x1', 'y1']));
  });

  it('leaves out what is not for sale any more', async () => {
    await confirmed(['a', 'gone', 'x'], 'e1');
    await eventually(async () => expect((await list('a', 1)).products).to.deep.equal(['x1']));
  });

  it('learns from an order of a hundred products in one transaction', async () => {
    await confirmed(['a', ...Array.from({ length: 98 }, (_, index) => `p${index}`), 'z'], 'e1');
    await eventually(async () => {
      const rows = await alone.store.query({ sql: 'SELECT COUNT(*) AS pairs FROM bought_together' });
      expect(Number(rows[0]?.['pairs'])).to.equal(9_900);
    });
  });

  it('does not know a product that catalog does not know', async () => {
    await eventually(async () =>
      expect(await list('no').catch(MeshError.from)).to.include({
        code: 'NOT_FOUND',
        reason: 'PRODUCT_NOT_FOUND',
      }),
    );
  });

  it('shows what it remembers, and says that it is degraded, when catalog is down', async () => {
    await confirmed(['a', 'x', 'z'], 'e1');
    await eventually(async () => expect((await list('a', 2)).products).to.deep.equal(['x1', 'z1']));
    catalogIs = 'down';
    expect(await list('a')).to.deep.equal({ degraded: true, products: ['x1', 'z1'] });
    expect(await list('y')).to.deep.equal({ degraded: true, products: [] });
  });

  it('answers within its own deadline when catalog does not answer at all', async () => {
    catalogIs = 'silent';
    expect(await list('a')).to.deep.equal({ degraded: true, products: [] });
  });
});

describe('the memory of products', () => {
  it('forgets those that were told of longest ago', () => {
    const memory = createProductMemory(2);
    memory.remember([product('a', 'k'), product('b', 'k')]);
    memory.remember([product('a', 'k')]);
    memory.remember([product('c', 'k')]);
    expect(['a', 'b', 'c'].map((id) => memory.recall(id)?.id)).to.deep.equal(['a', undefined, 'c']);
  });
});
