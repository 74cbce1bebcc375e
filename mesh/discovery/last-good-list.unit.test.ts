import { expect } from 'chai';
import fc from 'fast-check';
import { virtualClock } from '../testing/virtual-clock.js';
import { endpointAt } from './contract-suite.js';
import { createLastGoodList } from './last-good-list.js';
import type { Endpoint } from './resolver.js';

const graceMs = 10_000;
const [a, b, c] = [endpointAt(1), endpointAt(2), endpointAt(3)] as const;

function setUp() {
  const time = virtualClock();
  const told: string[] = [];
  const list = createLastGoodList({
    graceMs,
    ambient: time,
    tell: (endpoints) => told.push(endpoints.map(({ port }) => port).join(' ')),
  });
  return { time, told, list };
}

describe('the last good list', () => {
  it('believes what a steady source says: more, less, and nothing to begin with', () => {
    const { told, list } = setUp();
    list.heard([]);
    list.heard([a, b]);
    list.heard([b]);
    list.heard([b, c]);
    expect(told).to.deep.equal(['', '1 2', '2', '2 3']);
  });

  it('says nothing when nothing has changed, in whatever order it comes', () => {
    const { told, list } = setUp();
    list.heard([a, b]);
    list.heard([b, a]);
    list.heard([{ ...a }, { ...b }]);
    expect(told).to.deep.equal(['1 2']);
  });

  it('tells when an instance has another address, port, version, zone or virtual address', () => {
    const { told, list } = setUp();
    list.heard([a]);
    for (const change of [
      { address: '127.0.0.2' },
      { port: 9 },
      { version: '2' },
      { zone: 'b' },
      { virtual: { address: '10.0.0.1', port: 1 } },
      { virtual: { address: '10.0.0.1', port: 2 } },
    ])
      list.heard([{ ...a, ...change }]);
    expect(told).to.have.length(7);
  });

  it('believes emptiness after the grace period, and not before', async () => {
    const { time, told, list } = setUp();
    list.heard([a, b]);
    list.heard([]);
    await time.advance(graceMs / 2);
    list.heard([]);
    await time.advance(graceMs / 2 - 1);
    expect(told).to.deep.equal(['1 2']);
    await time.advance(1);
    expect(told).to.deep.equal(['1 2', '']);
  });

  it('takes others at once in the place of those that went', async () => {
    const { time, told, list } = setUp();
    list.heard([a, b]);
    list.heard([]);
    await time.advance(1_000);
    list.heard([c]);
    await time.advance(graceMs * 2);
    expect(told).to.deep.equal(['1 2', '3']);
  });

  it('keeps what is missing when the source comes back, until the grace period is over', async () => {
    const { time, told, list } = setUp();
    list.heard([a, b]);
    list.away();
    await time.advance(60_000);
    list.heard([c]);
    await time.advance(graceMs - 1);
    expect(told).to.deep.equal(['1 2', '1 2 3']);
    await time.advance(1);
    expect(told).to.deep.equal(['1 2', '1 2 3', '3']);
  });

  it('only grows until the grace period after the return is over, whatever comes and goes meanwhile', async () => {
    const { time, told, list } = setUp();
    list.heard([a, b]);
    list.away();
    for (const endpoints of [[], [a], [a, b, c], [c], [], [a]]) list.heard(endpoints);
    await time.advance(graceMs - 1);
    expect(told).to.deep.equal(['1 2', '1 2 3']);
    await time.advance(1);
    expect(told).to.deep.equal(['1 2', '1 2 3', '1']);
  });

  it('takes the address of an instance that came back somewhere else', () => {
    const { told, list } = setUp();
    list.heard([a]);
    list.away();
    list.heard([{ ...a, port: 7 }]);
    expect(told).to.deep.equal(['1', '7']);
  });

  it('gives emptiness after a return a grace period of its own', async () => {
    const { time, told, list } = setUp();
    list.heard([a]);
    list.away();
    list.heard([a]);
    await time.advance(graceMs - 1_000);
    list.heard([]);
    await time.advance(graceMs - 1);
    expect(told).to.deep.equal(['1']);
    await time.advance(1);
    expect(told).to.deep.equal(['1', '']);
  });

  it('decides nothing while the source is away', async () => {
    const { time, told, list } = setUp();
    list.heard([a]);
    list.heard([]);
    await time.advance(graceMs - 1);
    list.away();
    await time.advance(graceMs * 100);
    expect(told).to.deep.equal(['1']);
    expect(time.pendingTimers()).to.equal(0);
  });

  it('leaves no timer behind when it is stopped, and goes on where it was', async () => {
    const { time, told, list } = setUp();
    list.heard([a]);
    list.heard([]);
    list.stop();
    expect(time.pendingTimers()).to.equal(0);
    expect(list.current()).to.deep.equal([a]);
    await time.advance(60_000);
    list.heard([]);
    await time.advance(graceMs - 1);
    expect(told).to.deep.equal(['1']);
    await time.advance(1);
    expect(told).to.deep.equal(['1', '']);
  });

  it('after any history: no list twice, none empty within the grace period, and in the end what the source says', async () => {
    const event = fc.oneof(
      fc.record({ heard: fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { maxLength: 5 }) }),
      fc.record({ waitMs: fc.integer({ min: 1, max: 15_000 }) }),
      fc.constant({ away: true }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
        const time = virtualClock();
        const told: string[] = [];
        let latest: readonly Endpoint[] | undefined;
        let lastGoodMs = Number.NEGATIVE_INFINITY;
        const list = createLastGoodList({
          graceMs,
          ambient: time,
          tell: (endpoints) => {
            const text = JSON.stringify(endpoints);
            expect(text, 'a list twice').not.to.equal(told.at(-1));
            if (endpoints.length === 0) expect(time.clock.monotonicMs() - lastGoodMs).to.be.at.least(graceMs);
            told.push(text);
          },
        });
        for (const one of events) {
          if ('heard' in one) {
            latest = one.heard.map((port) => endpointAt(port));
            list.heard(latest);
            if (latest.length > 0) lastGoodMs = time.clock.monotonicMs();
            const ports = list.current()?.map(({ port }) => port);
            for (const { port } of latest) expect(ports).to.include(port);
          } else if ('waitMs' in one) await time.advance(one.waitMs);
          else list.away();
        }
        if (latest === undefined) return;
        list.heard(latest);
        await time.advance(2 * graceMs);
        expect(new Set(list.current()?.map(({ port }) => port))).to.deep.equal(
          new Set(latest.map(({ port }) => port)),
        );
        expect(time.pendingTimers()).to.equal(0);
      }),
    );
  });
});
