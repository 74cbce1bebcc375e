import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { expect } from 'chai';
import { machineAmbient } from '../runtime/ambient.js';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.js';
import { openSqliteStore } from './sqlite-store.js';
import type { Store } from './store.js';

describe('a SQLite store whose file another process holds', () => {
  let folder: TemporaryFolder;
  let store: Store;
  let other: InstanceType<typeof DatabaseSync>;

  beforeEach(() => {
    folder = temporaryFolder();
    const { clock, timers } = machineAmbient();
    const path = join(folder.path, 'held.db');
    store = openSqliteStore({
      path,
      service: 'held',
      schema: ['CREATE TABLE things (id TEXT PRIMARY KEY)'],
      clock,
      timers,
    });
    other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
  });
  afterEach(async () => {
    other.close();
    await store.close();
    folder.remove();
  });

  const add = (id: string) =>
    store.commit({ statements: [{ sql: 'INSERT INTO things (id) VALUES (?)', values: [id] }] });
  const things = async () =>
    (await store.query({ sql: 'SELECT id FROM things ORDER BY id' })).map(({ id }) => id);

  it('writes when it is let go, and answers reads and everybody else meanwhile', async () => {
    const adding = Promise.all(['a', 'b', 'c'].map(add));
    let turns = 0;
    const turning = setInterval(() => {
      turns += 1;
    }, 1);
    expect(await things()).to.deep.equal([]);
    setTimeout(() => other.exec('ROLLBACK'), 300);
    await adding;
    clearInterval(turning);
    expect(await things()).to.deep.equal(['a', 'b', 'c']);
    // Three writes that block for as long as they may would leave no turn but these of the reads.
    expect(turns).to.be.greaterThan(30);
  });

  it('says that storage is unavailable when it is held for longer than half a second, and has written nothing', async () => {
    const error = await add('late').catch((cause: unknown) => cause);
    expect(error).to.include({ code: 'UNAVAILABLE', reason: 'STORAGE_UNAVAILABLE' });
    other.exec('ROLLBACK');
    expect(await things()).to.deep.equal([]);
    await add('again');
    expect(await things()).to.deep.equal(['again']);
  });
});
