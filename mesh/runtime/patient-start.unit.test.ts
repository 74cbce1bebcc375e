import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import { collectingLog } from '../testing/collecting-log.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { startPatiently } from './patient-start.js';

describe('the start of a service', () => {
  const away = new MeshError({
    code: 'UNAVAILABLE',
    reason: 'STORAGE_UNAVAILABLE',
    message: "the database of catalog can't be used now",
  });

  /** Starts with a failure for each of the first tries, and says how it ended and after which tries. */
  const begin = async (failures: readonly Error[]) => {
    const time = virtualClock();
    const triedMs: number[] = [];
    let ended: unknown = 'not yet';
    const start = async () => {
      const failure = failures[triedMs.length];
      triedMs.push(time.clock.monotonicMs());
      if (failure !== undefined) throw failure;
    };
    startPatiently(start, time, collectingLog()).then(
      () => {
        ended = 'started';
      },
      (error: unknown) => {
        ended = error;
      },
    );
    await time.advance(30_000);
    return { ended, triedMs };
  };

  it('waits for a database that is away, longer each time', async () => {
    const { ended, triedMs } = await begin([away, away, away, away, away, away]);
    expect(ended).to.equal('started');
    expect(triedMs).to.have.length(7);
    expect(triedMs[6]).to.be.within(1_000, 4_000);
  });

  it('fails with what was wrong when the database stays away', async () => {
    const { ended, triedMs } = await begin(Array.from({ length: 1_000 }, () => away));
    expect(ended).to.equal(away);
    expect(triedMs.at(-1)).to.be.within(8_000, 10_000);
  });

  it('fails at once with what waiting does not mend', async () => {
    const mistake = new Error('no such column');
    const { ended, triedMs } = await begin([mistake]);
    expect(ended).to.equal(mistake);
    expect(triedMs).to.deep.equal([0]);
  });
});
