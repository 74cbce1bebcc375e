import { expect } from 'chai';
import fc from 'fast-check';
import { type LogFile, shareSyncs } from './commit-sync.js';

/** A file whose syncs end when the test says so. */
function slowFile() {
  const waiting: { resolve(): void; reject(error: Error): void }[] = [];
  const state = { begun: 0, ended: 0, closed: false };
  const file: LogFile = {
    sync: () =>
      new Promise((resolve, reject) => {
        expect(state.closed).to.equal(false);
        state.begun += 1;
        expect(state.begun - state.ended, 'one sync at a time').to.equal(1);
        const end = (then: () => void) => {
          state.ended += 1;
          then();
        };
        waiting.push({ resolve: () => end(resolve), reject: (error) => end(() => reject(error)) });
      }),
    close: () => {
      state.closed = true;
    },
  };
  return {
    file,
    state,
    end: () => waiting.shift()?.resolve(),
    fail: () => waiting.shift()?.reject(new Error('EIO')),
  };
}

/** Lets everything happen that waits for nothing. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('commits that share their syncs', () => {
  it('are settled when nothing was committed', () => {
    const { file } = slowFile();
    expect(shareSyncs(file).settled()).to.equal(undefined);
  });

  it('settle with a sync that began after them, never with one that was under way', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('commit', 'wait', 'end', 'turn'), { maxLength: 60 }),
        async (actions) => {
          const { file, state, end } = slowFile();
          const sync = shareSyncs(file);
          /** The number of the sync that covers all commits so far. */
          let needed = 0;
          const promised: Promise<void>[] = [];
          for (const action of actions) {
            if (action === 'commit') {
              needed = state.begun + 1;
              sync.committed();
            } else if (action === 'wait') {
              const wanted = needed;
              const settled = sync.settled();
              if (settled === undefined) expect(state.ended).to.be.at.least(wanted);
              else
                promised.push(
                  settled.then(() => {
                    expect(state.ended).to.be.at.least(wanted);
                  }),
                );
            } else if (action === 'end') end();
            else await turn();
          }
          for (let left = 0; left < 3; left += 1) {
            await turn();
            end();
          }
          await Promise.all(promised);
          await turn();
          expect(sync.settled()).to.equal(undefined);
        },
      ),
    );
  });

  it('need one sync for all that come before it begins, and one for all that come meanwhile', async () => {
    const { file, state, end } = slowFile();
    let begin: () => void = () => undefined;
    const sync = shareSyncs(file, {
      gather: (then) => {
        begin = then;
      },
    });
    for (let commit = 0; commit < 100; commit += 1) sync.committed();
    await turn();
    expect(state.begun).to.equal(0);
    begin();
    await turn();
    expect(state.begun).to.equal(1);
    for (let commit = 0; commit < 100; commit += 1) sync.committed();
    end();
    await turn();
    begin();
    await turn();
    end();
    await sync.settled();
    expect(state.begun).to.equal(2);
  });

  it('are never settled again after a sync has failed', async () => {
    const { file, state, fail } = slowFile();
    const sync = shareSyncs(file);
    sync.committed();
    const first = sync.settled();
    await turn();
    sync.committed();
    const second = sync.settled();
    fail();
    for (const settled of [first, second]) {
      const error = await settled?.catch((thrown: unknown) => thrown);
      expect(String(error)).to.match(/what is on the disk is not known/);
    }
    sync.committed();
    expect(await sync.settled()?.catch((error: Error) => error.message)).to.match(/not known/);
    await turn();
    expect(state.begun).to.equal(1);
  });

  it('close the file at once, or when the syncs under way are done', async () => {
    const idle = slowFile();
    shareSyncs(idle.file).close();
    expect(idle.state.closed).to.equal(true);

    const busy = slowFile();
    const sync = shareSyncs(busy.file);
    sync.committed();
    await turn();
    sync.committed();
    const settled = sync.settled();
    sync.close();
    busy.end();
    await turn();
    expect(busy.state.closed).to.equal(false);
    busy.end();
    await settled;
    await turn();
    expect(busy.state.closed).to.equal(true);
  });
});
