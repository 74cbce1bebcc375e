import { expect } from 'chai';
import { collectingLog } from '../testing/collecting-log.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { keepCertificates } from './certificate-upkeep.js';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

describe('the upkeep of certificates', () => {
  const setUp = (renew: () => Promise<readonly string[]>) => {
    const ambient = virtualClock();
    const log = collectingLog();
    const lines: string[] = [];
    const looksAtMs: number[] = [];
    const end = keepCertificates({
      ambient,
      log,
      renew: () => {
        looksAtMs.push(ambient.clock.monotonicMs());
        return renew();
      },
      tell: (line) => lines.push(line),
    });
    return { ambient, log, lines, looksAtMs, end };
  };

  it('looks once a day, and says what it renewed', async () => {
    const { ambient, log, looksAtMs, lines } = setUp(async () => ['cart']);
    await ambient.advance(3 * dayMs);
    expect(looksAtMs).to.deep.equal([dayMs, 2 * dayMs, 3 * dayMs]);
    expect(log.lines[0]).to.deep.include({ message: 'certificates were renewed' });
    expect(lines, 'nothing that a person must do').to.deep.equal([]);
  });

  it('tells of a failure, and tries again in an hour', async () => {
    const { ambient, looksAtMs, lines } = setUp(async () => {
      throw new Error('the disk is full');
    });
    await ambient.advance(dayMs + 2 * hourMs);
    expect(looksAtMs).to.deep.equal([dayMs, dayMs + hourMs, dayMs + 2 * hourMs]);
    expect(lines[0]).to.equal(
      'certificates could not be renewed: the disk is full; it is tried again in an hour',
    );
  });

  it('ends, also in the middle of a look', async () => {
    let finish: (renewed: readonly string[]) => void = () => undefined;
    const { ambient, end, looksAtMs } = setUp(
      () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    );
    await ambient.advance(dayMs);
    end();
    finish([]);
    await ambient.advance(5 * dayMs);
    expect(looksAtMs).to.have.length(1);
    expect(ambient.pendingTimers()).to.equal(0);
  });
});
