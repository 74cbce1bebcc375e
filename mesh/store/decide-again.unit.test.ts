import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import { decideAgain } from './decide-again.js';
import { type ConflictKind, StoreConflict } from './store.js';

/** Work that loses so many races before it is done. */
function losing(times: number, kind: ConflictKind = 'version') {
  const work = {
    tries: 0,
    attempt: async () => {
      work.tries += 1;
      if (work.tries <= times) throw new StoreConflict(kind, 'row');
      return 'done';
    },
  };
  return work;
}
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a decision that is made again', () => {
  for (const kind of ['version', 'guard'] as const) {
    it(`is made anew after a ${kind} conflict, up to five times in all`, async () => {
      const work = losing(4, kind);
      expect(await decideAgain('the price', work.attempt)).to.equal('done');
      expect(work.tries).to.equal(5);
    });
  }

  it('gives up with a word that names what is contended, and keeps the cause to itself', async () => {
    const work = losing(100);
    const error = await failureOf(decideAgain("the price of 'prd_a'", work.attempt));
    expect(work.tries).to.equal(5);
    expect(error).to.be.instanceOf(MeshError).and.include({ code: 'ABORTED', reason: 'CONFLICT' });
    expect((error as MeshError).message).to.equal(
      "the price of 'prd_a' is being changed by others: try again",
    );
    expect((error as MeshError).cause).to.be.instanceOf(StoreConflict);
  });

  it('is tried as often as the caller says', async () => {
    const work = losing(49);
    expect(await decideAgain('the cart', work.attempt, 50)).to.equal('done');
    expect(work.tries).to.equal(50);
  });

  for (const kind of ['inbox', 'command'] as const) {
    it(`passes a ${kind} conflict on: what was done before can not be done by trying again`, async () => {
      const work = losing(1, kind);
      expect(await failureOf(decideAgain('it', work.attempt))).to.include({ kind });
      expect(work.tries).to.equal(1);
    });
  }

  it('passes every other failure on at once', async () => {
    let tries = 0;
    const error = await failureOf(
      decideAgain('it', async () => {
        tries += 1;
        throw new TypeError('a mistake');
      }),
    );
    expect(error).to.be.instanceOf(TypeError);
    expect(tries).to.equal(1);
  });
});
