import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.js';
import { openSqliteDatabase } from './sqlite-database.js';

/** Creates the file and keeps it to itself for a while, as another instance does that makes its tables. */
const otherInstance = `
  const { workerData, parentPort } = require('node:worker_threads');
  const { DatabaseSync } = require('@photostructure/sqlite');
  const connection = new DatabaseSync(workerData.path);
  connection.exec('BEGIN EXCLUSIVE; CREATE TABLE theirs (id TEXT)');
  parentPort.postMessage('locked');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  connection.exec('COMMIT');
  connection.close();
`;

describe('a SQLite database', () => {
  let folder: TemporaryFolder;
  before(() => {
    folder = temporaryFolder();
  });
  after(() => folder.remove());

  it('waits at its opening for another instance that is making the same new file', async () => {
    const path = join(folder.path, 'shared.db');
    const worker = new Worker(otherInstance, { eval: true, workerData: { path }, execArgv: [] });
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    const database = openSqliteDatabase(path);
    try {
      expect(database.prepare('PRAGMA journal_mode').get()).to.deep.equal({ journal_mode: 'wal' });
      expect(database.prepare('SELECT COUNT(*) AS rows FROM theirs').get()).to.deep.equal({ rows: 0 });
    } finally {
      database.close();
      await ended;
    }
  });
});
