import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { parse } from 'yaml';
import { openDynamicClient } from '../mesh/cli/dynamic-client.js';
import { loadContract } from '../mesh/contract/image.js';
import { type Exposure, exposures, type MethodPolicy, readPolicies } from '../mesh/contract/policy.js';
import { machineAmbient } from '../mesh/runtime/ambient.js';
import { packageRoot } from '../mesh/runtime/package-root.js';
import { readOrMakeSecret } from '../mesh/runtime/secret-file.js';
import { signingKeyOf, signToken } from '../mesh/security/token.js';
import { readImage } from '../mesh/shape/package-files.js';
import { eventually } from '../mesh/testing/eventually.js';
import { type Buyer, expectStatus, expectTaken, fillCart, newBuyer, request, workingCard } from './buyer.js';

const slowCard = { ...workingCard, cardNumber: '4000000000000077' };
const decliningCard = { ...workingCard, cardNumber: '4000000000000002' };
const hangingCard = { ...workingCard, cardNumber: '4000000000000341' };

/** A shop that runs, in whatever shape, as the tour sees it: from outside. */
export interface TouredShop {
  readonly httpUrl: string;
  readonly grpcAddress: string;
  readonly adminUrl: string;
  /** Everything that it keeps on disk. */
  readonly dataFolder: string;
  stop(): Promise<unknown>;
}

/** What the shop is started with, so that what takes minutes in life takes a second here. */
export const tourSettings = { INVENTORY_RESERVATION_SECONDS: '1', INVENTORY_SWEEP_SECONDS: '1' };

/** What an empty request without a token gets, by who may call the method. */
const answersToNobody: Readonly<Record<Exposure, readonly string[]>> = {
  public: ['OK', 'INVALID_ARGUMENT', 'NOT_FOUND'],
  user: ['UNAUTHENTICATED'],
  operator: ['UNAUTHENTICATED'],
  internal: ['PERMISSION_DENIED'],
};

/** The tour: every method, every edge, every state an order can reach. The same for each shape. */
export function tourSuite(shape: string, start: () => Promise<TouredShop>): void {
  describe(`a tour of the whole shop (${shape})`, function () {
    this.timeout(60_000);
    let shop: TouredShop;
    let url: string;
    let buyer: Buyer;
    const products: string[] = [];

    before(async () => {
      shop = await start();
      url = shop.httpUrl;
      buyer = await newBuyer(url);
    });
    after(async () => {
      await shop?.stop();
    });

    const order = async (card: object, key: string) => {
      const body = await fillCart(buyer, products[0] ?? '', 1, card);
      return buyer.call('POST', '/v1/orders', body, { 'idempotency-key': key });
    };
    const untilState = (id: string, state: string) =>
      eventually(
        async () => {
          const { body } = await buyer.call('GET', `/v1/orders/${id}`);
          expect(body.order.state).to.equal(state);
          return body.order;
        },
        { withinMs: 15_000, everyMs: 100 },
      );

    it('shows products, pictures, stock, recommendations and quotes to anybody', async () => {
      const page = await expectStatus(request(url, 'GET', '/v1/products?pageSize=3'), 200);
      products.push(...page.body.products.map((product: { id: string }) => product.id));
      expect(products).to.have.length(3);
      expect(page.body.nextPageToken).to.be.a('string').and.not.equal('');
      for (const path of [
        '/v1/categories',
        `/v1/products/${products[0]}`,
        '/v1/products:search?q=lamp',
        `/v1/products/${products[0]}/stock`,
        `/v1/products/${products[0]}/recommendations`,
        '/v1/shipping/quotes?country=DE',
        '/.well-known/jwks.json',
        '/openapi.json',
        '/readyz',
        '/healthz',
        '/',
      ]) {
        await expectStatus(request(url, 'GET', path), 200);
      }
      const picture = await expectStatus(request(url, 'GET', `/v1/products/${products[0]}/picture`), 200);
      expect(picture.headers.get('content-type')).to.match(/^image\/svg\+xml/);
    });

    it('keeps a profile, addresses and preferences for a user', async () => {
      await expectStatus(buyer.call('GET', '/v1/me'), 200);
      await expectStatus(buyer.call('PATCH', '/v1/me', { name: 'Countess' }), 200);
      const added = await expectStatus(
        buyer.call('POST', '/v1/me/addresses', {
          address: { name: 'A', line1: 'B', city: 'C', postalCode: '1', country: 'DE' },
        }),
        201,
      );
      await expectStatus(buyer.call('GET', '/v1/me/addresses'), 200);
      await expectStatus(buyer.call('DELETE', `/v1/me/addresses/${added.body.address.id}`), 200);
      await expectStatus(buyer.call('PATCH', '/v1/notifications/preferences', { marketingMail: true }), 200);
      await expectStatus(buyer.call('GET', '/v1/notifications'), 200);
    });

    it("moves a guest's cart to the user who logs in", async () => {
      const first = await expectStatus(
        request(url, 'POST', '/v1/cart/items', { productId: products[1], quantity: 60 }),
        200,
      );
      const guest = first.headers.get('x-guest-token') ?? '';
      expect(first.headers.get('set-cookie')).to.match(/HttpOnly/);
      await expectStatus(buyer.call('POST', '/v1/cart/items', { productId: products[1], quantity: 60 }), 200);
      const login = { email: buyer.email, password: 'correct horse battery' };
      await expectStatus(request(url, 'POST', '/v1/sessions', login, { 'x-guest-token': guest }), 201);
      const cart = await expectStatus(buyer.call('GET', '/v1/cart'), 200);
      expect(cart.body.cart.lines[0]).to.include({ productId: products[1], quantity: 99 });
      await expectStatus(buyer.call('PATCH', `/v1/cart/items/${products[1]}`, { quantity: 2 }), 200);
      await expectStatus(buyer.call('DELETE', `/v1/cart/items/${products[1]}`), 200);
      await expectStatus(buyer.call('DELETE', '/v1/cart'), 200);
    });

    it('sells, declines, cancels, and waits for a card processor that hangs', async () => {
      const sold = await expectTaken(order(workingCard, 'tour-1'));
      expect(
        (await expectStatus(buyer.call('POST', '/v1/orders', {}, { 'idempotency-key': 'x' }), 400)).body
          .violations,
      ).to.be.an('array');
      const shipped = await untilState(sold.body.order.id, 'ORDER_STATE_SHIPPED');
      await expectStatus(buyer.call('GET', '/v1/orders'), 200);
      await expectStatus(buyer.call('GET', `/v1/orders/${shipped.id}/events`), 200);
      await expectStatus(buyer.call('GET', `/v1/payments/${shipped.id}`), 200);
      await expectStatus(buyer.call('GET', `/v1/shipments/${shipped.shipmentId}`), 200);
      const refused = await expectTaken(order(decliningCard, 'tour-2'));
      await untilState(refused.body.order.id, 'ORDER_STATE_REJECTED');
      const slow = await expectStatus(order(slowCard, 'tour-3'), 202);
      await buyer.call('POST', `/v1/orders/${slow.body.order.id}:cancel`, { reason: 'changed my mind' });
      await untilState(slow.body.order.id, 'ORDER_STATE_CANCELLED');
      const hanging = await expectStatus(order(hangingCard, 'tour-4'), 202);
      await untilState(hanging.body.order.id, 'ORDER_STATE_SHIPPED');
    });

    it('learns from orders what is bought together', async () => {
      await expectStatus(buyer.call('POST', '/v1/cart/items', { productId: products[2], quantity: 1 }), 200);
      await expectTaken(order(workingCard, 'tour-5'));
      await eventually(
        async () => {
          const { body } = await request(url, 'GET', `/v1/products/${products[0]}/recommendations`);
          expect(body.products[0]).to.include({ productId: products[2], boughtTogether: 1 });
        },
        { withinMs: 10_000, everyMs: 100 },
      );
    });

    it('lets operators restock, reprice, refund and take parcels back, and nobody else', async () => {
      const { clock, random } = machineAmbient();
      const key = signingKeyOf(
        readOrMakeSecret(join(shop.dataFolder, 'secrets', 'users-signing-key'), 32, random),
      );
      const token = signToken(
        { subject: 'operator', kind: 'operator', scopes: ['operator'], jti: 'jti' },
        key,
        clock.nowMs(),
        60_000,
      );
      const operator = { authorization: `Bearer ${token}`, 'idempotency-key': 'op-1' };
      const restock = `/v1/products/${products[0]}:restock`;
      await expectStatus(buyer.call('POST', restock, { quantity: 5 }, { 'idempotency-key': 'op-0' }), 403);
      await expectStatus(request(url, 'POST', restock, { quantity: 5 }, operator), 200);
      await expectStatus(
        request(
          url,
          'POST',
          `/v1/products/${products[2]}:updatePrice`,
          { price: { currencyCode: 'EUR', units: '99' } },
          operator,
        ),
        200,
      );
      const { body } = await buyer.call('GET', '/v1/orders');
      const shipped = body.orders.filter((one: { state: string }) => one.state === 'ORDER_STATE_SHIPPED');
      await expectStatus(request(url, 'POST', `/v1/payments/${shipped[0].id}:refund`, {}, operator), 200);
      await expectStatus(
        request(url, 'POST', `/v1/shipments/${shipped[0].shipmentId}:cancel`, {}, operator),
        200,
      );
    });

    it('streams over gRPC to a client that knows only the descriptors, and refuses internal methods', async () => {
      const client = openDynamicClient(shop.grpcAddress);
      const call = async (path: string, body: object, metadata: Record<string, string> = {}) => {
        for await (const message of client.call(path, body, metadata, 5_000)) return message;
        return undefined;
      };
      await call('meshmart.catalog.v1.CatalogService/BatchGetProducts', { ids: products });
      await call('meshmart.inventory.v1.InventoryService/BatchGetStock', { product_ids: products });
      const { body } = await buyer.call('GET', '/v1/orders');
      const { shipmentId } = body.orders.find((one: { shipmentId: string }) => one.shipmentId !== '');
      await call(
        'meshmart.shipping.v1.ShippingService/TrackShipment',
        { id: shipmentId },
        { authorization: `Bearer ${buyer.token}` },
      );
      const refusal = await call(
        'meshmart.inventory.v1.InventoryService/Reserve',
        { order_id: 'x' },
        { 'idempotency-key': '1' },
      ).catch((error: { code: number }) => error.code);
      expect(refusal).to.equal(7);
      client.close();
    });

    it('answers for every exposed method at the gRPC port, and for no internal one', async () => {
      const client = openDynamicClient(shop.grpcAddress);
      const codeOf = async ({ path }: MethodPolicy): Promise<number> => {
        try {
          for await (const _ of client.call(path.slice(1), {}, {}, 5_000)) return status.OK;
          return status.OK;
        } catch (error) {
          return (error as { code: number }).code;
        }
      };
      const policies = [...readPolicies(loadContract(readImage())).values()];
      for (const exposure of exposures) {
        const methods = policies.filter((policy) => policy.exposure === exposure);
        expect(methods, exposure).to.not.deep.equal([]);
        for (const method of methods) {
          const code = status[await codeOf(method)];
          // An empty request, and nobody who sends it: what comes back is about that, never about the way there.
          expect(code, `${method.path} (${exposure})`).to.be.oneOf(answersToNobody[exposure]);
        }
      }
      client.close();
    });

    it('answers 404 for what belongs to another', async () => {
      const other = await newBuyer(url);
      const { body } = await buyer.call('GET', '/v1/orders');
      const [first] = body.orders;
      for (const path of [
        `/v1/orders/${first.id}`,
        `/v1/payments/${first.id}`,
        `/v1/orders/${first.id}/events`,
        '/v1/orders/ord_doesnotexist',
      ]) {
        await expectStatus(other.call('GET', path), 404);
      }
    });

    it('has used every edge that the manifests declare, and no other', async () => {
      const declared = new Set<string>();
      const services = join(packageRoot(), 'services');
      for (const name of readdirSync(services)) {
        const manifest = parse(readFileSync(join(services, name, 'service.yaml'), 'utf8')) as {
          calls?: string[];
        };
        for (const call of manifest.calls ?? []) declared.add(`${name} ${call}`);
      }
      const tokens = (edge: string) => edge.endsWith('/ListSigningKeys');
      // A process that does not tell within a second is left out.
      await eventually(
        async () => {
          const answer = await fetch(`${shop.adminUrl}/edges`);
          const { edges } = (await answer.json()) as { edges: { caller: string; method: string }[] };
          const seen = new Set(edges.map(({ caller, method }) => `${caller} ${method}`));
          expect(
            [...seen].filter((edge) => !declared.has(edge)),
            'used and not declared',
          ).to.deep.equal([]);
          expect(
            [...declared].filter((edge) => !seen.has(edge) && !tokens(edge)),
            'declared and never used',
          ).to.deep.equal([]);
        },
        { withinMs: 10_000, everyMs: 200 },
      );
    });

    it('has left no card number, security code, password or token in any file or span', async () => {
      const secrets = [
        workingCard.cardNumber,
        slowCard.cardNumber,
        decliningCard.cardNumber,
        'correct horse battery',
        buyer.token,
      ];
      const spans = await (await fetch(`${shop.adminUrl}/traces`)).text();
      const texts: [string, string][] = [['spans', spans]];
      const walk = (path: string) => {
        for (const name of readdirSync(path)) {
          const file = join(path, name);
          try {
            if (statSync(file).isDirectory()) walk(file);
            else texts.push([file, readFileSync(file, 'latin1')]);
          } catch (error) {
            // Servers that run rename and delete files.
            if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
          }
        }
      };
      walk(shop.dataFolder);
      expect(texts.length).to.be.greaterThan(15);
      for (const [where, text] of texts) {
        for (const secret of secrets)
          expect(text.includes(secret), `${where} holds ${secret.slice(0, 6)}...`).to.equal(false);
      }
      // The search itself works: what is meant to be kept is found.
      expect(texts.some(([, text]) => text.includes(buyer.email))).to.equal(true);
    });
  });
}
