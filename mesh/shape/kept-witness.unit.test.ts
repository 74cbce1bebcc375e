import { expect } from 'chai';
import { collectingLog } from '../testing/collecting-log.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { keepWitness } from './kept-witness.js';
import type { Witness } from './witness-process.js';

describe('a kept witness', () => {
  const setUp = async () => {
    const time = virtualClock();
    const lines: string[] = [];
    const starts: { before: Witness['listening'] | undefined; end: (code: number | null) => void }[] = [];
    const stopped: number[] = [];
    const behaviour = { fails: false };
    const kept = await keepWitness({
      name: 'card-processor',
      ambient: time,
      log: collectingLog(),
      tell: (line) => lines.push(line),
      start: async (before, end) => {
        if (behaviour.fails) throw new Error('the port is taken');
        starts.push({ before, end });
        const pid = starts.length;
        return {
          pid,
          listening: { url: 'http://127.0.0.1:81' },
          stop: async () => void stopped.push(pid),
        };
      },
    });
    return { time, lines, starts, stopped, behaviour, kept };
  };

  it('is started again where it was, after growing waits, and told of', async () => {
    const { time, lines, starts, kept } = await setUp();
    starts[0]?.end(null);
    await time.advance(99);
    expect(starts).to.have.length(1);
    await time.advance(1);
    expect(starts[1]?.before).to.deep.equal({ url: 'http://127.0.0.1:81' });
    expect(kept.pid()).to.equal(2);
    starts[1]?.end(7);
    await time.advance(200);
    expect(starts).to.have.length(3);
    expect(lines).to.deep.equal([
      'card-processor ended (killed); it starts again in 100 ms',
      'card-processor ended (exit code 7); it starts again in 200 ms',
    ]);
  });

  it('is tried again when it can not be started', async () => {
    const { time, lines, starts, behaviour } = await setUp();
    behaviour.fails = true;
    starts[0]?.end(null);
    await time.advance(100);
    expect(lines[1]).to.equal('card-processor ended (the port is taken); it starts again in 200 ms');
    behaviour.fails = false;
    await time.advance(200);
    expect(starts).to.have.length(2);
  });

  it('stays away once it was told to stop', async () => {
    const { time, starts, stopped, kept } = await setUp();
    starts[0]?.end(null);
    await kept.stop(100);
    await time.advance(60_000);
    expect(starts).to.have.length(1);
    expect(stopped).to.deep.equal([1]);
    expect(time.pendingTimers()).to.equal(0);
  });
});
