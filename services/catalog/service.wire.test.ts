import { expect } from 'chai';
import fc from 'fast-check';
import { MeshError } from '../../mesh/contract/error.js';
import { fromCents } from '../../mesh/contract/money.js';
import type { Client } from '../../mesh/rpc/definition.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { type LoneService, startLoneService } from '../../mesh/testing/lone-service.js';
import { testContext, testUser } from '../../mesh/testing/test-context.js';
import { CatalogServiceDefinition } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import { PriceChanged } from '../../proto/gen/meshmart/catalog/v1/catalog_events.js';
import { plantSeed } from './plant-seed.js';
import { seedCategories } from './seed/catalogue.js';
import { service } from './service.js';
import { sqliteSearchIndex } from './sqlite-search.js';

describe('catalog', () => {
  let alone: LoneService;
  let catalog: Client<typeof CatalogServiceDefinition>;
  // A new one for each test: its deadline runs from when it is made.
  let context = testContext();
  const operator = () =>
    testContext({ userToken: alone.tokenOf({ id: 'operator', kind: 'operator', scopes: ['operator'] }) });

  beforeEach(async () => {
    context = testContext();
    alone = await startLoneService({ name: 'catalog', service });
    catalog = alone.client(CatalogServiceDefinition);
  });
  afterEach(() => alone.stop());

  const refusal = (call: Promise<unknown>) =>
    call.then(
      () => {
        throw new Error('it was not refused');
      },
      (error: unknown) => MeshError.from(error),
    );
  const idsFound = async (q: string) =>
    (await catalog.searchProducts({ q, pageSize: 100 }, context)).products.map(({ id }) => id);

  describe('lists', () => {
    it('all products page by page, each once and in order', async () => {
      const seen: string[] = [];
      let pageToken = '';
      do {
        const page = await catalog.listProducts({ pageSize: 25, pageToken }, context);
        seen.push(...page.products.map(({ id }) => id));
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      expect(seen).to.have.length(72);
      expect(new Set(seen).size).to.equal(72);
    });

    it('20 products when no size is given, and 100 at most', async () => {
      expect((await catalog.listProducts({}, context)).products).to.have.length(20);
      const error = await refusal(catalog.listProducts({ pageSize: 101 }, context));
      expect(error.violations[0]?.field).to.equal('pageSize');
    });

    it('one category, whose last page has no token', async () => {
      const { products, nextPageToken } = await catalog.listProducts(
        { category: 'garden', pageSize: 12 },
        context,
      );
      expect(products.map(({ category }) => category)).to.deep.equal(Array(12).fill('garden'));
      expect(nextPageToken).to.equal('');
      expect((await catalog.listProducts({ category: 'cheese' }, context)).products).to.deep.equal([]);
    });

    it('refuse a page token of another list', async () => {
      const { nextPageToken } = await catalog.listProducts({ pageSize: 1 }, context);
      const error = await refusal(
        catalog.listProducts({ category: 'desk', pageToken: nextPageToken }, context),
      );
      expect(error).to.include({ code: 'INVALID_ARGUMENT', reason: 'VALIDATION_FAILED' });
      expect(error.violations[0]?.field).to.equal('pageToken');
    });

    it('the categories with their sizes', async () => {
      const { categories } = await catalog.listCategories({}, context);
      expect(categories).to.deep.equal(
        seedCategories.map(({ id, name }) => ({ id, name, productCount: 12 })),
      );
    });
  });

  describe('products', () => {
    it('have name, price, weight, tags and the path of their picture', async () => {
      const { product } = await catalog.getProduct({ id: 'prd_enamel-kettle' }, context);
      expect(product).to.deep.include({
        id: 'prd_enamel-kettle',
        name: 'Enamel Kettle',
        category: 'kitchen',
        price: fromCents('EUR', 3_890n),
        weightGrams: 1_250,
        picturePath: '/v1/products/prd_enamel-kettle/picture',
        version: 1n,
      });
    });

    it('that do not exist are not found', async () => {
      for (const call of [
        catalog.getProduct({ id: 'prd_no' }, context),
        catalog.getProductPicture({ id: 'prd_no' }, context),
      ]) {
        expect(await refusal(call)).to.include({ code: 'NOT_FOUND', reason: 'PRODUCT_NOT_FOUND' });
      }
    });

    it('come in the order asked for, without those that do not exist', async () => {
      const ids = ['prd_trug', 'prd_no', 'prd_enamel-kettle', 'prd_trug'];
      const { products } = await catalog.batchGetProducts({ ids }, context);
      expect(products.map(({ id }) => id)).to.deep.equal(['prd_trug', 'prd_enamel-kettle']);
    });

    it('have a picture in SVG', async () => {
      const { contentType, data } = await catalog.getProductPicture({ id: 'prd_trug' }, context);
      expect(contentType).to.equal('image/svg+xml');
      expect(Buffer.from(data).toString()).to.match(
        /^<svg .*<title id="t">Chestnut Garden Trug<\/title>.*<\/svg>$/s,
      );
    });
  });

  describe('search', () => {
    it('ranks a hit in the name above one in the tags, and that above one in the description', async () => {
      const found = await idsFound('rain');
      expect(found.slice(0, 2)).to.deep.equal(['prd_rain-record', 'prd_tarp-shelter']);
      expect(found.slice(2)).to.include.members(['prd_watering-can', 'prd_festoon-lights']);
    });

    it('finds lamps first for lamp', async () => {
      const { products, totalSize } = await catalog.searchProducts({ q: 'lamp' }, context);
      expect(products[0]?.category).to.equal('light');
      expect(products[0]?.name).to.match(/Lamp/);
      expect(totalSize).to.equal(products.length);
    });

    it('takes the last word as unfinished, and the others as they are', async () => {
      expect(await idsFound('copper ket')).to.deep.equal(['prd_copper-kettle']);
      expect(await idsFound('copp kettle')).to.deep.equal([]);
    });

    it('does not mind accents, case and plurals', async () => {
      expect(await idsFound('SAUTE')).to.include('prd_saute-pan');
      expect(await idsFound('ukuleles')).to.have.members(['prd_tenor-ukulele', 'prd_travel-ukulele']);
    });

    it('pages through all matches', async () => {
      const first = await catalog.searchProducts({ q: 'music', pageSize: 4 }, context);
      const second = await catalog.searchProducts(
        { q: 'music', pageSize: 100, pageToken: first.nextPageToken },
        context,
      );
      const all = [...first.products, ...second.products].map(({ id }) => id);
      expect(all).to.deep.equal(await idsFound('music'));
      expect(second).to.deep.include({ nextPageToken: '', totalSize: all.length });
    });

    it('needs a letter or a digit', async () => {
      const error = await refusal(catalog.searchProducts({ q: ' "*" ' }, context));
      expect(error.violations).to.have.length(1);
      expect(error).to.include({ code: 'INVALID_ARGUMENT' });
      expect(error.violations[0]?.field).to.equal('q');
    });

    it('takes any text as text', async () => {
      const hostile = [
        'lamp" OR "',
        'NEAR(lamp desk)',
        'name:lamp',
        'lamp*',
        '^lamp',
        'AND',
        "'; DROP TABLE products --",
      ];
      for (const q of hostile) await catalog.searchProducts({ q }, context);
      // NUL is refused everywhere, by the contracts.
      const anyText = fc
        .string({ unit: 'binary', minLength: 1, maxLength: 60 })
        .filter((text) => !text.includes('\0'));
      await fc.assert(
        fc.asyncProperty(anyText, async (text) => {
          await catalog.searchProducts({ q: `a${text}` }, context);
        }),
      );
    });
  });

  describe('a price', () => {
    const update = (cents: bigint, key?: string) =>
      catalog.updatePrice(
        { id: 'prd_trug', price: fromCents('EUR', cents) },
        operator(),
        key === undefined ? {} : { idempotencyKey: key },
      );

    it('is changed by an operator, which raises the version and is told to others', async () => {
      const { product } = await update(6_000n);
      expect(product).to.deep.include({ version: 2n, price: fromCents('EUR', 6_000n) });
      expect(await catalog.getProduct({ id: 'prd_trug' }, context)).to.deep.equal({ product });
      await eventually(() => expect(alone.published).to.have.length(1));
      expect(alone.published[0]).to.include({ type: 'meshmart.catalog.v1.PriceChanged', key: 'prd_trug' });
      expect(PriceChanged.decode(alone.published[0]?.data ?? Buffer.of())).to.deep.include({
        productId: 'prd_trug',
        oldPrice: fromCents('EUR', 5_450n),
        newPrice: fromCents('EUR', 6_000n),
      });
    });

    it('that is the same changes nothing', async () => {
      expect((await update(5_450n)).product?.version).to.equal(1n);
    });

    it('is changed once for one key, which gets its first answer again', async () => {
      const first = await update(6_000n, 'k1');
      await update(7_000n, 'k2');
      expect(await update(6_000n, 'k1')).to.deep.equal(first);
      expect((await catalog.getProduct({ id: 'prd_trug' }, context)).product?.version).to.equal(3n);
      expect(await refusal(update(8_000n, 'k1'))).to.include({
        code: 'ALREADY_EXISTS',
        reason: 'IDEMPOTENCY_KEY_REUSED',
      });
    });

    it('survives changes at the same moment, each counted', async () => {
      await Promise.all([1n, 2n, 3n, 4n].map((cents) => update(cents)));
      expect((await catalog.getProduct({ id: 'prd_trug' }, context)).product?.version).to.equal(5n);
    });

    it('must be one that the shop allows, of a product that exists', async () => {
      const wrong = await refusal(
        catalog.updatePrice({ id: 'prd_trug', price: { currencyCode: 'USD', units: 1n } }, operator()),
      );
      expect(wrong.violations.map(({ field }) => field)).to.deep.equal(['price.currencyCode']);
      const missing = await refusal(catalog.updatePrice({ id: 'prd_trug' }, operator()));
      expect(missing.violations[0]?.field).to.equal('price');
      const unknown = await refusal(
        catalog.updatePrice({ id: 'prd_no', price: fromCents('EUR', 1n) }, operator()),
      );
      expect(unknown.reason).to.equal('PRODUCT_NOT_FOUND');
    });

    it('is refused to everybody else', async () => {
      const request = { id: 'prd_trug', price: fromCents('EUR', 1n) };
      expect((await refusal(catalog.updatePrice(request, context))).code).to.equal('UNAUTHENTICATED');
      const user = testContext({ userToken: alone.tokenOf(testUser()) });
      expect(await refusal(catalog.updatePrice(request, user))).to.include({
        code: 'PERMISSION_DENIED',
        reason: 'SCOPE_MISSING',
      });
    });

    it('outlives another planting of the seed', async () => {
      await update(6_000n);
      await plantSeed(alone.store, sqliteSearchIndex, seedCategories);
      expect((await catalog.getProduct({ id: 'prd_trug' }, context)).product?.version).to.equal(2n);
    });
  });
});
