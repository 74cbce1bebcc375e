import { kill } from 'node:process';
import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import { machineAmbient } from '../runtime/ambient.js';
import { createRecordingTracer } from '../telemetry/recording-tracer.js';
import type { FinishedSpan } from '../telemetry/tracer.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { startTestRedis, type TestRedis } from '../testing/redis-server.js';
import { testCommand } from '../testing/test-context.js';
import { bytesOf } from './contract-suite.js';
import { documentsContract } from './document-suite.js';
import type { Documents } from './documents.js';
import { openRedis, type Redis } from './redis-connection.js';
import { openRedisDocuments } from './redis-documents.js';

describe('documents in Redis', function () {
  this.timeout(60_000);
  const ambient = machineAmbient();
  let server: TestRedis;
  let connections: Redis[] = [];
  before(async () => {
    server = await startTestRedis();
  });
  after(() => server?.end());
  afterEach(() => {
    for (const connection of connections) connection.disconnect();
    connections = [];
  });

  const connect = () => {
    const redis = openRedis({ url: server.url, name: 'test', log: collectingLog() });
    connections.push(redis);
    return redis;
  };
  const open = (service = 'cart'): Documents =>
    openRedisDocuments({ redis: connect(), service, timers: ambient.timers });
  const failureOf = async (call: Promise<unknown>) => {
    const startedMs = performance.now();
    const error = await call.then(
      () => expect.fail('it worked'),
      (thrown: unknown) => thrown,
    );
    if (!MeshError.is(error)) throw error;
    return { code: error.code, reason: error.reason, afterMs: performance.now() - startedMs };
  };

  documentsContract('in Redis', async () => {
    await connect().flushall();
    return {
      instances: [open(), open(), open()],
      pass: (ms) => ambient.timers.sleep(ms),
      close: async () => undefined,
    };
  });

  it("are each service's own, under one hash tag, and what is remembered expires", async () => {
    const redis = connect();
    await redis.flushall();
    await open('cart').commit({
      changes: [{ key: 'a', expectedVersion: 0, data: bytesOf('x') }],
      inbox: { consumer: 'cart', messageId: 'order-1' },
      command: { ...testCommand('k'), response: bytesOf('y') },
    });
    expect(await open('users').load('a')).to.equal(undefined);
    const keys = await redis.keys('*');
    expect(keys).to.have.length(3);
    for (const key of keys) {
      expect(key).to.match(/^meshmart:\{cart\}:/);
      const days = Math.ceil((await redis.pttl(key)) / 86_400_000);
      expect(days, key).to.equal(key.includes(':document:') ? 0 : 7);
    }
  });

  it('have every acknowledged commit, wholly, after Redis was killed under writers, and go on', async () => {
    await connect().flushall();
    const writers = [open(), open(), open(), open()];
    const acknowledged = new Map<string, number>();
    let next = 0;
    for (let life = 0; life < 4; life += 1) {
      let alive = true;
      const work = writers.map(async (documents, writer) => {
        while (alive) {
          next += 1;
          const key = `${writer}`;
          try {
            const before = await documents.load(key);
            const expectedVersion = before?.version ?? 0;
            const number = next;
            await documents.commit({
              changes: [
                { key, expectedVersion, data: bytesOf(`${number}`) },
                { key: `${writer}-mark-${number}`, expectedVersion: 0, data: bytesOf('x') },
              ],
              inbox: { consumer: 'c', messageId: `${writer}-${number}` },
              command: { ...testCommand(`${writer}-${number}`), response: bytesOf(`${number}`) },
            });
            acknowledged.set(`${writer}-${number}`, expectedVersion + 1);
          } catch (error) {
            expect(MeshError.is(error) && error.code).to.equal('UNAVAILABLE');
          }
        }
      });
      const goal = acknowledged.size + 100;
      await eventually(() => acknowledged.size >= goal, { withinMs: 15_000, what: 'commits in this life' });
      await server.kill();
      alive = false;
      await Promise.all(work);
      await server.start();
    }
    const documents = open();
    for (const [id, version] of acknowledged) {
      const [writer = ''] = id.split('-');
      expect(await documents.inboxHas('c', id)).to.equal(true);
      expect((await documents.findCommand(testCommand(id)))?.response).to.not.equal(undefined);
      expect(await documents.load(`${writer}-mark-${id.slice(writer.length + 1)}`)).to.not.equal(undefined);
      expect((await documents.load(writer))?.version).to.be.at.least(version);
    }
    // Wholly or not at all: marks, inbox rows and commands are as many as versions.
    const redis = connect();
    const versions = await Promise.all(
      writers.map(async (_, writer) => (await documents.load(`${writer}`))?.version ?? 0),
    );
    const written = versions.reduce((sum, version) => sum + version, 0);
    for (const kind of ['document:*-mark-*', 'inbox:*', 'command:*']) {
      expect(await redis.keys(`meshmart:{cart}:${kind}`), kind).to.have.length(written);
    }
  });

  it('are UNAVAILABLE in time while Redis is away, and come back by themselves, without what was refused', async () => {
    const documents = open();
    await documents.probe();
    const change = (expectedVersion: number, text: string) => ({
      changes: [{ key: 'away', expectedVersion, data: bytesOf(text) }],
    });
    await documents.commit(change(0, 'before'));
    await server.kill();
    // What is sent before the connection is seen to be gone waits for its answer in vain.
    await eventually(() => connections.at(-1)?.status !== 'ready', { what: 'the connection to be gone' });
    for (const call of [
      () => documents.load('away'),
      () => documents.commit(change(1, 'refused')),
      () => documents.findCommand(testCommand('k')),
      () => documents.inboxHas('c', 'm'),
      () => documents.probe(),
    ]) {
      const failure = await failureOf(call());
      expect(failure).to.deep.include({ code: 'UNAVAILABLE', reason: 'STORAGE_UNAVAILABLE' });
      expect(failure.afterMs).to.be.below(700);
    }
    await server.start();
    const found = await eventually(() => documents.load('away'), { withinMs: 3_000 });
    expect(Buffer.from(found?.data ?? []).toString()).to.equal('before');
    // Its scripts are gone with the old process.
    await documents.commit(change(1, 'after'));
    expect((await documents.load('away'))?.version).to.equal(2);
  });

  it('know their script again when Redis has forgotten it', async () => {
    const documents = open();
    const redis = connect();
    await redis.flushall();
    for (const expectedVersion of [0, 1, 2]) {
      await documents.commit({ changes: [{ key: 's', expectedVersion, data: bytesOf('x') }] });
      await redis.script('FLUSH');
    }
    expect((await documents.load('s'))?.version).to.equal(3);
  });

  it('are UNAVAILABLE within a second while Redis hangs', async () => {
    const redis = connect();
    const documents = open();
    await documents.probe();
    const pid = Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1]);
    kill(pid, 'SIGSTOP');
    try {
      const failure = await failureOf(documents.load('a'));
      expect(failure.code).to.equal('UNAVAILABLE');
      expect(failure.afterMs).to.be.below(1_000);
    } finally {
      kill(pid, 'SIGCONT');
    }
    await eventually(() => documents.probe().then(() => true), { withinMs: 3_000 });
  });

  it('put a span around the work of a trace', async () => {
    const spans: FinishedSpan[] = [];
    const tracer = createRecordingTracer({
      ...ambient,
      service: 'cart',
      sinks: [(span) => void spans.push(span)],
    });
    const documents = openRedisDocuments({
      redis: connect(),
      service: 'cart',
      timers: ambient.timers,
      tracer,
    });
    const trace = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), sampled: true };
    await documents.load('a', trace);
    await documents.load('a');
    expect(spans).to.have.length(1);
    expect(spans[0]).to.deep.include({ name: 'redis load', kind: 'client', parentSpanId: trace.spanId });
    expect(spans[0]?.attributes).to.deep.include({ 'db.system.name': 'redis', 'db.namespace': 'cart' });
  });
});
