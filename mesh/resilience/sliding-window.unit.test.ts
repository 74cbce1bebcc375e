import { expect } from 'chai';
import fc from 'fast-check';
import { createSlidingWindow } from './sliding-window.js';

describe('the sliding window', () => {
  it('holds what happened within it, to the length of a bucket, whatever came before', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 2_500 }), fc.boolean()), { maxLength: 300 }),
        (events) => {
          const window = createSlidingWindow({ windowMs: 1_000, buckets: 10 });
          const seen: { atMs: number; accepted: number }[] = [];
          let nowMs = 12_345;
          for (const [pauseMs, accepted] of events) {
            nowMs += pauseMs;
            seen.push({ atMs: nowMs, accepted: accepted ? 1 : 0 });
            window.add(nowMs, 1, accepted ? 1 : 0);
            const oldest = Math.floor(nowMs / 100) - 9;
            const inside = seen.filter(({ atMs }) => Math.floor(atMs / 100) >= oldest);
            expect(window.totals(nowMs)).to.deep.equal({
              requests: inside.length,
              accepts: inside.reduce((sum, event) => sum + event.accepted, 0),
            });
          }
        },
      ),
    );
  });

  it('is empty after its length has passed, and after it was cleared', () => {
    const window = createSlidingWindow({ windowMs: 500, buckets: 5 });
    window.add(0, 3, 2);
    expect(window.totals(499)).to.deep.equal({ requests: 3, accepts: 2 });
    expect(window.totals(600)).to.deep.equal({ requests: 0, accepts: 0 });
    window.add(700, 1, 1);
    window.clear();
    expect(window.totals(700)).to.deep.equal({ requests: 0, accepts: 0 });
  });

  it('refuses a length that is none', () => {
    expect(() => createSlidingWindow({ windowMs: 0, buckets: 5 })).to.throw(RangeError, /above 0/);
    expect(() => createSlidingWindow({ windowMs: 5, buckets: 1.5 })).to.throw(RangeError, /above 0/);
  });
});
