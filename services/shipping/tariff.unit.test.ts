import { expect } from 'chai';
import fc from 'fast-check';
import { compare } from '../../mesh/contract/money.js';
import { ShipmentState } from '../../proto/gen/meshmart/shipping/v1/shipping.js';
import { checkpoints, isFinal } from './progress.js';
import { optionOf, quote } from './tariff.js';

const country = fc.constantFrom('DE', 'FR', 'ES', 'CH', 'US', 'JP');
const weight = fc.integer({ min: 0, max: 100_000 });

describe('a shipping quote', () => {
  it('lists the ways to ship, cheapest first, and standard everywhere', () => {
    fc.assert(
      fc.property(country, weight, (to, grams) => {
        const options = quote(to, grams);
        expect(options.map(({ id }) => id)).to.include('standard');
        const costs = options.map(({ cost }) => Number(cost?.units) * 1e9 + (cost?.nanos ?? 0));
        expect(costs).to.deep.equal([...costs].sort((left, right) => left - right));
      }),
    );
  });

  it('never costs less for more weight', () => {
    fc.assert(
      fc.property(country, weight, fc.integer({ min: 0, max: 5_000 }), (to, grams, more) => {
        const [light, heavy] = [
          optionOf(to, grams, 'standard').cost,
          optionOf(to, grams + more, 'standard').cost,
        ];
        if (light === undefined || heavy === undefined) throw new Error('an option without a cost');
        expect(compare(light, heavy)).to.be.at.most(0);
      }),
    );
  });

  it('costs the same up to a kilogram, and more with the first gram above', () => {
    expect(optionOf('DE', 1_000, 'standard').cost).to.deep.equal(optionOf('DE', 0, 'standard').cost);
    expect(optionOf('DE', 1_001, 'standard').cost).not.to.deep.equal(optionOf('DE', 1_000, 'standard').cost);
  });

  it('is refused for a country that is not served, and for a way that does not exist', () => {
    expect(() => quote('AQ', 0))
      .to.throw()
      .with.property('reason', 'COUNTRY_NOT_SERVED');
    expect(() => optionOf('US', 0, 'pickup'))
      .to.throw()
      .with.property('reason', 'SHIPPING_OPTION_NOT_FOUND');
  });
});

describe("a parcel's way", () => {
  const journey = { createdAtMs: 1_000_000, cancelledAtMs: undefined, stepMs: 20_000 };
  const statesAt = (ms: number, changes = {}) =>
    checkpoints({ ...journey, ...changes }, journey.createdAtMs + ms).map(({ state }) => state);

  it('goes one stage a step, and ends delivered', () => {
    expect(statesAt(0)).to.deep.equal([ShipmentState.SHIPMENT_STATE_LABEL_CREATED]);
    expect(statesAt(40_000).at(-1)).to.equal(ShipmentState.SHIPMENT_STATE_IN_TRANSIT);
    expect(isFinal(statesAt(80_000).at(-1) ?? ShipmentState.SHIPMENT_STATE_UNSPECIFIED)).to.equal(true);
    expect(statesAt(1e9)).to.have.length(5);
  });

  it('ends where it was taken back', () => {
    const cancelledAtMs = journey.createdAtMs + 5_000;
    expect(statesAt(60_000, { cancelledAtMs })).to.deep.equal([
      ShipmentState.SHIPMENT_STATE_LABEL_CREATED,
      ShipmentState.SHIPMENT_STATE_CANCELLED,
    ]);
  });

  it('only ever grows as time passes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200_000 }), fc.integer({ min: 0, max: 50_000 }), (ms, more) => {
        const [before, after] = [statesAt(ms), statesAt(ms + more)];
        expect(after.slice(0, before.length)).to.deep.equal(before);
      }),
    );
  });
});
