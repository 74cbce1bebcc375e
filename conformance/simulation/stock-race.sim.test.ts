import { expect } from 'chai';
import { checkLinearizable, type Operation } from '../linearizability/linearizability.js';
import { type StockCall, type StockResult, stockModel } from '../linearizability/stock-model.js';
import { loadShopCode, type ShopCode } from './simulated-shop.js';
import { type StockHistory, stockRace } from './stock-race.js';

const races = 40;

describe('the stock of a product that several callers race for under faults (I5)', function () {
  this.timeout(120_000);
  let code: ShopCode;
  const histories: StockHistory[] = [];
  before(async () => {
    code = await loadShopCode();
    for (let seed = 1; seed <= races; seed += 1) histories.push(await stockRace({ code, seed, faults: 40 }));
  });

  it(`is linearizable in each of ${races} races`, () => {
    for (const [index, { productId, pieces, operations }] of histories.entries()) {
      const verdict = checkLinearizable(stockModel(pieces), operations);
      const told = verdict.linearizable
        ? ''
        : `seed ${index + 1}, ${productId} with ${pieces} pieces:\n${verdict.longest.slice(-15).map(lineOf).join('\n')}\nstuck:\n${verdict.stuck.slice(0, 15).map(lineOf).join('\n')}`;
      expect(told).to.equal('');
    }
  });

  it('was raced for: there were refusals, sales, and operations that nobody heard of', () => {
    const all = histories.flatMap(({ operations }) => operations);
    const count = (wanted: (one: Operation<StockCall, StockResult>) => boolean) => all.filter(wanted).length;
    const reasonIs = (reason: string) =>
      count(({ result }) => result?.kind === 'refused' && result.reason === reason);
    expect(all.length).to.be.greaterThan(races * 60);
    expect(reasonIs('OUT_OF_STOCK')).to.be.greaterThan(races);
    expect(reasonIs('RESERVATION_VOIDED')).to.be.greaterThan(races);
    expect(reasonIs('CONFLICT')).to.be.greaterThan(races / 2);
    expect(count(({ call, result }) => call.kind === 'commit' && result?.kind === 'done')).to.be.greaterThan(
      races,
    );
    expect(count(({ call, result }) => call.kind === 'get' && result !== undefined)).to.be.greaterThan(
      races * 10,
    );
  });
});

function lineOf({ call, result, startedMs, endedMs }: Operation<StockCall, StockResult>): string {
  return `  ${startedMs.toFixed(1)}..${endedMs.toFixed(1)} ${JSON.stringify(call)} ${JSON.stringify(result)}`;
}
