import { expect } from 'chai';
import { machineHttp, type OutgoingHttp } from '../runtime/outgoing-http.js';
import { StartupError } from '../runtime/startup-error.js';
import { collectingLog } from '../testing/collecting-log.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { type Detour, detouredResolver, switchboardDetour } from './detour.js';
import type { Endpoint, EndpointListener, Resolver, SocketAddress } from './resolver.js';

const at = (port: number): Endpoint => ({ instanceId: `i-${port}`, address: '127.0.0.1', port, version: '' });

describe('a detoured resolver', () => {
  const setup = (detour: Detour) => {
    const clock = virtualClock();
    const log = collectingLog();
    let listener: EndpointListener = () => undefined;
    const inner: Resolver = {
      watch: (_service, given) => {
        listener = given;
        return () => undefined;
      },
      close: () => undefined,
    };
    const resolver = detouredResolver(inner, { detour, timers: clock.timers, log });
    const told: (readonly number[])[] = [];
    const stop = resolver.watch('payment', (list) => told.push(list.map(({ port }) => port)));
    return { clock, log, told, stop, tell: (...ports: number[]) => listener(ports.map(at)) };
  };
  const plus = (distance: number) => (_callee: string, endpoint: SocketAddress) =>
    Promise.resolve({ address: endpoint.address, port: endpoint.port + distance });

  it('hands out the detour of each endpoint, and asks for each once', async () => {
    let asked = 0;
    const { clock, told, tell } = setup((callee, endpoint) => {
      asked += 1;
      return plus(1_000)(callee, endpoint);
    });
    tell(1, 2);
    await clock.settle();
    tell(1, 2, 3);
    await clock.settle();
    expect(told).to.deep.equal([
      [1_001, 1_002],
      [1_001, 1_002, 1_003],
    ]);
    expect(asked).to.equal(3);
  });

  it('tells only the newest list, when an older one waits for its detours', async () => {
    const waiting = new Map<number, (address: SocketAddress) => void>();
    const { clock, told, tell } = setup(
      (_callee, { port }) => new Promise((resolve) => waiting.set(port, resolve)),
    );
    tell(1);
    tell(2);
    waiting.get(2)?.({ address: '127.0.0.1', port: 1_002 });
    waiting.get(1)?.({ address: '127.0.0.1', port: 1_001 });
    await clock.settle();
    expect(told).to.deep.equal([[1_002]]);
  });

  it('asks again until the detour can be had, and says so in the log', async () => {
    let broken = true;
    const { clock, log, told, tell } = setup((callee, endpoint) =>
      broken ? Promise.reject(new Error('away')) : plus(1)(callee, endpoint),
    );
    tell(1);
    await clock.advance(250);
    expect(told).to.deep.equal([]);
    expect(log.lines[0]?.message).to.match(/asked for again/);
    broken = false;
    await clock.advance(100);
    expect(told).to.deep.equal([[2]]);
  });

  it('tells nothing any more after its end', async () => {
    const { clock, told, tell, stop } = setup(plus(1));
    tell(1);
    stop();
    await clock.settle();
    expect(told).to.deep.equal([]);
  });
});

describe('the detour by a switchboard', () => {
  it('asks for the edge, and gives the address of its proxy', async () => {
    const asked: string[] = [];
    const http: OutgoingHttp = async ({ url }) => {
      asked.push(url.href);
      return { status: 200, body: '{"address":"127.0.0.1","port":41001}' };
    };
    const detour = switchboardDetour('http://127.0.0.1:4000', 'order', http);
    expect(await detour('payment', { address: '127.0.0.1', port: 40_001 })).to.deep.equal({
      address: '127.0.0.1',
      port: 41_001,
    });
    expect(asked).to.deep.equal([
      'http://127.0.0.1:4000/edge?caller=order&callee=payment&address=127.0.0.1&port=40001',
    ]);
  });

  for (const url of [
    'http://10.0.0.1:80',
    'https://example.com',
    'http://127.0.0.1.example.com:80',
    'here',
  ]) {
    it(`refuses ${url}: only this machine can be a fault proxy`, () => {
      expect(() => switchboardDetour(url, 'order', machineHttp())).to.throw(StartupError, 'FAULT_PROXY_URL');
    });
  }
});
