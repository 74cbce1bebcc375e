import { expect } from 'chai';
import type { Readiness } from '../runtime/edge.js';
import type { HostedService } from '../runtime/host.js';
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.js';
import { checkReadiness, createReadinessWatch, type ReadinessWatch } from './readiness.js';

const ready: Readiness = {
  ready: true,
  services: [{ name: 'cart', criticality: 'required', serving: true, problem: undefined }],
};
const down: Readiness = {
  ready: false,
  services: [{ name: 'cart', criticality: 'required', serving: false, problem: 'disk full' }],
};

describe('readiness', () => {
  let time: VirtualClock;
  beforeEach(() => {
    time = virtualClock();
  });

  const hosted = (
    name: string,
    check: () => Promise<void>,
    criticality: 'required' | 'optional' = 'required',
  ) => ({ manifest: { name, criticality }, check }) as unknown as HostedService;
  const good = async () => undefined;
  const bad = (problem: unknown) => () => Promise.reject(problem);

  it('is given when every service can do its work', async () => {
    expect(await checkReadiness([hosted('cart', good), hosted('order', good)], time.timers)).to.deep.equal({
      ready: true,
      services: ['cart', 'order'].map((name) => ({
        name,
        criticality: 'required',
        serving: true,
        problem: undefined,
      })),
    });
  });

  it('ends with one required service that can not, and tells which and why', async () => {
    const services = [hosted('cart', good), hosted('order', bad(new Error('disk full')))];
    const { ready, services: told } = await checkReadiness(services, time.timers);
    expect(ready).to.equal(false);
    expect(told.map(({ name, problem }) => [name, problem])).to.deep.equal([
      ['cart', undefined],
      ['order', 'disk full'],
    ]);
  });

  it('stands without an optional service, which is told all the same', async () => {
    const services = [
      hosted('cart', good),
      hosted('recommendation', bad(new Error('disk full')), 'optional'),
    ];
    const { ready, services: told } = await checkReadiness(services, time.timers);
    expect(ready).to.equal(true);
    expect(told[1]).to.include({ serving: false, problem: 'disk full' });
  });

  it('counts a check that does not answer within 2 s as failed, and leaves no timer behind', async () => {
    const checked = checkReadiness(
      [hosted('order', () => new Promise(() => undefined)), hosted('cart', good)],
      time.timers,
    );
    await time.advance(2_000);
    const { ready, services } = await checked;
    expect(ready).to.equal(false);
    expect(services[0]?.problem).to.equal('did not answer its check within 2000 ms');
    expect(services[1]?.serving).to.equal(true);
    expect(time.pendingTimers()).to.equal(0);
  });

  it('shows nothing of what was thrown when it was no error', async () => {
    const { services } = await checkReadiness([hosted('order', bad('password 123'))], time.timers);
    expect(services[0]?.problem).to.equal('unknown');
  });

  describe('as it is watched', () => {
    let now: Readiness;
    let asked: number;
    let watch: ReadinessWatch;
    beforeEach(() => {
      now = ready;
      asked = 0;
      watch = createReadinessWatch(time, async () => {
        asked += 1;
        await time.timers.sleep(10);
        return now;
      });
    });
    afterEach(() => watch.stop());

    const current = async () => {
      const answer = watch.current();
      await time.advance(10);
      return answer;
    };

    it('is not given before the first look', () => {
      expect(watch.last()).to.deep.equal({ ready: false, services: [] });
    });

    it('is looked at once for all who ask within a second', async () => {
      const both = Promise.all([watch.current(), watch.current()]);
      await time.advance(10);
      expect(await both).to.deep.equal([ready, ready]);
      await time.advance(500);
      now = down;
      expect(await current()).to.deep.equal(ready);
      expect(asked).to.equal(1);
      await time.advance(500);
      expect(await current()).to.deep.equal(down);
      expect(asked).to.equal(2);
    });

    it('is looked at by itself only while somebody listens', async () => {
      await time.advance(10_000);
      expect(asked).to.equal(0);
      const stopListening = watch.onChange(() => undefined);
      await time.advance(3_000);
      expect(asked).to.be.within(2, 3);
      stopListening();
      const before = asked;
      await time.advance(10_000);
      expect(asked).to.equal(before);
    });

    it('is told at each change and at nothing else', async () => {
      const told: boolean[] = [];
      watch.onChange(() => told.push(watch.last().ready));
      await time.advance(3_000);
      now = down;
      await time.advance(3_000);
      now = ready;
      await time.advance(3_000);
      expect(told).to.deep.equal([true, false, true]);
    });

    it('goes on after a look that failed, and tells the failure to who asked', async () => {
      watch.stop();
      let fails = true;
      watch = createReadinessWatch(time, async () => {
        if (fails) throw new Error('no look');
        return ready;
      });
      watch.onChange(() => undefined);
      await time.advance(2_500);
      expect(
        await watch.current().then(
          () => 'none',
          (error: Error) => error.message,
        ),
      ).to.equal('no look');
      fails = false;
      await time.advance(1_000);
      expect(watch.last()).to.deep.equal(ready);
    });

    it('is over at once when the process stops, for good, and that is told', async () => {
      await current();
      const told: Readiness[] = [];
      watch.onChange(() => told.push(watch.last()));
      await time.advance(1_000);
      const asking = watch.current();
      watch.notServing();
      const stopped = {
        ready: false,
        services: [
          { name: 'cart', criticality: 'required' as const, serving: false, problem: 'is stopping' },
        ],
      };
      await time.advance(10);
      expect(await asking).to.deep.equal(stopped);
      await time.advance(5_000);
      expect(await watch.current()).to.deep.equal(stopped);
      expect(told).to.deep.equal([stopped]);
    });

    it('leaves no timer behind when it is stopped', async () => {
      await current();
      watch.stop();
      expect(time.pendingTimers()).to.equal(0);
    });
  });
});
