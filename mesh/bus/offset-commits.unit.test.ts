import { expect } from 'chai';
import { virtualClock } from '../testing/virtual-clock.js';
import { offsetCommits } from './offset-commits.js';

describe('commits of offsets', () => {
  const begin = () => {
    const time = virtualClock();
    const made: [string, number][][] = [];
    const failures: string[] = [];
    const offsets = new Map([
      ['a', 1],
      ['b', 5],
    ]);
    const broker = { broken: false };
    const commits = offsetCommits<string>({
      markOf: (partition) => {
        const offset = offsets.get(partition);
        return offset === undefined ? undefined : { offset, metadata: '' };
      },
      commit: async (marks) => {
        await time.timers.sleep(10);
        if (broker.broken) throw new Error('away');
        made.push([...marks].map(([partition, { offset }]) => [partition, offset]));
      },
      later: (delayMs, task) => void time.timers.after(delayMs, task),
      onFailure: (error) => failures.push(String(error)),
    });
    return { time, made, failures, offsets, broker, commits };
  };

  it('take together what comes within a moment', async () => {
    const { time, made, commits } = begin();
    for (const partition of ['a', 'b', 'a']) commits.note(partition);
    await time.advance(100);
    expect(made).to.deep.equal([
      [
        ['a', 1],
        ['b', 5],
      ],
    ]);
  });

  it('come again with what is true by then when one failed, and leave out what another process has', async () => {
    const { time, made, failures, offsets, broker, commits } = begin();
    broker.broken = true;
    commits.note('a');
    commits.note('b');
    await time.advance(100);
    expect(failures).to.deep.equal(['Error: away']);
    broker.broken = false;
    offsets.set('a', 9);
    offsets.delete('b');
    await time.advance(1_000);
    expect(made).to.deep.equal([[['a', 9]]]);
  });

  it('are made one after the other, however they are asked for', async () => {
    const { time, made, offsets, commits } = begin();
    commits.note('a');
    const first = commits.flush();
    await time.advance(1);
    offsets.set('a', 2);
    commits.note('a');
    const second = commits.flush();
    await time.advance(100);
    await Promise.all([first, second]);
    expect(made).to.deep.equal([[['a', 1]], [['a', 2]]]);
  });

  it('are none when there is nothing new', async () => {
    const { time, made, commits } = begin();
    await commits.flush();
    await time.advance(100);
    expect(made).to.deep.equal([]);
  });
});
