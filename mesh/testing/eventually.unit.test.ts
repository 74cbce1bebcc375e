import { expect } from 'chai';
import { eventually } from './eventually.js';

describe('eventually', () => {
  it('gives what the first successful attempt gives', async () => {
    let attempts = 0;
    const value = await eventually(
      () => {
        attempts += 1;
        if (attempts < 3) throw new Error('not yet');
        return 'there';
      },
      { everyMs: 1 },
    );
    expect(value).to.equal('there');
    expect(attempts).to.equal(3);
  });

  it('takes false as not yet, and zero, null and undefined as an answer', async () => {
    let ready = false;
    setTimeout(() => {
      ready = true;
    }, 5);
    expect(await eventually(() => ready, { everyMs: 1 })).to.equal(true);
    expect(await eventually(() => 0)).to.equal(0);
    expect(await eventually(async () => undefined)).to.equal(undefined);
  });

  it('ends at its bound and tells what was awaited and the last failure', async () => {
    const last = new Error('expected 2 to equal 3');
    const error = await failureOf(
      eventually(() => Promise.reject(last), { withinMs: 20, everyMs: 1, what: 'three mails' }),
    );
    expect(error.message).to.match(/^waited 20 ms for three mails \(\d+ attempts\): expected 2 to equal 3$/);
    expect(error.cause).to.equal(last);
  });

  it('ends at its bound when an attempt hangs', async () => {
    const error = await failureOf(eventually(() => new Promise<never>(() => undefined), { withinMs: 20 }));
    // Node's timers may fire a fraction of a millisecond early: then there is time for a second attempt.
    expect(error.message).to.match(
      /^waited 20 ms for the condition \(\d attempts\): an attempt did not end$/,
    );
  });
});

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}
