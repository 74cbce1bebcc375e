import { expect } from 'chai';
import { spreadOf } from './statistics.js';

describe('the spread of figures', () => {
  it('tells extremes, median and 99th percentile by nearest rank', () => {
    const figures = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(spreadOf(figures)).to.deep.equal({ count: 100, min: 1, median: 50, p99: 99, max: 100 });
    expect(spreadOf([3])).to.deep.equal({ count: 1, min: 3, median: 3, p99: 3, max: 3 });
  });

  it('refuses to tell it of nothing', () => {
    expect(() => spreadOf([])).to.throw(RangeError);
  });
});
