import { expect } from 'chai';
import { eventually } from '../../mesh/testing/eventually.js';
import { type Buyer, expectStatus, fillCart, newBuyer, request } from '../buyer.js';
import { type Edge, findEdge } from './edge.js';
import { namespace } from './pods.js';
import { kubectl, succeed } from './program.js';
import { upgrade } from './release.js';

const product = 'prd_linen-lamp';

describe('routing on the cluster', function () {
  this.timeout(180_000);
  let edge: Edge;

  before(async () => {
    edge = await findEdge();
  });

  /** Does something so often, a few at a time. */
  const times = async (count: number, atOnce: number, work: (index: number) => Promise<void>) => {
    let next = 0;
    const worker = async () => {
      while (next < count) {
        next += 1;
        await work(next);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  };

  it('at the edge repeats what has not reached the gateway, and nothing else', async () => {
    const printed = await succeed('istioctl', [
      ...['proxy-config', 'route', '--namespace', namespace, 'deployment/shop-istio', '--output', 'json'],
    ]);
    const policies = [...printed.matchAll(/"retryOn": "([^"]*)"/g)].map(([, when]) => when);
    expect(policies).to.have.length.greaterThan(1);
    expect([...new Set(policies)]).to.deep.equal(['connect-failure,refused-stream']);
  });

  describe('of calls into a fault', () => {
    const file = 'istio/faults/recommendation-unavailable.yaml';
    /** Who is missed in the answer; the edge answers without recommendations where it must. */
    const missed = async () => {
      const path = `/v1/products/${product}/recommendations`;
      return (await expectStatus(request(edge.httpUrl, 'GET', path), 200)).headers.get('x-degraded');
    };

    before(() => kubectl(['apply', '--namespace', namespace, '--filename', file]));
    after(async () => {
      await kubectl(['delete', '--namespace', namespace, '--ignore-not-found', '--filename', file]);
      await upgrade();
      await eventually(async () => expect(await missed()).to.equal(null), { withinMs: 30_000, everyMs: 200 });
    });

    it('leaves every purchase whole while recommendations fail', async () => {
      await eventually(async () => (await missed()) === 'recommendation', {
        withinMs: 30_000,
        everyMs: 200,
        what: 'recommendations to fail',
      });
      const buy = async (buyer: Buyer, key: string) => {
        const order = await fillCart(buyer, product);
        const placed = await buyer.call('POST', '/v1/orders', order, { 'idempotency-key': key });
        expect(placed.status, placed.text).to.be.oneOf([201, 202]);
        await eventually(
          async () => {
            const answer = await expectStatus(buyer.call('GET', `/v1/orders/${placed.body.order.id}`), 200);
            return answer.body.order.state === 'ORDER_STATE_SHIPPED';
          },
          { withinMs: 20_000, everyMs: 100, what: `${placed.body.order.id} to be shipped` },
        );
      };
      let bought = 0;
      await times(40, 4, async (index) => {
        await buy(await newBuyer(edge.httpUrl), `fault-${index}`);
        bought += 1;
      });
      expect(bought).to.equal(40);
      expect(await missed()).to.equal('recommendation');
    });
  });
});
