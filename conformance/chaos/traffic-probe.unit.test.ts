import { expect } from 'chai';
import { virtualClock } from '../../mesh/testing/virtual-clock.js';
import { trafficProbe } from './traffic-probe.js';

describe('the probe of traffic', () => {
  const setup = (answers: (call: number) => number | Error | Promise<number>) => {
    const clock = virtualClock();
    const asked: string[] = [];
    const probe = trafficProbe({
      ...clock,
      shopUrl: 'http://shop',
      token: 'token',
      productId: 'prd_1',
      orderId: 'ord_1',
      http: async ({ url }) => {
        asked.push(url.href);
        const answer = answers(asked.length);
        if (answer instanceof Error) throw answer;
        return { status: await answer, body: '' };
      },
    });
    return { clock, asked, probe };
  };

  it('asks the service until an answer is good, and tells when that was', async () => {
    const { clock, asked, probe } = setup((call) =>
      call === 1 ? new Error('reset') : call === 2 ? 503 : 200,
    );
    const back = probe.untilBack('payment', new AbortController().signal);
    await clock.advance(200);
    expect(await back).to.equal(100);
    expect(asked).to.deep.equal(Array(3).fill('http://shop/v1/payments/ord_1'));
  });

  it('shares its calls among those who wait for one service, and tells each of a call begun since it asked', async () => {
    let answer = (_status: number): void => undefined;
    const { clock, asked, probe } = setup(() => new Promise((resolve) => (answer = resolve)));
    const { signal } = new AbortController();
    const first = probe.untilBack('cart', signal);
    await clock.advance(10);
    const second = probe.untilBack('cart', signal);
    expect(asked).to.have.length(1);
    answer(200);
    expect(await first).to.equal(10);
    await clock.advance(50);
    expect(asked).to.have.length(2);
    answer(200);
    expect(await second).to.equal(60);
  });

  it('gives up after half a minute, and when it is broken off', async () => {
    const { clock, probe } = setup(() => new Error('away'));
    const stop = new AbortController();
    const [patient, stopped] = [
      probe.untilBack('cart', new AbortController().signal),
      probe.untilBack('cart', stop.signal),
    ];
    await clock.advance(100);
    stop.abort();
    await clock.advance(100);
    expect(await stopped).to.equal(undefined);
    await clock.advance(30_000);
    expect(await patient).to.equal(undefined);
  });

  it('has a way to every service', async () => {
    const { probe } = setup(() => 200);
    for (const service of [
      'gateway',
      'users',
      'catalog',
      'inventory',
      'cart',
      'order',
      'payment',
      'shipping',
    ])
      expect(await probe.untilBack(service, new AbortController().signal)).to.equal(0);
    for (const service of ['notification', 'recommendation'])
      expect(await probe.untilBack(service, new AbortController().signal)).to.equal(0);
  });
});
