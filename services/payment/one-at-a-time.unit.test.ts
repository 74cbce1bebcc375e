import { expect } from 'chai';
import { oneAtATime } from './one-at-a-time.js';

/** Work that ends when it is told to, and notes when it begins and ends. */
function workNoting(notes: string[]) {
  const ends = new Map<string, () => void>();
  return {
    end: (name: string) => ends.get(name)?.(),
    work: (name: string) => () => {
      notes.push(`${name} begins`);
      return new Promise<string>((resolve) => {
        ends.set(name, () => {
          notes.push(`${name} ends`);
          resolve(name);
        });
      });
    },
  };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));
const { signal } = new AbortController();

describe('one at a time', () => {
  it('runs work of a name in the order of asking, each after the one before it has ended', async () => {
    const queue = oneAtATime();
    const notes: string[] = [];
    const { work, end } = workNoting(notes);
    const all = ['a', 'b', 'c'].map((name) => queue('order', signal, work(name)));
    for (const name of ['a', 'b', 'c']) {
      await settle();
      end(name);
    }
    expect(await Promise.all(all)).to.deep.equal(['a', 'b', 'c']);
    expect(notes).to.deep.equal(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  it('does not let names wait for each other', async () => {
    const queue = oneAtATime();
    const notes: string[] = [];
    const { work } = workNoting(notes);
    void queue('first', signal, work('a'));
    void queue('second', signal, work('b'));
    await settle();
    expect(notes).to.deep.equal(['a begins', 'b begins']);
  });

  it('goes on after a failure, which only its own caller hears of', async () => {
    const queue = oneAtATime();
    const failing = queue('order', signal, () => Promise.reject(new Error('no')));
    const next = queue('order', signal, async () => 'done');
    expect(await failing.catch((error: Error) => error.message)).to.equal('no');
    expect(await next).to.equal('done');
  });

  it('does not begin the work of a caller that has given up, and does not lose its place for others', async () => {
    const queue = oneAtATime();
    const notes: string[] = [];
    const { work, end } = workNoting(notes);
    const leaving = new AbortController();
    const first = queue('order', signal, work('a'));
    const given = queue('order', leaving.signal, work('b')).catch((error: Error) => error.message);
    const third = queue('order', signal, async () => 'c');
    leaving.abort(new Error('gave up'));
    await settle();
    expect(notes).to.deep.equal(['a begins']);
    end('a');
    expect([await first, await given, await third]).to.deep.equal(['a', 'gave up', 'c']);
    expect(notes).to.deep.equal(['a begins', 'a ends']);
  });
});
