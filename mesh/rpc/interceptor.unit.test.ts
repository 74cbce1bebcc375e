import { expect } from 'chai';
import fc from 'fast-check';
import { testContext } from '../testing/test-context.js';
import { echoPolicy } from './echo-contract.test.js';
import {
  type Call,
  clientOrder,
  composeClient,
  composeServer,
  type Interceptor,
  type Placed,
  serverOrder,
} from './interceptor.js';

const call: Call = { method: echoPolicy('say'), body: new Uint8Array(), context: testContext() };

describe('interceptors', () => {
  for (const [side, order, compose] of [
    ['client', clientOrder, composeClient],
    ['server', serverOrder, composeServer],
  ] as const) {
    it(`of a ${side} run in the one order that is written down, whatever order they are given in`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.shuffledSubarray([...order] as string[]), async (places) => {
          const ran: string[] = [];
          const noting =
            (place: string): Interceptor =>
            (next) =>
            async (passing) => {
              ran.push(place);
              return next(passing);
            };
          const placed = Object.fromEntries(places.map((place) => [place, noting(place)])) as Placed<never>;
          await compose(placed, async () => {
            ran.push('innermost');
            return new Uint8Array();
          })(call);
          expect(ran).to.deep.equal([...order.filter((place) => places.includes(place)), 'innermost']);
        }),
      );
    });

    it(`of a ${side} are refused at a place that does not exist`, () => {
      const wrong = { cash: (next: unknown) => next } as Placed<never>;
      expect(() => compose(wrong, async () => new Uint8Array())).to.throw(
        RangeError,
        "'cash' does not exist",
      );
    });
  }

  it('see the copy that those further out pass on, and their answer', async () => {
    const changed: Interceptor = (next) => async (passing) => {
      const answer = (await next({
        ...passing,
        context: { ...passing.context, priority: 'low' },
      })) as Uint8Array;
      return new Uint8Array([...answer, 2]);
    };
    const answer = await composeServer(
      { shed: changed },
      async ({ context }) => new Uint8Array([context.priority === 'low' ? 1 : 0]),
    )(call);
    expect(answer).to.deep.equal(new Uint8Array([1, 2]));
    expect(call.context.priority).to.equal('normal');
  });

  it('keep the order of the design', () => {
    expect(clientOrder.join(' > ')).to.equal(
      'trace > metrics > log > fallback > cache > bulkhead > deadline > identity',
    );
    expect(serverOrder.join(' > ')).to.equal(
      'trace > metrics > log > shed > identity > authorise > validate > deduplicate',
    );
  });
});
