import { expect } from 'chai';
import { machineAmbient } from '../runtime/ambient.js';
import { startTestPostgres, type TestPostgres } from '../testing/postgres-server.js';
import { appending, bytesOf, conflictOf, suiteSchema } from './contract-suite.js';
import { writeBatch } from './postgres-batch.js';
import { openPostgresPool, type Pool, type PostgresAccess } from './postgres-pool.js';
import { createStatementNames, sessionOn } from './postgres-session.js';
import { openPostgresStore } from './postgres-store.js';
import type { SchemaStep } from './schema-step.js';
import { type Batch, type Store, StoreConflict } from './store.js';

describe('instances that share a store in PostgreSQL', function () {
  this.timeout(120_000);
  const ambient = machineAmbient();
  let server: TestPostgres;
  let access: PostgresAccess;
  let stores: Store[] = [];
  let pool: Pool;
  let databases = 0;
  before(async () => {
    server = await startTestPostgres();
  });
  after(() => server?.end());
  beforeEach(async () => {
    databases += 1;
    access = await server.database(`shared-${databases}`);
    pool = openPostgresPool(access);
  });
  afterEach(async () => {
    for (const store of stores) await store.close();
    stores = [];
    await pool.end();
  });

  const open = async (schema: readonly SchemaStep[] = suiteSchema) => {
    // A machine that does other things as well must not fail a test of the order of things.
    const store = await openPostgresStore({ access, service: 'test', schema, withinMs: 20_000, ...ambient });
    stores.push(store);
    return store;
  };
  const put = (id: string, quantity: number): Batch => ({
    statements: [{ sql: 'INSERT INTO shelf (id, quantity) VALUES (?, ?)', values: [id, quantity] }],
  });
  const add = (id: string, quantity: number) => ({
    sql: 'UPDATE shelf SET quantity = quantity + ? WHERE id = ? AND quantity + ? >= 0',
    values: [quantity, id, quantity],
    changes: 1,
    guard: 'enough',
  });
  const noted = (key: string, text: string): Batch => ({
    outbox: [{ type: 'test.Noted', key, data: bytesOf(text) }],
  });
  const pendingTexts = async (store: Store) =>
    (await store.unpublished(100)).map(({ data }) => Buffer.from(data).toString());

  it('sell ten pieces to exactly ten of three hundred', async () => {
    const instances = await Promise.all([open(), open(), open()]);
    await instances[0]?.commit(put('tea', 10));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 300 }, (_, number) =>
        instances[number % 3]?.commit({
          ...appending(`order-${number}`, 0, 'placed'),
          statements: [add('tea', -1)],
        }),
      ),
    );
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(refused).to.have.length(290);
    for (const reason of refused) expect(reason).to.be.instanceOf(StoreConflict);
    const [events] = (await instances[0]?.query({ sql: 'SELECT COUNT(*) AS count FROM mesh_events' })) ?? [];
    expect(events).to.deep.equal({ count: 10 });
  });

  it('append one after the other to one stream, and lose nothing', async () => {
    const instances = await Promise.all([open(), open(), open()]);
    const append = async (store: Store, text: string) => {
      for (;;) {
        const before = (await store.readStream('a')).length;
        const conflict = await store.commit(appending('a', before, text)).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (conflict === undefined) return;
        expect(String(conflict)).to.include('version conflict on a');
      }
    };
    const texts = Array.from({ length: 45 }, (_, number) => `${number}`);
    await Promise.all(texts.map((text, number) => append(instances[number % 3] as Store, text)));
    const events = (await instances[0]?.readStream('a')) ?? [];
    expect(events.map(({ version }) => version)).to.deep.equal(texts.map((_, index) => index + 1));
    expect(events.map(({ data }) => Buffer.from(data).toString())).to.have.members(texts);
  });

  it('get through batches that want the same rows in opposite orders', async () => {
    const instances = await Promise.all([open(), open()]);
    await instances[0]?.commit({
      statements: [...(put('a', 100).statements ?? []), ...(put('b', 100).statements ?? [])],
    });
    await Promise.all(
      Array.from({ length: 12 }, (_, number) => {
        const [from, to] = number % 2 === 0 ? ['a', 'b'] : ['b', 'a'];
        return instances[number % 2]?.commit({ statements: [add(from as string, -1), add(to as string, 1)] });
      }),
    );
    expect(await instances[0]?.query({ sql: 'SELECT id, quantity FROM shelf ORDER BY id' })).to.deep.equal([
      { id: 'a', quantity: 100 },
      { id: 'b', quantity: 100 },
    ]);
  });

  it('publish the messages of a key in the order of their commits, and find one that came late', async () => {
    const store = await open();
    const client = await pool.connect();
    try {
      // A batch that has taken its number, and is not committed yet.
      await client.query('SET idle_in_transaction_session_timeout = 0');
      await client.query('BEGIN');
      await writeBatch(sessionOn(client, createStatementNames()), noted('k', 'first'), 0);
      await store.commit(noted('other', 'passes'));
      const second = store.commit(noted('k', 'second'));
      const seen = await store.unpublished(100);
      expect(seen.map(({ data }) => Buffer.from(data).toString())).to.deep.equal(['passes']);
      await store.markPublished(seen.map(({ sequence }) => sequence));
      const early = await Promise.race([second.then(() => 'early'), ambient.timers.sleep(300)]);
      expect(early).to.equal(undefined);
      await client.query('COMMIT');
      await second;
      // Both have numbers; that of the first is lower than the one that was published.
      const late = await store.unpublished(100);
      expect(late[0]?.sequence).to.be.below(seen[0]?.sequence as bigint as unknown as number);
      expect(await pendingTexts(store)).to.deep.equal(['first', 'second']);
    } finally {
      client.release();
    }
  });

  it('apply a schema once when they start together', async () => {
    const started = await Promise.all(
      Array.from({ length: 6 }, () =>
        open([...suiteSchema, "INSERT INTO shelf (id, quantity) VALUES ('planted', 1)"]),
      ),
    );
    expect(await started[5]?.query({ sql: 'SELECT id FROM shelf' })).to.deep.equal([{ id: 'planted' }]);
  });

  it('read on when a newer one has added a column to what they read', async () => {
    const older = await open();
    await older.commit(put('tea', 1));
    const all = { sql: 'SELECT * FROM shelf' };
    for (let time = 0; time < 3; time += 1) await older.query(all);
    await open([...suiteSchema, "ALTER TABLE shelf ADD COLUMN note TEXT NOT NULL DEFAULT ''"]);
    expect(await older.query(all)).to.deep.equal([{ id: 'tea', quantity: 1, note: '' }]);
  });

  it('hold up whoever appends while a batch is alone, and it sees all that was appended', async () => {
    const store = await open();
    await store.commit(put('marks', 0));
    const mark = (events: number): Batch => ({
      alone: true,
      statements: [
        {
          sql: "UPDATE shelf SET quantity = quantity + 1 WHERE id = 'marks' AND (SELECT COUNT(*) FROM mesh_events) = ?",
          values: [events],
          changes: 1,
        },
      ],
    });
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await writeBatch(sessionOn(client, createStatementNames()), appending('a', 0, 'one'), 0);
      // It waits for the batch that has begun to append, and then counts its event.
      const alone = conflictOf(store.commit(mark(0)));
      await ambient.timers.sleep(100);
      await client.query('COMMIT');
      expect(await alone).to.deep.equal(['guard', '#0']);
      await store.commit(mark(1));
    } finally {
      client.release();
    }
  });
});
