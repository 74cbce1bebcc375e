import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { MeshError } from '../contract/error.js';
import { machineAmbient } from '../runtime/ambient.js';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.js';
import { appending, bytesOf, suiteSchema } from './contract-suite.js';
import { openLogFile } from './log-file.js';
import { openSqliteStore } from './sqlite-store.js';
import { type Store, StoreConflict } from './store.js';

const { clock } = machineAmbient();
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a SQLite store whose commits are synced together', () => {
  let folder: TemporaryFolder;
  let store: Store;
  /** Syncs that were begun and not ended, oldest first. */
  let syncs: { end(): void; fail(): void }[];
  let begun: number;
  /** What the disk has: the state of the files when the last sync that has ended began. */
  const disk = () => join(folder.path, 'disk');

  beforeEach(() => {
    folder = temporaryFolder();
    syncs = [];
    begun = 0;
    const path = join(folder.path, 'store.db');
    mkdirSync(disk());
    store = openSqliteStore({
      path,
      service: 'test',
      schema: suiteSchema,
      clock,
      openLog: (log) => {
        const file = openLogFile(log);
        return {
          ...file,
          sync: () =>
            new Promise((resolve, reject) => {
              begun += 1;
              for (const suffix of ['', '-wal'])
                copyFileSync(`${path}${suffix}`, join(disk(), `${begun}.db${suffix}`));
              syncs.push({ end: resolve, fail: () => reject(new Error('EIO')) });
            }),
        };
      },
    });
  });
  afterEach(async () => {
    await store.close();
    folder.remove();
  });

  const commit = (id: string) =>
    store.commit({
      ...appending(id, 0, 'placed'),
      outbox: [{ type: 'test.Noted', key: id, data: bytesOf(id) }],
      inbox: { consumer: 'c', messageId: id },
    });
  /** Whether it resolves or rejects without any further sync. */
  const isSettled = async (work: Promise<unknown>) => {
    let settled = false;
    const note = () => {
      settled = true;
    };
    work.then(note, note);
    await turn();
    await turn();
    return settled;
  };
  /** Ends what is under way and what begins then, until nothing does. */
  const endAll = async () => {
    for (let quietTurns = 0; quietTurns < 3; quietTurns += 1) {
      if (syncs.length > 0) quietTurns = 0;
      syncs.shift()?.end();
      await turn();
    }
  };

  it('resolves a commit when it is on the disk, and tells of its messages then', async () => {
    await endAll();
    let told = 0;
    store.onOutbox(() => {
      told += 1;
    });
    const work = commit('a');
    expect(await isSettled(work)).to.equal(false);
    expect(told).to.equal(0);
    await endAll();
    await work;
    expect(told).to.equal(1);
  });

  it('shares a sync among all that are committed together, or while another is under way', async () => {
    await endAll();
    const before = begun;
    const works = Array.from({ length: 20 }, (_, number) => commit(`s${number}`));
    await turn();
    await turn();
    expect(begun - before).to.equal(1);
    works.push(...Array.from({ length: 20 }, (_, number) => commit(`t${number}`)));
    await endAll();
    await Promise.all(works);
    expect(begun - before).to.equal(2);
  });

  it('lets nobody read, and nobody meet a conflict with, what is not on the disk', async () => {
    await endAll();
    const first = commit('a');
    await turn();
    const seen = [
      store.readStream('a'),
      store.inboxHas('c', 'a'),
      store.unpublished(10),
      store.query({ sql: 'SELECT * FROM mesh_inbox' }),
      commit('a'),
    ];
    for (const work of seen) expect(await isSettled(work)).to.equal(false);
    await endAll();
    await first;
    const outcomes = await Promise.allSettled(seen);
    expect(outcomes.slice(0, 4).map(({ status }) => status)).to.deep.equal(Array(4).fill('fulfilled'));
    expect((outcomes[4] as PromiseRejectedResult).reason).to.be.instanceOf(StoreConflict);
    // Nothing is under way: reading waits for nothing.
    expect(await isSettled(store.readStream('a'))).to.equal(true);
  });

  it('is of no more use after a sync has failed: nobody knows what the disk has', async () => {
    await endAll();
    const work = commit('a');
    const failure = work.catch((error: unknown) => error);
    await turn();
    await turn();
    syncs.shift()?.fail();
    const uses = [failure, store.readStream('a'), store.probe(), commit('b'), store.unpublished(1)];
    for (const use of uses) {
      const error = await Promise.resolve(use).catch((thrown: unknown) => thrown);
      expect(MeshError.is(error) && error.reason, String(error)).to.equal('STORAGE_UNAVAILABLE');
      expect(String(error)).to.include('it is not known whether anything was changed');
    }
  });

  it('has every acknowledged batch after a loss of power at any moment', async function () {
    this.timeout(20_000);
    await endAll();
    let id = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('commit', 'commit', 'end', 'turn'), { maxLength: 40 }),
        async (actions) => {
          const acknowledged: string[] = [];
          const works: Promise<void>[] = [];
          let ended = begun - syncs.length;
          const end = () => {
            if (syncs.length === 0) return;
            ended += 1;
            syncs.shift()?.end();
          };
          for (const action of actions) {
            if (action === 'commit') {
              id += 1;
              const stream = `p${id}`;
              works.push(commit(stream).then(() => void acknowledged.push(stream)));
            } else if (action === 'end') end();
            else await turn();
          }
          await turn();
          const known = [...acknowledged];
          // Power is lost now. The file alone is the disk when nothing was ever synced, which no run gets to.
          const image = join(disk(), `${ended}.db`);
          if (known.length > 0) {
            expect(existsSync(image)).to.equal(true);
            const after = openSqliteStore({ path: image, service: 'test', schema: suiteSchema, clock });
            for (const stream of known) expect(await after.readStream(stream), stream).to.have.length(1);
            await after.close();
          }
          await endAll();
          await Promise.all(works);
        },
      ),
      { numRuns: 60 },
    );
  });
});
