import { expect } from 'chai';
import { eventually } from '../mesh/testing/eventually.js';
import { expectStatus, fillCart, newBuyer, request } from './buyer.js';
import { garbage, startGarbageInstance } from './garbage-instance.js';
import { type MeshProcess, startMesh } from './mesh-process.js';

/** The one service that nothing may break without. */
describe('a mesh of processes whose recommendations are away', function () {
  this.timeout(90_000);
  let mesh: MeshProcess;
  let path: string;
  let products: string[];

  before(async () => {
    mesh = await startMesh();
    const page = await request(mesh.httpUrl, 'GET', '/v1/products?pageSize=20');
    products = page.body.products.map(({ id }: { id: string }) => id);
    path = `/v1/products/${products[0]}/recommendations`;
  });
  after(async () => {
    await mesh?.end();
  });

  /** Browses and buys, and gives how long each answer about recommendations took, in milliseconds. */
  const browseAndBuy = async (rounds: number): Promise<number[]> => {
    const buyer = await newBuyer(mesh.httpUrl);
    const tookMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await expectStatus(request(mesh.httpUrl, 'GET', `/v1/products/${products[round % 20]}`), 200);
      const startedMs = performance.now();
      const answer = await expectStatus(request(mesh.httpUrl, 'GET', path), 200);
      tookMs.push(performance.now() - startedMs);
      expect(answer.headers.get('x-degraded')).to.equal('recommendation');
      if (round % 10 !== 0) continue;
      const order = await fillCart(buyer, products[round % 20] ?? '');
      await expectStatus(buyer.call('POST', '/v1/orders', order, { 'idempotency-key': `r-${round}` }), 201);
    }
    return tookMs;
  };

  const mark = async () =>
    (await expectStatus(request(mesh.httpUrl, 'GET', path), 200)).headers.get('x-degraded');
  const degraded = () =>
    eventually(async () => expect(await mark()).to.equal('recommendation'), { everyMs: 20 });
  /** The breaker has closed: it is to do so within 5 s of their return. */
  const well = () => eventually(async () => expect(await mark()).to.equal(null), { everyMs: 50 });

  it('browses and sells while they hang, at the cost of their budget until the breaker opens', async () => {
    const [line] = await mesh.instances('recommendation');
    const pid = line?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      const tookMs = await browseAndBuy(60);
      // 150 ms of budget, and what the rest of a request takes on a busy machine.
      expect(Math.max(...tookMs.slice(0, 10))).to.be.lessThan(1_000);
      const late = tookMs.slice(20).sort((a, b) => a - b);
      expect(late[Math.floor(late.length / 2)]).to.be.lessThan(50);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await well();
  });

  for (const [what, kind] of Object.entries(garbage)) {
    it(`browses and sells while they answer with ${what}`, async () => {
      const [line] = await mesh.instances('recommendation');
      const pid = line?.pid ?? 0;
      const consulUrl = (await mesh.status()).addresses['consul'] ?? '';
      const instance = await startGarbageInstance({
        service: 'recommendation',
        kind,
        dataFolder: mesh.dataFolder,
        consulUrl,
      });
      // The true one hangs meanwhile, so that nobody but this one is there to be asked.
      process.kill(pid, 'SIGSTOP');
      try {
        await degraded();
        await eventually(
          async () => {
            expect(await mark()).to.equal('recommendation');
            expect(instance.answered()).to.be.greaterThan(0);
          },
          { withinMs: 10_000, everyMs: 20 },
        );
        await browseAndBuy(21);
      } finally {
        process.kill(pid, 'SIGCONT');
        await instance.end();
      }
      await well();
    });
  }

  it('browses and sells while they are killed again and again', async () => {
    let killing = true;
    const kills = (async () => {
      while (killing) {
        const [line] = await mesh.instances('recommendation');
        if (line !== undefined && line.pid > 0 && line.state !== 'waiting to restart')
          process.kill(line.pid, 'SIGKILL');
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    })();
    await degraded();
    await browseAndBuy(30);
    killing = false;
    await kills;
    // How long the next start takes is for the supervisor's backoff to say.
    await eventually(async () => expect(await mark()).to.equal(null), {
      withinMs: 30_000,
      everyMs: 100,
    });
  });
});
