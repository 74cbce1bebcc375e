import { expect } from 'chai';
import fc from 'fast-check';
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.js';
import type { CalleeVerdict } from './failure-kind.js';
import {
  createOutlierEjection,
  type EjectionChange,
  type EjectionSettings,
  type OutlierEjection,
} from './outlier-ejection.js';

describe('outlier ejection', () => {
  let clock: VirtualClock;
  let changes: EjectionChange[];
  let turn: number;
  beforeEach(() => {
    clock = virtualClock();
    changes = [];
    turn = 0;
  });
  const create = (endpoints: readonly string[], settings: Partial<EjectionSettings> = {}) => {
    const ejection = createOutlierEjection(clock.clock, settings, (change) => changes.push(change));
    ejection.retain(endpoints);
    return ejection;
  };
  /** Makes calls one after the other, 10 ms apart. @returns how many each endpoint got. */
  const call = async (
    ejection: OutlierEjection,
    endpoints: readonly string[],
    count: number,
    verdictOf: (endpoint: string) => CalleeVerdict,
  ) => {
    const got = Object.fromEntries(endpoints.map((endpoint) => [endpoint, 0]));
    for (let n = 0; n < count; n += 1) {
      const index = ejection.choose(endpoints, turn);
      turn = index + 1;
      const endpoint = endpoints[index] ?? '';
      got[endpoint] = (got[endpoint] ?? 0) + 1;
      ejection.begin(endpoint)(verdictOf(endpoint));
      await clock.advance(10);
    }
    return got;
  };
  const three = ['a', 'b', 'c'];
  const onlyBad =
    (bad: string, verdict: CalleeVerdict = 'broken') =>
    (endpoint: string) =>
      endpoint === bad ? verdict : ('well' as const);

  it('takes turns while all are well', async () => {
    const got = await call(create(three), three, 30, () => 'well');
    expect(got).to.deep.equal({ a: 10, b: 10, c: 10 });
  });

  it('leaves an endpoint out after five failures in a row, and says so', async () => {
    const got = await call(create(three), three, 100, onlyBad('b'));
    expect(got['b']).to.equal(5);
    expect(changes).to.deep.equal([{ endpoint: 'b', now: 'ejected', forMs: 2_000 }]);
  });

  it('leaves an endpoint out that fails half of its calls', async () => {
    let n = 0;
    const got = await call(create(three), three, 150, (endpoint) => {
      if (endpoint !== 'b') return 'well';
      n += 1;
      return n % 2 === 0 ? 'broken' : 'well';
    });
    expect(got['b']).to.equal(20);
  });

  for (const verdict of ['well', 'unknown', 'overloaded'] as const) {
    it(`leaves none out whose calls end ${verdict}`, async () => {
      await call(create(three), three, 300, onlyBad('b', verdict));
      expect(changes).to.deep.equal([]);
    });
  }

  it('tries one that comes back with a single call, and takes it in again after a success', async () => {
    const ejection = create(three);
    await call(ejection, three, 30, onlyBad('b'));
    expect(ejection.ejected()).to.deep.equal(['b']);
    await clock.advance(2_000);
    expect(ejection.ejected()).to.deep.equal([]);

    // The trial call is under way: others go elsewhere.
    const trials = Array.from({ length: 9 }, () => {
      const index = ejection.choose(three, turn);
      turn = index + 1;
      return three[index];
    });
    expect(trials.filter((endpoint) => endpoint === 'b')).to.have.length(1);
    ejection.begin('b')('well');
    expect(changes.map(({ now }) => now)).to.deep.equal(['ejected', 'returned', 'well']);
    expect(await call(ejection, three, 30, () => 'well')).to.deep.equal({ a: 10, b: 10, c: 10 });
  });

  it('leaves one out again at the first failure of its trial', async () => {
    const ejection = create(three);
    await call(ejection, three, 30, onlyBad('b'));
    await clock.advance(2_000);
    const got = await call(ejection, three, 30, onlyBad('b'));
    expect(got['b']).to.equal(1);
    expect(changes.map(({ now }) => now)).to.deep.equal(['ejected', 'returned', 'ejected']);
  });

  it('does not hold against one that came back what was before', async () => {
    const ejection = create(three, { baseEjectionMs: 500, consecutiveFailures: 30 });
    await call(ejection, three, 90, onlyBad('b'));
    await clock.advance(500);
    await call(ejection, three, 9, () => 'well');
    await call(ejection, three, 3, onlyBad('b'));
    expect(changes.map(({ now }) => now)).to.deep.equal(['ejected', 'returned', 'well']);
  });

  it('leaves one out for twice as long each time that its trial fails, up to a bound', async () => {
    await call(create(three, { maxEjectionMs: 10_000 }), three, 6_000, onlyBad('b'));
    const times = changes.filter(({ now }) => now === 'ejected').map(({ forMs }) => forMs);
    expect(times.slice(0, 6)).to.deep.equal([2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
  });

  it('begins with the shortest time again after it was well for long', async () => {
    const ejection = create(three, { maxEjectionMs: 10_000 });
    await call(ejection, three, 1_000, onlyBad('b'));
    await call(ejection, three, 2_000, () => 'well');
    await call(ejection, three, 30, onlyBad('b'));
    expect(changes.at(-1)).to.deep.equal({ endpoint: 'b', now: 'ejected', forMs: 2_000 });
  });

  it('gives no weight to what was sent before an ejection and ends after it', async () => {
    const ejection = create(three);
    const late = Array.from({ length: 5 }, () => ejection.begin('b'));
    await call(ejection, three, 15, onlyBad('b'));
    await clock.advance(2_000);
    await call(ejection, three, 9, () => 'well');
    for (const end of late) end('broken');
    expect(ejection.ejected()).to.deep.equal([]);
  });

  it('never leaves out more than half, nor the only one', async () => {
    const pair = ['a', 'b'];
    await call(create(pair), pair, 100, () => 'broken');
    expect(changes.filter(({ now }) => now === 'ejected')).to.have.length(1);
    changes = [];
    await call(create(['a']), ['a'], 100, () => 'broken');
    expect(changes).to.deep.equal([]);
  });

  it('uses all when more than half of those that can take calls are left out', async () => {
    const four = ['a', 'b', 'c', 'd'];
    const ejection = create(four);
    await call(ejection, four, 40, (endpoint) => (endpoint < 'c' ? 'broken' : 'well'));
    expect(ejection.ejected()).to.deep.equal(['a', 'b']);
    // The two good ones lose their connections, but for d.
    const got = await call(ejection, ['a', 'b', 'd'], 30, () => 'unknown');
    expect(got).to.deep.equal({ a: 10, b: 10, d: 10 });
  });

  it('forgets endpoints that are gone', async () => {
    const ejection = create(three);
    await call(ejection, three, 30, onlyBad('b'));
    ejection.retain(['a', 'c']);
    ejection.retain(three);
    expect(ejection.ejected()).to.deep.equal([]);
  });

  it('always finds an endpoint, and never has more than half ejected', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 7 }),
        fc.array(
          fc.tuple(
            fc.nat(6),
            fc.constantFrom<CalleeVerdict>('well', 'broken', 'broken', 'unknown'),
            fc.nat(400),
          ),
          { maxLength: 200 },
        ),
        async (size, steps) => {
          const its = virtualClock();
          const ejection = createOutlierEjection(its.clock, { consecutiveFailures: 2 });
          const all = Array.from({ length: size }, (_, n) => `endpoint-${n}`);
          ejection.retain(all);
          for (const [first, verdict, pauseMs] of steps) {
            const ready = all.slice(first % size);
            const index = ejection.choose(ready, first);
            expect(index).to.be.within(0, ready.length - 1);
            ejection.begin(ready[index] ?? '')(verdict);
            expect(ejection.ejected().length * 2).to.be.at.most(size);
            await its.advance(pauseMs);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});
