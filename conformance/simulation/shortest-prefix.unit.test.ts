import { expect } from 'chai';
import fc from 'fast-check';
import { shortestPrefix } from './shortest-prefix.js';

describe('the shortest prefix', () => {
  it('is where a run begins to fail, when longer ones always fail too', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 0, max: 300 }),
        fc.nat(300),
        fc.nat(300),
        async (orders, faults, moreOrders, moreFaults) => {
          const whole = { orders: orders + moreOrders, faults: faults + moreFaults };
          const fails = async (prefix: typeof whole) => prefix.orders >= orders && prefix.faults >= faults;
          expect(await shortestPrefix(whole, fails)).to.deep.equal({ orders, faults });
        },
      ),
    );
  });

  it('is one that fails, whatever the runs between do', async () => {
    await fc.assert(
      fc.asyncProperty(fc.func(fc.boolean()), fc.nat(100), async (chance, size) => {
        const whole = { orders: size + 1, faults: size };
        const fails = async (prefix: typeof whole) =>
          (prefix.orders === whole.orders && prefix.faults === whole.faults) ||
          chance(prefix.orders, prefix.faults);
        expect(await fails(await shortestPrefix(whole, fails))).to.equal(true);
      }),
    );
  });
});
