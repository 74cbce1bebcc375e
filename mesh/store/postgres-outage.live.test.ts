import { kill } from 'node:process';
import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import { machineAmbient } from '../runtime/ambient.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { forgetfulProxy } from '../testing/forgetful-proxy.js';
import { startTestPostgres, type TestPostgres } from '../testing/postgres-server.js';
import { testCommand } from '../testing/test-context.js';
import { appending, bytesOf, conflictOf, suiteSchema } from './contract-suite.js';
import { writeBatch } from './postgres-batch.js';
import { sqlStateOf } from './postgres-errors.js';
import { openPostgresPool, type PostgresAccess } from './postgres-pool.js';
import { createStatementNames, inTransaction, sessionOn } from './postgres-session.js';
import { openPostgresStore } from './postgres-store.js';
import type { Batch, Store } from './store.js';

describe('a store in a PostgreSQL that fails', function () {
  this.timeout(120_000);
  const ambient = machineAmbient();
  let server: TestPostgres;
  let access: PostgresAccess;
  let stores: Store[] = [];
  let log = collectingLog();
  let databases = 0;
  before(async () => {
    server = await startTestPostgres();
  });
  after(() => server?.end());
  beforeEach(async () => {
    databases += 1;
    log = collectingLog();
    access = await server.database(`outage-${databases}`);
  });
  afterEach(async () => {
    for (const store of stores) await store.close().catch(() => undefined);
    stores = [];
  });

  const open = async (way = access, bound: { readonly withinMs?: number } = {}) => {
    const store = await openPostgresStore({
      access: way,
      service: 'test',
      schema: suiteSchema,
      log,
      ...bound,
      ...ambient,
    });
    stores.push(store);
    return store;
  };
  /** For what is not about the bound of an answer. */
  const openPatient = () => open(access, { withinMs: 20_000 });
  const failureOf = async (call: Promise<unknown>) => {
    const startedMs = performance.now();
    const error = await call.then(
      () => expect.fail('it worked'),
      (thrown: unknown) => thrown,
    );
    if (!MeshError.is(error)) throw error;
    const { code, reason, message } = error;
    return { code, reason, message, afterMs: performance.now() - startedMs };
  };
  const numbered = (number: number): Batch => ({
    ...appending(`order-${number}`, 0, 'placed', 'paid'),
    statements: [{ sql: 'INSERT INTO shelf (id, quantity) VALUES (?, ?)', values: [`${number}`, number] }],
    outbox: [{ type: 'test.Noted', key: `${number}`, data: bytesOf(`${number}`) }],
    inbox: { consumer: 'c', messageId: `m${number}` },
    command: { ...testCommand(`k${number}`), response: bytesOf(`${number}`) },
  });

  it('has every acknowledged batch after kill -9 under writers, each wholly or not at all, and goes on', async () => {
    const writers = await Promise.all([open(), open(), open()]);
    const acknowledged: number[] = [];
    let next = 0;
    for (let life = 0; life < 3; life += 1) {
      let alive = true;
      const work = writers.map(async (store) => {
        while (alive) {
          next += 1;
          const number = next;
          try {
            await store.commit(numbered(number));
            acknowledged.push(number);
          } catch (error) {
            expect(MeshError.is(error) && error.reason, String(error)).to.equal('STORAGE_UNAVAILABLE');
          }
        }
      });
      const goal = acknowledged.length + 60;
      await eventually(() => acknowledged.length >= goal, { withinMs: 30_000, what: 'commits in this life' });
      await server.kill();
      alive = false;
      await Promise.all(work);
      await server.start();
    }
    const store = await openPatient();
    const rows = await store.query({ sql: 'SELECT quantity FROM shelf ORDER BY quantity' });
    const written = rows.map((row) => Number(row['quantity']));
    expect(written).to.include.members(acknowledged);
    for (const number of written) {
      expect(await store.readStream(`order-${number}`)).to.have.length(2);
      expect(await store.inboxHas('c', `m${number}`)).to.equal(true);
      expect((await store.findCommand(testCommand(`k${number}`)))?.response).to.not.equal(undefined);
    }
    const outbox = await store.unpublished(100_000);
    expect(outbox.map(({ key }) => Number(key)).sort((one, other) => one - other)).to.deep.equal(written);
    const [events] = await store.query({ sql: 'SELECT COUNT(*) AS count FROM mesh_events' });
    expect(events).to.deep.equal({ count: 2 * written.length });
  });

  it('is UNAVAILABLE in time while it is away, and comes back by itself, without what was refused', async () => {
    const store = await open();
    await store.commit(numbered(1));
    await server.kill();
    for (const call of [
      () => store.query({ sql: 'SELECT 1 AS one' }),
      () => store.commit(numbered(2)),
      () => store.findCommand(testCommand('k1')),
      () => store.unpublished(1),
      () => store.probe(),
    ]) {
      const failure = await failureOf(call());
      expect(failure).to.include({ code: 'UNAVAILABLE', reason: 'STORAGE_UNAVAILABLE' });
      expect(failure.message)
        .to.include('nothing was changed')
        .and.not.match(/127\.0\.0\.1|ECONN|postgres/i);
      expect(failure.afterMs).to.be.below(900);
    }
    await server.start();
    await eventually(() => store.probe().then(() => true), { withinMs: 5_000 });
    expect(await store.query({ sql: 'SELECT id FROM shelf' })).to.deep.equal([{ id: '1' }]);
    await store.commit(numbered(2));
    const told = log.lines.map(({ message }) => message);
    expect(told).to.deep.equal(['PostgreSQL is away', 'PostgreSQL is back']);
  });

  it('is UNAVAILABLE within a second while it hangs', async () => {
    const store = await open();
    await store.probe();
    const backends = await backendsOf(server, access.database);
    for (const pid of backends) kill(pid, 'SIGSTOP');
    try {
      const failure = await failureOf(store.query({ sql: 'SELECT 1 AS one' }));
      expect(failure.code).to.equal('UNAVAILABLE');
      expect(failure.afterMs).to.be.within(500, 1_300);
    } finally {
      for (const pid of backends) kill(pid, 'SIGCONT');
    }
    await eventually(() => store.probe().then(() => true), { withinMs: 5_000 });
  });

  it('ends while it hangs, also amid work that was given up', async () => {
    const store = await open();
    await store.probe();
    const backends = await backendsOf(server, access.database);
    for (const pid of backends) kill(pid, 'SIGSTOP');
    try {
      await failureOf(store.commit(numbered(1)));
      const askedMs = performance.now();
      await store.close();
      expect(performance.now() - askedMs).to.be.below(3_000);
    } finally {
      for (const pid of backends) kill(pid, 'SIGCONT');
    }
    stores = [];
    const again = await open();
    expect(await again.query({ sql: 'SELECT id FROM shelf' })).to.deep.equal([]);
  });

  it('writes nothing of a batch whose BEGIN has failed', async () => {
    await open();
    const pool = openPostgresPool(access, { writesOnlyInTransactions: true });
    const client = await pool.connect();
    const session = sessionOn(client, createStatementNames());
    try {
      // As it is when statements are on their way already.
      const failed = client.query('BEGIN BADLY').catch(sqlStateOf);
      const written = session.run("INSERT INTO shelf (id, quantity) VALUES ('tea', 1)").catch(sqlStateOf);
      expect([await failed, await written]).to.deep.equal(['42601', '25006']);
      await inTransaction(client, { committing: false, abandoned: false }, () =>
        writeBatch(session, numbered(1), 0),
      );
      expect((await client.query('SELECT id FROM shelf')).rows).to.deep.equal([{ id: '1' }]);
    } finally {
      client.release();
      await pool.end();
    }
  });

  it('keeps its connections when it is slow, and writes nothing of what was given up', async () => {
    const store = await open();
    await store.commit({ statements: [{ sql: "INSERT INTO shelf (id, quantity) VALUES ('tea', 1)" }] });
    const take = (number: number): Batch => ({
      statements: [
        { sql: 'INSERT INTO shelf (id, quantity) VALUES (?, 0)', values: [`${number}`] },
        { sql: "UPDATE shelf SET quantity = quantity + 1 WHERE id = 'tea'" },
        { sql: 'INSERT INTO shelf (id, quantity) VALUES (?, 0)', values: [`${number} again`] },
      ],
    });
    // As many as a pool has connections, so that none is made for what comes after.
    const numbers = Array.from({ length: 10 }, (_, index) => index + 1);
    await Promise.all(
      numbers.map((number) => store.commit({ statements: take(number).statements?.slice(0, 1) ?? [] })),
    );
    await store.commit({ statements: [{ sql: "DELETE FROM shelf WHERE id <> 'tea'" }] });
    const pool = openPostgresPool(access);
    const slow = await pool.connect();
    try {
      const backends = await backendsOf(server, access.database);
      await slow.query('BEGIN');
      await slow.query("UPDATE shelf SET quantity = 0 WHERE id = 'tea'");
      const failures = await Promise.all(numbers.map((number) => failureOf(store.commit(take(number)))));
      for (const { message } of failures) expect(message).to.include('nothing was changed');
      await slow.query('ROLLBACK');
      await eventually(() => store.commit(take(11)).then(() => true), { withinMs: 5_000 });
      expect(await store.query({ sql: 'SELECT id, quantity FROM shelf ORDER BY id' })).to.deep.equal([
        { id: '11', quantity: 0 },
        { id: '11 again', quantity: 0 },
        { id: 'tea', quantity: 2 },
      ]);
      expect(await backendsOf(server, access.database)).to.have.members(backends);
    } finally {
      slow.release(true);
      await pool.end();
    }
  });

  it('says that nobody knows when the answer to a commit is lost; repeating it is safe', async () => {
    const direct = await open();
    const proxy = await forgetfulProxy(access.address);
    const store = await open({ ...access, address: { ...access.address, port: proxy.port } });
    try {
      await store.probe();
      // What comes back after the next COMMIT goes nowhere: it was carried out, and the connection breaks.
      proxy.forgetAfter('COMMIT');
      const failure = await failureOf(store.commit(numbered(1)));
      expect(failure).to.include({ code: 'UNAVAILABLE', reason: 'STORAGE_UNAVAILABLE' });
      expect(failure.message).to.include('not known');
      expect(proxy.hasForgotten()).to.equal(true);
      // The answer may be late before it is lost.
      await eventually(() => direct.inboxHas('c', 'm1'), { what: 'the batch to be there' });
      expect(await conflictOf(store.commit(numbered(1)))).to.deep.equal(['inbox', 'm1']);
      expect(await direct.query({ sql: 'SELECT quantity FROM shelf' })).to.deep.equal([{ quantity: 1 }]);
      // Its messages are relayed by whoever looks: they may not have to wait for the sweep.
      expect(await store.unpublished(10)).to.have.length(1);
    } finally {
      await proxy.end();
    }
  });

  it('does again what was lost before COMMIT, unnoticed', async () => {
    const proxy = await forgetfulProxy(access.address);
    const store = await open({ ...access, address: { ...access.address, port: proxy.port } });
    try {
      await store.probe();
      proxy.forgetAfter('mesh_inbox');
      await store.commit(numbered(1));
      expect(proxy.hasForgotten()).to.equal(true);
      expect(await store.query({ sql: 'SELECT quantity FROM shelf' })).to.deep.equal([{ quantity: 1 }]);
      expect(await store.readStream('order-1')).to.have.length(2);
    } finally {
      await proxy.end();
    }
  });

  it('gives the rows of a process that stopped in the middle of a batch to others', async () => {
    const store = await open();
    await store.commit({ statements: [{ sql: "INSERT INTO shelf (id, quantity) VALUES ('tea', 1)" }] });
    const pool = openPostgresPool(access);
    const stopped = await pool.connect();
    try {
      await stopped.query('BEGIN');
      await stopped.query("UPDATE shelf SET quantity = 0 WHERE id = 'tea'");
      const take: Batch = {
        statements: [{ sql: "UPDATE shelf SET quantity = quantity + 1 WHERE id = 'tea'" }],
      };
      expect((await failureOf(store.commit(take))).afterMs).to.be.below(1_300);
      const patient = await openPatient();
      await patient.commit(take);
      expect(await patient.query({ sql: 'SELECT quantity FROM shelf' })).to.deep.equal([{ quantity: 2 }]);
      const error = await stopped.query('COMMIT').catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(Error);
    } finally {
      stopped.release(true);
      await pool.end();
    }
  });
});

/** Processes of the server that serve a database. */
async function backendsOf(server: TestPostgres, database: string): Promise<number[]> {
  const pool = openPostgresPool(server.superuser);
  const { rows } = await pool.query<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE datname = $1', [
    database,
  ]);
  await pool.end();
  return rows.map(({ pid }) => pid);
}
