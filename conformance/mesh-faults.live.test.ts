import { expect } from 'chai';
import { eventually } from '../mesh/testing/eventually.js';
import { type Buyer, expectStatus, fillCart, newBuyer, request } from './buyer.js';
import { type Load, type LoadResult, startLoad } from './load.js';
import { type MeshProcess, startMesh } from './mesh-process.js';

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What people do most, and what must not fail: each is idempotent. */
describe('a mesh of processes whose parts die', function () {
  this.timeout(180_000);
  let mesh: MeshProcess;
  let url: string;
  let buyer: Buyer;
  let products: string[];
  let bought = 0;

  before(async () => {
    mesh = await startMesh({ scale: ['catalog=3', 'gateway=2'] });
    url = mesh.httpUrl;
    buyer = await newBuyer(url);
    const page = await request(url, 'GET', '/v1/products?pageSize=60');
    products = page.body.products.map(({ id }: { id: string }) => id);
  });
  after(async () => {
    await mesh?.end();
  });
  afterEach(async () => {
    await mesh?.untilAllServe(30_000);
  });

  const product = (turn: number) => products[turn % products.length] as string;
  const browse = async (turn: number) => {
    await expectStatus(request(url, 'GET', `/v1/products/${product(turn)}`), 200);
    await expectStatus(request(url, 'GET', '/v1/products:search?q=lamp'), 200);
    await expectStatus(buyer.call('GET', '/v1/cart'), 200);
  };
  /** One purchase; only one at a time, because a buyer has one cart. */
  const purchase = async () => {
    bought += 1;
    const key = `fault-${bought}`;
    const order = await fillCart(buyer, product(bought));
    return buyer.call('POST', '/v1/orders', order, { 'idempotency-key': key });
  };
  const buys = async () => void (await expectStatus(purchase(), 201));
  const nothingFailed = (result: LoadResult) => {
    expect(result.calls).to.be.greaterThan(20);
    expect(result.failures.slice(0, 3), `${result.failures.length} of ${result.calls} failed`).to.deep.equal(
      [],
    );
  };
  /** Browsing all the while, and a purchase now and then; gives what both came to. */
  const whileLoaded = async (during: (load: Load) => Promise<void>): Promise<LoadResult> => {
    const loads = [startLoad(4, 5, browse), startLoad(1, 500, buys)] as const;
    try {
      await during(loads[0]);
    } finally {
      await Promise.all(loads.map((load) => load.stop()));
    }
    const [browsing, buying] = [await loads[0].stop(), await loads[1].stop()];
    return { ...browsing, failures: [...browsing.failures, ...buying.failures] };
  };
  const consulHas = async (service: string) => {
    const answer = await fetch(
      `${(await mesh.status()).addresses['consul']}/v1/health/service/${service}?passing`,
    );
    return ((await answer.json()) as { Service: { ID: string } }[]).map(({ Service }) => Service.ID);
  };

  it('fails no idempotent call when an instance is killed, and forgets it within 2 s', async () => {
    const result = await whileLoaded(async (load) => {
      for (let round = 0; round < 3; round += 1) {
        await eventually(async () => expect(await consulHas('catalog')).to.have.length(3), {
          withinMs: 20_000,
          everyMs: 50,
        });
        const before = load.calls();
        const [victim] = await mesh.instances('catalog');
        process.kill(victim?.pid ?? 0, 'SIGKILL');
        await eventually(
          async () =>
            expect((await consulHas('catalog')).some((id) => id === victim?.instance)).to.equal(false),
          { withinMs: 2_000, everyMs: 20 },
        );
        await eventually(async () => expect(load.calls()).to.be.greaterThan(before + 20), {
          withinMs: 10_000,
          everyMs: 20,
        });
      }
    });
    nothingFailed(result);
  });

  it('fails no call when each instance is asked to stop in turn, and another takes its place', async () => {
    const result = await whileLoaded(async () => {
      for (const { instance, pid, name } of (await mesh.status()).services) {
        process.kill(pid, 'SIGTERM');
        await eventually(
          async () => {
            const now = await mesh.instances(name);
            expect(now.map((line) => line.instance)).to.not.include(instance);
            expect(now.every(({ serving }) => serving)).to.equal(true);
            expect(() => process.kill(pid, 0)).to.throw();
          },
          { withinMs: 20_000, everyMs: 50 },
        );
      }
    });
    nothingFailed(result);
  });

  it('goes on without Consul for a minute: no call fails, and all are registered when it is back', async () => {
    const { pids } = await serverPids(mesh);
    const result = await whileLoaded(async () => {
      process.kill(pids['consul'] as number, 'SIGSTOP');
      await wait(60_000);
      process.kill(pids['consul'] as number, 'SIGCONT');
      await eventually(async () => expect(await consulHas('catalog')).to.have.length(3), {
        withinMs: 20_000,
        everyMs: 100,
      });
    });
    nothingFailed(result);
  });

  it('keeps carts and events when Redis is killed and comes back, and no event works twice', async () => {
    const shopper = await newBuyer(url);
    await expectStatus(shopper.call('POST', '/v1/cart/items', { productId: product(1), quantity: 7 }), 200);
    const placed = await purchase();
    expect(placed.status).to.be.oneOf([201, 202]);
    process.kill((await serverPids(mesh)).pids['redis'] as number, 'SIGKILL');
    const later = await eventually(() => expectStatus(purchase(), 201), { withinMs: 20_000, everyMs: 200 });
    const cart = await expectStatus(shopper.call('GET', '/v1/cart'), 200);
    expect(cart.body.cart.lines).to.have.length(1);
    expect(cart.body.cart.lines[0]).to.include({ productId: product(1), quantity: 7 });
    // Each order's mails came once: the events of both sides of the kill were delivered, none twice in effect.
    await eventually(
      async () => {
        const { body } = await buyer.call('GET', '/v1/notifications?pageSize=100');
        for (const id of [placed.body.order.id, later.body.order.id]) {
          const kinds = body.notifications
            .filter((one: { body: string; subject: string }) => `${one.subject} ${one.body}`.includes(id))
            .map((one: { kind: string }) => one.kind);
          expect(kinds, id).to.have.length.greaterThan(1);
          expect(new Set(kinds).size, `${id}: ${kinds}`).to.equal(kinds.length);
        }
      },
      { withinMs: 20_000, everyMs: 200 },
    );
  });

  it('does not notice when Jaeger and Prometheus are gone', async () => {
    const { pids } = await serverPids(mesh);
    const result = await whileLoaded(async () => {
      for (const name of ['jaeger', 'prometheus']) process.kill(pids[name] as number, 'SIGSTOP');
      await wait(4_000);
      for (const name of ['jaeger', 'prometheus']) process.kill(pids[name] as number, 'SIGKILL');
      await wait(2_000);
    });
    nothingFailed(result);
  });
});

/** Process ids of the servers that the supervisor started. */
async function serverPids(mesh: MeshProcess): Promise<{ pids: Record<string, number> }> {
  const answer = await fetch(`${mesh.adminUrl}/status`);
  const { servers } = (await answer.json()) as { servers: { name: string; pid: number }[] };
  return { pids: Object.fromEntries(servers.map(({ name, pid }) => [name, pid])) };
}
