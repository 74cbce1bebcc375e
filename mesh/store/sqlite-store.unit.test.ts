import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { machineAmbient } from '../runtime/ambient.js';
import { StartupError } from '../runtime/startup-error.js';
import type { SpanStart } from '../telemetry/tracer.js';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.js';
import { appending, conflictOf, type StoreSetup, storeContract } from './contract-suite.js';
import { answerOnceContract } from './idempotent-suite.js';
import { leaseContract } from './lease-suite.js';
import { openLogFile } from './log-file.js';
import { purgeContract } from './purge-suite.js';
import { rebuildContract } from './rebuild-suite.js';
import { openSqliteStore } from './sqlite-store.js';
import type { Store } from './store.js';

const { clock } = machineAmbient();

function setup(
  pathOf: (name: string) => string,
  remove: () => void,
  openLog?: typeof openLogFile,
): StoreSetup {
  const opened: Store[] = [];
  return {
    open: async (name, schema, clock = machineAmbient().clock) => {
      const store = openSqliteStore({ path: pathOf(name), service: name, schema, clock, openLog });
      opened.push(store);
      return store;
    },
    close: async () => {
      // A store that a test has closed is closed: there is no more to it.
      for (const store of opened) await store.close().catch(() => undefined);
      remove();
    },
  };
}

storeContract('SQLite in a file', true, () => {
  const folder = temporaryFolder();
  return setup(
    (name) => join(folder.path, `${name}.db`),
    () => folder.remove(),
  );
});

storeContract('SQLite in a file, its commits synced together', true, () => {
  const folder = temporaryFolder();
  return setup(
    (name) => join(folder.path, `${name}.db`),
    () => folder.remove(),
    openLogFile,
  );
});

const inMemory = () =>
  setup(
    () => ':memory:',
    () => undefined,
  );
storeContract('SQLite in memory', false, inMemory);
leaseContract('SQLite', inMemory);
answerOnceContract('SQLite', inMemory);
purgeContract('SQLite', inMemory);
rebuildContract('SQLite', inMemory);

describe('opening a SQLite store', () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  const open = (path: string, schema: readonly string[] = []) =>
    openSqliteStore({ path, service: 'test', schema, clock });
  const failure = (path: string, schema?: readonly string[]): string => {
    try {
      void open(path, schema).close();
    } catch (error) {
      if (error instanceof StartupError) return error.message;
      throw error;
    }
    return expect.fail(`${path} was opened`);
  };

  it('applies each step of the schema once, later ones to what is there', async () => {
    const path = join(folder.path, 'a.db');
    const steps = ['CREATE TABLE one (id TEXT)', "INSERT INTO one (id) VALUES ('planted')"];
    await open(path, steps).close();
    const store = open(path, [...steps, 'ALTER TABLE one ADD COLUMN size INTEGER']);
    expect(await store.query({ sql: 'SELECT id, size FROM one' })).to.deep.equal([
      { id: 'planted', size: null },
    ]);
    await store.close();
  });

  it('refuses a step that was changed since, and names it', async () => {
    const path = join(folder.path, 'a.db');
    await open(path, ['CREATE TABLE one (id TEXT)', 'CREATE TABLE two (id TEXT)']).close();
    expect(failure(path, ['CREATE TABLE one (id TEXT)', 'CREATE TABLE two (id INTEGER)']))
      .to.include('step 2')
      .and.include(path);
  });

  it('undoes all steps when one of them is wrong', async () => {
    const path = join(folder.path, 'a.db');
    expect(failure(path, ['CREATE TABLE one (id TEXT)', 'CREATE NONSENSE'])).to.include(path);
    await open(path, ['CREATE TABLE one (id TEXT)']).close();
  });

  it('says in one line which file is no database', () => {
    const path = folder.write(
      'a.db',
      'a text that is long enough to be taken for a header of something else'.repeat(20),
    );
    expect(failure(path)).to.include(path).and.not.include('\n');
  });

  it('says in one line which file is damaged', async () => {
    const path = join(folder.path, 'a.db');
    await open(path, ['CREATE TABLE one (id TEXT)']).close();
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0xff, 100));
    expect(failure(path)).to.include(path).and.not.include('\n');
  });

  it('says which path can not be opened', () => {
    expect(failure(folder.path)).to.include(folder.path);
    expect(failure(join(folder.path, 'missing', 'a.db'))).to.include('missing');
  });

  it('puts a span around the operations of a trace, and none around others', async () => {
    const started: SpanStart[] = [];
    const ends: (string | undefined)[] = [];
    const trace = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), sampled: true };
    const store = openSqliteStore({
      path: ':memory:',
      service: 'test',
      schema: [],
      clock,
      tracer: {
        start: (span) => {
          started.push(span);
          return {
            context: trace,
            setAttribute: () => undefined,
            addEvent: () => undefined,
            end: (error) => ends.push(error),
          };
        },
      },
    });
    await store.query({ sql: 'SELECT 1 AS one' });
    await store.query({ sql: 'SELECT 1 AS one' }, trace);
    await store.commit({ ...appending('a', 0, 'one'), trace });
    await conflictOf(store.commit({ ...appending('a', 0, 'again'), trace }));
    await store.query({ sql: 'SELECT nonsense' }, trace).catch(() => undefined);
    expect(started.map((span) => span.name)).to.deep.equal([
      'sqlite query',
      'sqlite commit',
      'sqlite commit',
      'sqlite query',
    ]);
    expect(started[0]).to.deep.include({ kind: 'client', parent: trace });
    expect(started[0]?.attributes).to.deep.equal({ 'db.system.name': 'sqlite', 'db.namespace': 'test' });
    expect(ends).to.deep.equal([undefined, undefined, undefined, 'STORAGE_UNAVAILABLE']);
    await store.close();
  });
});
