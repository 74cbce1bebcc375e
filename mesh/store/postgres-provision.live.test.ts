import { expect } from 'chai';
import { machineAmbient } from '../runtime/ambient.js';
import { StartupError } from '../runtime/startup-error.js';
import { createRecordingTracer } from '../telemetry/recording-tracer.js';
import type { FinishedSpan } from '../telemetry/tracer.js';
import { startTestPostgres, type TestPostgres } from '../testing/postgres-server.js';
import { openPostgresPool, type PostgresAccess } from './postgres-pool.js';
import { provisionPostgres } from './postgres-provision.js';
import { openPostgresStore } from './postgres-store.js';
import type { SchemaStep } from './schema-step.js';

describe("services' databases in PostgreSQL", function () {
  this.timeout(60_000);
  const ambient = machineAmbient();
  let server: TestPostgres;
  before(async () => {
    server = await startTestPostgres();
  });
  after(() => server?.end());

  const asSuperuser = async (sql: string) => {
    const pool = openPostgresPool(server.superuser);
    try {
      return (await pool.query(sql)).rows;
    } finally {
      await pool.end();
    }
  };
  const provision = (services: Record<string, string>, password = server.superuser.password) =>
    provisionPostgres({ address: server.superuser.address, password, services, ambient, openWithinMs: 500 });
  const open = (access: PostgresAccess, schema: readonly SchemaStep[] = []) =>
    openPostgresStore({ access, service: 'test', schema, openWithinMs: 500, ...ambient });
  const complaintOf = async (call: Promise<unknown>) => {
    const error = await call.then(
      () => expect.fail('it worked'),
      (thrown: unknown) => thrown,
    );
    expect(error, String(error)).to.be.instanceOf(StartupError);
    const { message } = error as Error;
    expect(message).to.not.include('\n');
    return message;
  };

  it('are closed to the roles of all others', async () => {
    const cart = await server.database('cart');
    const order = await server.database('order');
    const store = await open(cart);
    const complaint = await complaintOf(open({ ...cart, database: order.database }));
    expect(complaint).to.match(/permission denied for database "meshmart_order"/);
    await store.close();
  });

  it('compare texts by their bytes', async () => {
    const store = await open(await server.database('bytes'), ['CREATE TABLE names (name TEXT PRIMARY KEY)']);
    const names = ['a', 'Z', '~', 'é', '_'];
    for (const name of names)
      await store.commit({ statements: [{ sql: 'INSERT INTO names (name) VALUES (?)', values: [name] }] });
    const sorted = await store.query({ sql: 'SELECT name FROM names ORDER BY name' });
    expect(sorted.map(({ name }) => name)).to.deep.equal(['Z', '_', 'a', '~', 'é']);
    await store.close();
  });

  it('are made once, and their passwords set anew', async () => {
    const access = await server.database('again');
    const store = await open(access, ['CREATE TABLE kept (id TEXT)']);
    await store.close();
    await provision({ again: 'another-password' });
    expect(await complaintOf(open(access)))
      .to.match(/password authentication failed/)
      .and.not.include('test-password');
    const reopened = await open({ ...access, password: () => 'another-password' }, [
      'CREATE TABLE kept (id TEXT)',
    ]);
    expect(await reopened.query({ sql: 'SELECT * FROM kept' })).to.deep.equal([]);
    await reopened.close();
  });

  it('are not made with a wrong password, nor by one who may not', async () => {
    expect(await complaintOf(provision({ no: 'x' }, () => 'wrong'))).to.match(
      /password authentication failed/,
    );
    await server.database('weak');
    const weak = { ...server.superuser.address, admin: 'meshmart_weak', database: 'meshmart_weak' };
    const attempt = provisionPostgres({
      address: weak,
      password: () => 'test-password',
      services: { no: 'x' },
      ambient,
    });
    expect(await complaintOf(attempt)).to.match(/permission denied.*give meshmart_weak the right/);
  });

  it('are not made in a server that would lose what it acknowledged', async () => {
    await asSuperuser('ALTER SYSTEM SET fsync = off');
    await asSuperuser('SELECT pg_reload_conf()');
    try {
      expect(await complaintOf(provision({ no: 'x' }))).to.match(
        /fsync = off: it would lose.*set fsync = on/,
      );
    } finally {
      await asSuperuser('ALTER SYSTEM RESET fsync');
      await asSuperuser('SELECT pg_reload_conf()');
    }
  });

  it('are not taken when they compare texts in another way', async () => {
    await asSuperuser(
      "CREATE DATABASE meshmart_other TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'",
    );
    expect(await complaintOf(provision({ other: 'x' }))).to.match(/encoding SQL_ASCII/);
  });

  it('refuse a released step that was changed, and undo all steps when one is wrong', async () => {
    const access = await server.database('steps');
    const steps = ['CREATE TABLE one (id TEXT)', 'CREATE TABLE two (id TEXT)'];
    expect(await complaintOf(open(access, [...steps, 'CREATE NONSENSE']))).to.match(/step 3 .*syntax error/);
    await (await open(access, steps)).close();
    expect(await complaintOf(open(access, ['CREATE TABLE one (id TEXT)', 'CREATE TABLE two (id INTEGER)'])))
      .to.include('step 2')
      .and.include('meshmart_steps');
    const store = await open(access, [
      ...steps,
      { sqlite: 'not for us', postgres: 'CREATE TABLE three (id TEXT)' },
    ]);
    expect(await store.query({ sql: 'SELECT * FROM three' })).to.deep.equal([]);
    await store.close();
  });

  it('are waited for, and missed in one line that names them', async () => {
    const access = await server.database('late');
    const missing = { ...access, address: { ...access.address, port: 1 } };
    expect(await complaintOf(open(missing))).to.match(
      /^the database meshmart_late of test at 127\.0\.0\.1:1 can't be used/,
    );
  });

  it('tell their work in spans of the trace', async () => {
    const spans: FinishedSpan[] = [];
    const tracer = createRecordingTracer({
      ...ambient,
      service: 'test',
      sinks: [(span) => void spans.push(span)],
    });
    const store = await openPostgresStore({
      access: await server.database('spans'),
      service: 'test',
      schema: [],
      tracer,
      ...ambient,
    });
    const trace = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), sampled: true };
    await store.query({ sql: 'SELECT 1 AS one' }, trace);
    await store.query({ sql: 'SELECT 1 AS one' });
    expect(spans).to.have.length(1);
    expect(spans[0]).to.deep.include({
      name: 'postgresql query',
      kind: 'client',
      parentSpanId: trace.spanId,
    });
    expect(spans[0]?.attributes).to.deep.include({ 'db.system.name': 'postgresql', 'db.namespace': 'test' });
    await store.close();
  });
});
