import { expect } from 'chai';
import { eventually } from '../../mesh/testing/eventually.js';
import { type Buyer, expectStatus, fillCart, newBuyer, request } from '../buyer.js';
import { accessLog } from './access-log.js';
import { type Edge, findEdge } from './edge.js';
import { isReady, namespace, podsOf } from './pods.js';
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

  describe('of a canary', () => {
    before(() =>
      upgrade(
        'services.catalog.canary.enabled=true',
        'services.catalog.canary.image.tag=next',
        'services.catalog.canary.weight=10',
      ),
    );
    after(() => upgrade('services.catalog.canary.enabled=false'));

    const look = () => expectStatus(request(edge.httpUrl, 'GET', `/v1/products/${product}`), 200);
    /** How often the pods of a track were asked for a product. */
    const askedOf = async (track: string) => {
      const pods = (await podsOf(`app=catalog,track=${track}`)).filter(isReady);
      const logs = await Promise.all(pods.map(({ metadata }) => accessLog(metadata.name)));
      return logs
        .flat()
        .filter(
          ({ path, cluster }) => path.endsWith('CatalogService/GetProduct') && cluster.startsWith('inbound|'),
        ).length;
    };

    it('gives it a tenth of the calls, within three standard deviations', async () => {
      const count = 1_500;
      await eventually(
        async () => {
          await times(30, 4, async () => void (await look()));
          return (await askedOf('canary')) > 0;
        },
        { withinMs: 30_000, everyMs: 200, what: 'the canary to be asked' },
      );
      // Sidecars write their lines once a second.
      const asked = async () => ({ stable: await askedOf('stable'), canary: await askedOf('canary') });
      let before = await asked();
      await eventually(
        async () => {
          const last = before;
          before = await asked();
          return before.stable === last.stable && before.canary === last.canary;
        },
        { withinMs: 30_000, everyMs: 2_500, what: 'access logs to be written' },
      );
      await times(count, 6, async () => void (await look()));
      const canary = await eventually(
        async () => {
          const now = await asked();
          expect(now.stable - before.stable + now.canary - before.canary).to.equal(count);
          return now.canary - before.canary;
        },
        { withinMs: 30_000, everyMs: 500, what: 'every call to be in an access log' },
      );
      const deviation = Math.sqrt(count * 0.1 * 0.9);
      expect(canary).to.be.within(count * 0.1 - 3 * deviation, count * 0.1 + 3 * deviation);
    });
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
