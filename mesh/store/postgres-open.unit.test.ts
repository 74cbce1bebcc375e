import { expect } from 'chai';
import { StartupError } from '../runtime/startup-error.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { firstWork } from './postgres-open.js';
import type { Pool, PoolClient } from './postgres-pool.js';

/** A pool whose connections are refused at first. */
function scriptedPool(refusals = 0) {
  const released: (boolean | 'closed' | undefined)[] = [];
  let left = refusals;
  const client = {
    release: (broken?: boolean) => void released.push(broken),
    connection: { stream: { destroy: () => void released.push('closed') } },
  } as unknown as PoolClient;
  const connect = async () => {
    left -= 1;
    if (left >= 0) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    return client;
  };
  return { released, pool: { connect } as unknown as Pool };
}

describe('the first work on a PostgreSQL', () => {
  const time = virtualClock();
  const within = { openWithinMs: 1_000, workWithinMs: 5_000, beingMade: true, ...time };
  const outcome = async (work: Promise<unknown>, afterMs: number) => {
    let ended: unknown = 'still at it';
    work.then(
      (value) => {
        ended = value;
      },
      (error: unknown) => {
        ended = error;
      },
    );
    await time.advance(afterMs);
    return ended;
  };

  it('waits for a server that starts', async () => {
    const { pool, released } = scriptedPool(4);
    expect(
      await outcome(
        firstWork(pool, 'it', within, async () => 'done'),
        500,
      ),
    ).to.equal('done');
    expect(released).to.deep.equal([undefined]);
  });

  it('gives up a server that does not come', async () => {
    const { pool } = scriptedPool(1_000);
    const ended = await outcome(
      firstWork(pool, 'it', within, async () => 'done'),
      1_200,
    );
    expect(ended).to.be.instanceOf(StartupError);
  });

  it('ends work that gets no answer, and its connection with it', async () => {
    const { pool, released } = scriptedPool();
    const work = firstWork(pool, 'the database of test', within, () => new Promise<never>(() => undefined));
    expect(await outcome(work, 5_900)).to.equal('still at it');
    const ended = await outcome(work, 200);
    expect(ended).to.be.instanceOf(StartupError);
    expect((ended as Error).message).to.include('the database of test does not get through');
    // Told to end, the driver would wait for the answer that does not come.
    expect(released).to.deep.equal(['closed', true]);
    expect(time.pendingTimers()).to.equal(0);
  });

  it('leaves no timer behind', async () => {
    const { pool } = scriptedPool();
    expect(
      await outcome(
        firstWork(pool, 'it', within, async () => 1),
        0,
      ),
    ).to.equal(1);
    expect(time.pendingTimers()).to.equal(0);
  });
});
