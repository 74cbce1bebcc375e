import { expect } from 'chai';
import { virtualClock } from '../../mesh/testing/virtual-clock.js';
import { trafficProbe } from './traffic-probe.js';

describe('the probe of traffic', () => {
  const setup = (answers: (call: number) => Response | Error) => {
    const clock = virtualClock();
    const asked: string[] = [];
    const probe = trafficProbe({
      ...clock,
      shopUrl: 'http://shop',
      token: 'token',
      productId: 'prd_1',
      orderId: 'ord_1',
      fetch: (async (url: string) => {
        asked.push(url);
        const answer = answers(asked.length);
        if (answer instanceof Error) throw answer;
        return answer;
      }) as typeof globalThis.fetch,
    });
    return { clock, asked, probe };
  };

  it('asks the service until an answer is good, and tells when that was', async () => {
    const { clock, asked, probe } = setup((call) =>
      call === 1 ? new Error('reset') : new Response('', { status: call === 2 ? 503 : 200 }),
    );
    const back = probe.untilBack('payment', new AbortController().signal);
    await clock.advance(100);
    expect(await back).to.equal(50);
    expect(asked).to.deep.equal(Array(3).fill('http://shop/v1/payments/ord_1'));
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
    const { probe } = setup(() => new Response(''));
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
