import { expect } from 'chai';
import { numberSettings } from './number-setting.js';
import { StartupError } from './startup-error.js';

describe('a setting that is a number', () => {
  const read = (text: string, whole = false) =>
    numberSettings('order', () => text)('answerWithinMs', { least: 0.5, most: 100, whole });

  it('is a number of its range, its ends included', () => {
    expect(['0.5', '100', ' 7 ', '1e1'].map((text) => read(text))).to.deep.equal([0.5, 100, 7, 10]);
    expect(read('3', true)).to.equal(3);
  });

  for (const text of ['', ' ', 'soon', '2 s', 'NaN', 'Infinity', '-1', '0.49', '100.1', '1,5']) {
    it(`is not '${text}', which is told with variable and range`, () => {
      expect(() => read(text)).to.throw(
        StartupError,
        `ORDER_ANSWER_WITHIN_MS is '${text.trim()}': give a number from 0.5 to 100`,
      );
    });
  }

  it('is whole where a part makes no sense', () => {
    expect(() => read('1.5', true)).to.throw('give a whole number from 0.5 to 100');
  });
});
