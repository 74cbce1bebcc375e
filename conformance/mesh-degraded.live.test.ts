import { expect } from 'chai';
import { eventually } from '../mesh/testing/eventually.js';
import { expectStatus, expectTaken, fillCart, newBuyer, request } from './buyer.js';
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

  /** Browses and buys, and gives the trace of each answer about recommendations. */
  const browseAndBuy = async (rounds: number): Promise<string[]> => {
    const buyer = await newBuyer(mesh.httpUrl);
    const traces: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await expectStatus(request(mesh.httpUrl, 'GET', `/v1/products/${products[round % 20]}`), 200);
      const answer = await expectStatus(request(mesh.httpUrl, 'GET', path), 200);
      traces.push(answer.headers.get('x-trace-id') ?? '');
      expect(answer.headers.get('x-degraded')).to.equal('recommendation');
      if (round % 10 !== 0) continue;
      const order = await fillCart(buyer, products[round % 20] ?? '');
      await expectTaken(buyer.call('POST', '/v1/orders', order, { 'idempotency-key': `r-${round}` }));
    }
    return traces;
  };
  /** What the call for recommendations cost in each of these traces, in milliseconds, as the gateway's own spans say. */
  const costs = async (traces: readonly string[]) => {
    const tookMs: number[] = [];
    // One by one: a process that is asked for many at once is late with some, and left out.
    for (const traceId of traces) tookMs.push(await eventually(() => costOf(traceId)));
    return tookMs;
  };
  const costOf = async (traceId: string): Promise<number> => {
    const answer = await fetch(`${mesh.adminUrl}/traces?traceId=${traceId}`);
    const { spans } = (await answer.json()) as {
      spans: { service: string; kind: string; name: string; durationMs: number }[];
    };
    const calls = spans.filter(
      ({ service, kind, name }) =>
        service === 'gateway' && kind === 'client' && name.endsWith('/ListRecommendations'),
    );
    expect(calls, traceId).to.have.length(1);
    return calls[0]?.durationMs ?? Number.NaN;
  };

  const median = (figures: readonly number[]) =>
    figures.toSorted((one, other) => one - other)[Math.floor(figures.length / 2)];

  const mark = async () =>
    (await expectStatus(request(mesh.httpUrl, 'GET', path), 200)).headers.get('x-degraded');
  const degraded = () =>
    eventually(async () => expect(await mark()).to.equal('recommendation'), { everyMs: 20 });
  /** The breaker has closed: it is to do so within 5 s of their return. */
  const well = () => eventually(async () => expect(await mark()).to.equal(null), { everyMs: 50 });

  it('browses and sells while they hang: for 150 ms a call until the breaker opens, then for less than 1 ms', async () => {
    const [line] = await mesh.instances('recommendation');
    const pid = line?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    let traces: string[];
    try {
      traces = await browseAndBuy(60);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await well();
    const tookMs = await costs(traces);
    const hung = tookMs.filter((ms) => ms >= 100);
    expect(hung.length, `it opens after a few calls: ${tookMs}`).to.be.within(3, 10);
    // The budget, and what a timer is late by on a busy machine; a call that the machine interrupts takes longer.
    expect(median(hung), `${hung}`).to.be.lessThan(200);
    const open = tookMs.slice(tookMs.indexOf(hung.at(-1) as number) + 1);
    expect(median(open), `${open}`).to.be.lessThan(1);
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
    await mesh.untilAllServe(30_000);
    await well();
  });
});
