import { expect } from 'chai';
import { createConsulResolver } from '../mesh/discovery/consul-resolver.js';
import type { Resolver } from '../mesh/discovery/resolver.js';
import { machineAmbient } from '../mesh/runtime/ambient.js';
import { collectingLog } from '../mesh/testing/collecting-log.js';
import { eventually } from '../mesh/testing/eventually.js';
import { type Buyer, expectStatus, fillCart, newBuyer, request } from './buyer.js';
import { type Acknowledged, buyCarefully, untilAllFinal } from './careful-buyer.js';
import { failedCalls } from './failed-calls.js';
import { type Load, type LoadResult, startLoad } from './load.js';
import { type MeshProcess, startMesh } from './mesh-process.js';

/**
 * Between two calls of a buyer, in milliseconds. Who asks without any pause takes all of a small machine, and an instance
 * that starts then takes the deadlines of the others' calls.
 */
const pauseMs = 50;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What people do most, and what must not fail: each is idempotent. */
describe('a mesh of processes whose parts die', function () {
  this.timeout(180_000);
  let mesh: MeshProcess;
  let url: string;
  let buyer: Buyer;
  let products: string[];
  let bought = 0;
  /** Asks Consul as the clients in the mesh do: what it lists is what they dial. */
  let resolver: Resolver;
  const listed = new Map<string, readonly string[]>();

  before(async () => {
    mesh = await startMesh({ scale: ['catalog=3', 'cart=2', 'order=2', 'gateway=2'] });
    url = mesh.httpUrl;
    const { addresses } = await mesh.status();
    resolver = createConsulResolver({
      ambient: machineAmbient(),
      log: collectingLog(),
      address: addresses['consul'] ?? '',
    });
    for (const service of ['catalog', 'cart', 'order', 'gateway'])
      resolver.watch(service, (list) =>
        listed.set(
          service,
          list.map(({ instanceId }) => instanceId),
        ),
      );
    buyer = await newBuyer(url);
    const page = await request(url, 'GET', '/v1/products?pageSize=60');
    products = page.body.products.map(({ id }: { id: string }) => id);
  });
  after(async () => {
    resolver?.close();
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
  /** On a busy machine an order is accepted before it is decided: that is no failure. */
  const buys = async () => {
    const { status, text } = await purchase();
    expect(status, text).to.be.oneOf([201, 202]);
  };
  const nothingFailed = async ({ calls, failures }: LoadResult) => {
    expect(calls).to.be.greaterThan(20);
    if (failures.length > 0)
      expect.fail(`${failures.length} of ${calls} failed:\n${await failedCalls(mesh, failures)}`);
  };
  /** Browsing all the while, and a purchase now and then; gives what both came to. */
  const whileLoaded = async (during: (load: Load) => Promise<void>): Promise<LoadResult> => {
    const loads = [startLoad(4, pauseMs, browse), startLoad(1, 500, buys)] as const;
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

  /** kill -9 of one instance of a service that all clients have in their lists; gives its id when it is gone. */
  const killOne = async (service: string, count: number): Promise<string> => {
    await eventually(() => expect(listed.get(service)).to.have.length(count), {
      withinMs: 20_000,
      what: `${count} of ${service}`,
    });
    const [victim] = await mesh.instances(service);
    const { instance = '', pid = 0 } = victim ?? {};
    expect(listed.get(service)).to.include(instance);
    process.kill(pid, 'SIGKILL');
    await eventually(() => expect(() => process.kill(pid, 0)).to.throw(), { everyMs: 1 });
    return instance;
  };

  it('fails no idempotent call when an instance is killed, forgets it within 2 s, and tells of it', async () => {
    const result = await whileLoaded(async (load) => {
      // A mesh that trades: code that has never run would take the deadlines of the first calls on a small machine.
      await eventually(() => expect(load.calls()).to.be.greaterThan(40), { withinMs: 20_000 });
      for (let round = 0; round < 3; round += 1) {
        const before = load.calls();
        const victim = await killOne('catalog', 3);
        await eventually(() => expect(listed.get('catalog')).to.not.include(victim), {
          withinMs: 2_000,
          what: `${victim} to be out of the clients' lists`,
        });
        await eventually(async () => expect(load.calls()).to.be.greaterThan(before + 20), {
          withinMs: 10_000,
          everyMs: 20,
        });
        expect(mesh.output()).to.match(
          new RegExp(`${victim} ended \\(SIGKILL\\); it starts again in \\d+ ms`),
        );
      }
    });
    await nothingFailed(result);
  });

  for (const [service, mayFail] of [
    ['order', 'none, since PlaceOrder may be repeated'],
    ['cart', 'at most those that add to a cart and were in flight on it'],
    ['gateway', 'at most those in flight on it'],
  ] as const) {
    it(`of all calls while an instance of ${service} is killed, fail: ${mayFail}`, async () => {
      const adders: Buyer[] = [];
      for (let n = 0; n < 4; n += 1) adders.push(await newBuyer(url));
      const loads = {
        browsing: startLoad(4, pauseMs, browse),
        adding: startLoad(adders.length, pauseMs, async (turn, worker) => {
          const line = { productId: product(turn), quantity: 1 };
          await expectStatus((adders[worker] as Buyer).call('POST', '/v1/cart/items', line), 200);
        }),
        buying: startLoad(1, 200, buys),
      };
      let goneAtMs = 0;
      try {
        await wait(1_000);
        await killOne(service, 2);
        goneAtMs = loads.browsing.elapsedMs();
        const before = loads.adding.calls();
        await eventually(() => expect(loads.adding.calls()).to.be.greaterThan(before + 50), {
          withinMs: 20_000,
        });
      } finally {
        await Promise.all(Object.values(loads).map((load) => load.stop()));
      }
      const results = {
        browsing: await loads.browsing.stop(),
        adding: await loads.adding.stop(),
        buying: await loads.buying.stop(),
      };
      const failures = Object.values(results).flatMap((result) => result.failures);
      const told = await failedCalls(mesh, failures);
      if (service === 'order') expect(failures, told).to.deep.equal([]);
      if (service === 'cart') expect(results.browsing.failures, told).to.deep.equal([]);
      expect(failures.length, told).to.be.at.most(9);
      // The loads began within a millisecond of each other.
      for (const { begunAtMs, problem } of failures)
        expect(begunAtMs, `${problem}; it was gone at ${goneAtMs}`).to.be.at.most(goneAtMs);
    });
  }

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
    await nothingFailed(result);
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
    await nothingFailed(result);
  });

  it('keeps carts and events when Redis is killed amid purchases and comes back, and no event works twice', async () => {
    const shopper = await newBuyer(url);
    await expectStatus(shopper.call('POST', '/v1/cart/items', { productId: product(1), quantity: 7 }), 200);
    const buyers: Buyer[] = [];
    for (let n = 0; n < 3; n += 1) buyers.push(await newBuyer(url));
    const placed: Acknowledged[] = [];
    let buying = true;
    const loops = buyers.map(async (one, number) => {
      for (let n = 0; buying; n += 1)
        placed.push(await buyCarefully(one, product(n), `redis-${number}-${n}`));
    });
    try {
      for (let kill = 0; kill < 2; kill += 1) {
        const before = placed.length;
        await eventually(() => expect(placed.length).to.be.at.least(before + 5), { withinMs: 30_000 });
        const { pids } = await serverPids(mesh);
        process.kill(pids['redis'] as number, 'SIGKILL');
        await eventually(
          async () => expect((await serverPids(mesh)).pids['redis']).to.not.equal(pids['redis']),
          { withinMs: 20_000, everyMs: 50, what: 'Redis to be started again' },
        );
      }
      const before = placed.length;
      await eventually(() => expect(placed.length).to.be.at.least(before + 5), { withinMs: 30_000 });
    } finally {
      buying = false;
      await Promise.all(loops);
    }
    await untilAllFinal(placed, 30_000);
    const cart = await expectStatus(shopper.call('GET', '/v1/cart'), 200);
    expect(cart.body.cart.lines).to.have.length(1);
    expect(cart.body.cart.lines[0]).to.include({ productId: product(1), quantity: 7 });
    // Each order's mails came once: the events of all sides of the kills were delivered, none twice in effect.
    const mailSink = (await mesh.status()).addresses['mail'];
    await eventually(
      async () => {
        for (const one of buyers) {
          const answer = await fetch(`${mailSink}/v1/messages?to=${encodeURIComponent(one.email)}`);
          const { messages } = (await answer.json()) as { messages: { subject: string }[] };
          const subjects = messages.map(({ subject }) => subject);
          for (const { id } of placed.filter((order) => order.buyer === one)) {
            expect(subjects.filter((subject) => subject.includes(id))).to.have.members([
              `Your order ${id} is confirmed`,
              `Your order ${id} is on its way`,
            ]);
          }
        }
      },
      { withinMs: 30_000, everyMs: 500, what: 'the mails of every order' },
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
    await nothingFailed(result);
  });
});

/** Process ids of the servers that the supervisor started. */
async function serverPids(mesh: MeshProcess): Promise<{ pids: Record<string, number> }> {
  const answer = await fetch(`${mesh.adminUrl}/status`);
  const { servers } = (await answer.json()) as { servers: { name: string; pid: number }[] };
  return { pids: Object.fromEntries(servers.map(({ name, pid }) => [name, pid])) };
}
