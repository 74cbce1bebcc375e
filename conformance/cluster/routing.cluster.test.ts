import { expect } from 'chai';
import { eventually } from '../../mesh/testing/eventually.js';
import { type Buyer, expectStatus, fillCart, newBuyer, request } from '../buyer.js';
import { blockOf } from '../document-blocks.js';
import { accessLog } from './access-log.js';
import { type Edge, findEdge } from './edge.js';
import { namespace, podOf } from './pods.js';
import { kubectl, succeed } from './program.js';
import { upgrade } from './release.js';

const product = 'prd_linen-lamp';

describe('routing on the cluster', function () {
  this.timeout(470_000);
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

  it('is taken as plain files by the API server and Istio, for another namespace', async () => {
    const lines = blockOf('istio/README.md', 'run: another namespace')
      .replaceAll('NAMESPACE', 'default')
      .replace('kubectl apply', 'kubectl apply --dry-run=server');
    const printed = await succeed('bash', ['-euo', 'pipefail', '-c', lines]);
    const taken = printed.trim().split('\n');
    expect(taken.filter((line) => !line.endsWith(' created (server dry run)'))).to.deep.equal([]);
    expect(taken).to.have.length.greaterThan(40);
  });

  it('has a bucket for all that comes in, which can run dry', async () => {
    const look = () => request(edge.httpUrl, 'GET', `/v1/products/${product}`);
    const limit = (enabled: boolean, requestsPerSecond: number, burst: number) =>
      upgrade(
        `istio.rateLimit.enabled=${enabled}`,
        `istio.rateLimit.requestsPerSecond=${requestsPerSecond}`,
        `istio.rateLimit.burst=${burst}`,
      );
    try {
      await limit(true, 1, 5);
      const refused = await eventually(
        async () => {
          const answers = await Promise.all(Array.from({ length: 20 }, look));
          return answers.find(({ status }) => status === 429) ?? false;
        },
        { withinMs: 30_000, everyMs: 500, what: 'somebody to be refused' },
      );
      expect(refused.headers.get('retry-after')).to.equal('1');
    } finally {
      // As the chart has it.
      await limit(false, 200, 400);
    }
    // Connections that were made under the limit keep it until they drain: all of them must have been met.
    await eventually(() => times(120, 12, async () => void (await expectStatus(look(), 200))), {
      withinMs: 60_000,
      everyMs: 500,
      what: 'nobody to be refused',
    });
  });

  describe('of calls into a fault of istio/faults', () => {
    const applied: string[] = [];
    const apply = async (fault: string) => {
      const file = `istio/faults/${fault}.yaml`;
      applied.push(file);
      await kubectl(['apply', '--namespace', namespace, '--filename', file]);
    };
    const soon = { withinMs: 30_000, everyMs: 200 };
    const look = () => request(edge.httpUrl, 'GET', `/v1/products/${product}`);
    /** Who is missed in the answer; the edge answers without recommendations where it must. */
    const missed = async () => {
      const path = `/v1/products/${product}/recommendations`;
      return (await expectStatus(request(edge.httpUrl, 'GET', path), 200)).headers.get('x-degraded');
    };
    /** Orders what is in the cart, and waits for it to be shipped. */
    const buy = async (buyer: Buyer, order: unknown, key: string) => {
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

    after(async () => {
      for (const file of applied)
        await kubectl(['delete', '--namespace', namespace, '--ignore-not-found', '--filename', file]);
      await upgrade();
      await eventually(async () => expect(await missed()).to.equal(null), soon);
    });

    it('leaves every purchase whole while recommendations fail', async () => {
      await apply('recommendation-unavailable');
      const what = 'recommendations to fail';
      await eventually(async () => (await missed()) === 'recommendation', { ...soon, what });
      let bought = 0;
      await times(40, 4, async (index) => {
        const buyer = await newBuyer(edge.httpUrl);
        await buy(buyer, await fillCart(buyer, product), `fault-${index}`);
        bought += 1;
      });
      expect(bought).to.equal(40);
      expect(await missed()).to.equal('recommendation');
    });

    it('ships every order while one call in ten to payment fails', async () => {
      // Their cards are in the vault before: a card is not kept twice, so nobody repeats that call.
      const buyers: [Buyer, unknown][] = [];
      const ready = async (): Promise<[Buyer, unknown]> => {
        const buyer = await newBuyer(edge.httpUrl);
        return [buyer, await fillCart(buyer, product)];
      };
      // Of 72 calls to payment none meets the fault once in 2,000 runs. Who comes too late before it is no part of this.
      await times(36, 4, async () => {
        buyers.push(await eventually(ready, { withinMs: 30_000, everyMs: 200 }));
      });
      await apply('payment-unreachable');
      await eventually(
        async () => {
          const routes = ['proxy-config', 'route', '--namespace', namespace, 'deployment/order', '--output'];
          return /"httpStatus": 503|"grpcStatus": 14/.test(await succeed('istioctl', [...routes, 'json']));
        },
        { ...soon, what: "order's proxy to hear of the fault" },
      );
      const since = new Date().toISOString();
      await times(buyers.length, 4, async (number) => {
        const [buyer, order] = buyers[number - 1] as [Buyer, unknown];
        await buy(buyer, order, `unreachable-${number}`);
      });
      const { metadata } = await podOf('order');
      await eventually(
        async () => {
          const failed = (await accessLog(metadata.name, since)).filter(({ flags }) => flags === 'FI');
          expect(failed.map(({ cluster }) => cluster.split('|')[3])).to.include(
            `payment.${namespace}.svc.cluster.local`,
          );
        },
        { ...soon, what: 'a call to have met the fault' },
      );
    });

    it('answers within the deadline when the catalogue does not', async () => {
      await apply('catalog-slow');
      // The fault holds a call for 2 s, the contract waits for one.
      const late = await eventually(
        async () => {
          const { status, body } = await look();
          return status === 200 ? false : `${status} ${body.reason}`;
        },
        { ...soon, everyMs: 20, what: 'the catalogue to be late' },
      );
      expect(late).to.equal('504 DEADLINE_EXCEEDED');
    });
  });
});
