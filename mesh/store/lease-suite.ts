import { expect } from 'chai';
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.js';
import type { StoreSetup } from './contract-suite.js';
import { type Lease, leaseIn } from './lease.js';
import type { Store } from './store.js';

/** Leases on any kind of store. */
export function leaseContract(name: string, makeSetup: () => StoreSetup): void {
  describe(`a lease: ${name}`, () => {
    let setup: StoreSetup;
    let time: VirtualClock;
    let store: Store;
    let commits: number;
    let mine: Lease;
    let yours: Lease;
    beforeEach(async () => {
      setup = makeSetup();
      time = virtualClock();
      store = await setup.open('order', [], time.clock);
      commits = 0;
      const counting: Store = {
        ...store,
        commit: (batch) => {
          commits += 1;
          return store.commit(batch);
        },
      };
      const lease = (holder: string) =>
        leaseIn({ store: counting, name: 'outbox', holder, clock: time.clock, lastsMs: 2_000 });
      mine = lease('order-1.1');
      yours = lease('order-2.1');
    });
    afterEach(() => setup.close());

    it('is held by one at a time', async () => {
      expect(await mine.hold()).to.equal(true);
      expect(await yours.hold()).to.equal(false);
      await mine.release();
      expect(await yours.hold()).to.equal(true);
      expect(await mine.hold()).to.equal(false);
    });

    it('of another name is another', async () => {
      const other = leaseIn({ store, name: 'sweep', holder: 'order-2.1', clock: time.clock, lastsMs: 2_000 });
      expect([await mine.hold(), await other.hold()]).to.deep.equal([true, true]);
    });

    it('passes on when its holder has died, not before', async () => {
      expect(await mine.hold()).to.equal(true);
      await time.advance(1_999);
      expect(await yours.hold()).to.equal(false);
      await time.advance(1);
      expect(await yours.hold()).to.equal(true);
      expect(await mine.hold()).to.equal(false);
    });

    it('is renewed for as long as its holder goes on, and written no more often than that needs', async () => {
      for (let step = 0; step < 100; step += 1) {
        expect(await mine.hold()).to.equal(true);
        expect(await yours.hold()).to.equal(false);
        await time.advance(100);
      }
      // A hundred were the refusals; of ours every tenth or eleventh wrote.
      expect(commits - 100).to.be.within(9, 11);
    });

    it('is not given back by one that does not hold it any more', async () => {
      await mine.hold();
      await time.advance(2_000);
      await yours.hold();
      await mine.release();
      expect(await mine.hold()).to.equal(false);
    });

    it('is worth nothing when it was written before the clock was set back', async () => {
      await mine.hold();
      time.setWallTime(time.clock.nowMs() - 3_600_000);
      expect(await yours.hold()).to.equal(true);
      expect(await mine.hold()).to.equal(false);
    });
  });
}
