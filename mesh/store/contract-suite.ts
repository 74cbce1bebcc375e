import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import type { Clock } from '../runtime/ports.js';
import { testCommand } from '../testing/test-context.js';
import { storeModelContract } from './model-suite.js';
import type { SchemaStep } from './schema-step.js';
import { type Batch, type ConflictKind, type SqlValue, type Store, StoreConflict } from './store.js';

/** A kind of store, as its test sets it up. */
export interface StoreSetup {
  /**
   * Opens the store of this name. The same name is the same database again, once it was closed.
   * @param clock default: the machine's.
   */
  open(name: string, schema: readonly SchemaStep[], clock?: Clock): Promise<Store>;
  /** Closes what is open and deletes what is left. */
  close(): Promise<void>;
}

/** The tables that the suite's stores have. */
export const suiteSchema: readonly string[] = [
  'CREATE TABLE shelf (id TEXT PRIMARY KEY, quantity INTEGER NOT NULL)',
  `CREATE TABLE label (number INTEGER PRIMARY KEY, shelf TEXT NOT NULL REFERENCES shelf (id),
    text TEXT UNIQUE CHECK (text <> ''))`,
];

/** An event or message body. */
export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

/** A batch that appends events of the type `test.Noted` to one stream. */
export const appending = (stream: string, expectedVersion: number, ...texts: string[]): Batch => ({
  streams: [
    {
      stream,
      expectedVersion,
      events: texts.map((text) => ({ type: 'test.Noted', data: bytesOf(text) })),
    },
  ],
});

/** The conflict that a commit ends with. */
export async function conflictOf(commit: Promise<void>): Promise<[ConflictKind, string]> {
  const error = await commit.then(
    () => expect.fail('the batch was written'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof StoreConflict)) throw error;
  return [error.kind, error.subject];
}

const put = (id: string, quantity: number) => ({
  sql: 'INSERT INTO shelf (id, quantity) VALUES (?, ?)',
  values: [id, quantity],
});
const take = (id: string, quantity: number) => ({
  sql: 'UPDATE shelf SET quantity = quantity - ? WHERE id = ? AND quantity >= ?',
  values: [quantity, id, quantity],
  changes: 1,
});
const message = (key: string, text: string) => ({ type: 'test.Noted', key, data: bytesOf(text) });

/** What every store does alike. @param durable whether a store that was closed and opened again has everything. */
export function storeContract(name: string, durable: boolean, makeSetup: () => StoreSetup): void {
  describe(`the store: ${name}`, () => {
    let setup: StoreSetup;
    let store: Store;
    beforeEach(async () => {
      setup = makeSetup();
      store = await setup.open('first', suiteSchema);
    });
    afterEach(() => setup.close());

    const textsOf = async (stream: string, after?: number) =>
      (await store.readStream(stream, after)).map((event) => Buffer.from(event.data).toString());
    const shelf = () => store.query({ sql: 'SELECT id, quantity FROM shelf ORDER BY id' });
    const pendingTexts = async (limit = 100) =>
      (await store.unpublished(limit)).map((pending) => Buffer.from(pending.data).toString());

    describe('event streams', () => {
      it('count versions from 1 without gaps, each stream by itself', async () => {
        await store.commit(appending('a', 0, 'one', 'two'));
        await store.commit(appending('b', 0, 'other'));
        await store.commit(appending('a', 2, 'three'));
        const events = await store.readStream('a');
        expect(events.map((event) => event.version)).to.deep.equal([1, 2, 3]);
        expect(await textsOf('a')).to.deep.equal(['one', 'two', 'three']);
        expect(await textsOf('b')).to.deep.equal(['other']);
      });

      it('give what comes after a version, and nothing for an unknown stream', async () => {
        await store.commit(appending('a', 0, 'one', 'two', 'three'));
        expect(await textsOf('a', 2)).to.deep.equal(['three']);
        expect(await textsOf('a', 3)).to.deep.equal([]);
        expect(await textsOf('unknown')).to.deep.equal([]);
      });

      it('let one of two writers win who saw the same version', async () => {
        const outcomes = await Promise.allSettled([
          store.commit(appending('a', 0, 'mine')),
          store.commit(appending('a', 0, 'yours')),
        ]);
        expect(outcomes.map((outcome) => outcome.status).sort()).to.deep.equal(['fulfilled', 'rejected']);
        expect(await textsOf('a')).to.have.length(1);
        expect(await conflictOf(store.commit(appending('a', 0, 'late')))).to.deep.equal(['version', 'a']);
        expect(await conflictOf(store.commit(appending('a', 7, 'early')))).to.deep.equal(['version', 'a']);
      });
    });

    describe('a batch', () => {
      it('is undone wholly by a guard, which the conflict names', async () => {
        await store.commit({ statements: [put('tea', 1)] });
        const batch: Batch = {
          ...appending('a', 0, 'taken'),
          statements: [put('cup', 5), { ...take('tea', 2), guard: 'enough' }],
          outbox: [message('a', 'taken')],
          inbox: { consumer: 'c', messageId: 'm' },
          command: { ...testCommand('k'), response: null },
        };
        expect(await conflictOf(store.commit(batch))).to.deep.equal(['guard', 'enough']);
        expect(await shelf()).to.deep.equal([{ id: 'tea', quantity: 1 }]);
        expect(await textsOf('a')).to.deep.equal([]);
        expect(await pendingTexts()).to.deep.equal([]);
        expect(await store.inboxHas('c', 'm')).to.equal(false);
        expect(await store.findCommand(testCommand('k'))).to.equal(undefined);
      });

      it('names a guard without a name by its position', async () => {
        const statements = [put('tea', 1), take('tea', 9)];
        expect(await conflictOf(store.commit({ statements }))).to.deep.equal(['guard', '#1']);
      });

      it('changes any number of rows without a guard', async () => {
        await store.commit({ statements: [{ sql: 'DELETE FROM shelf' }] });
        expect(await shelf()).to.deep.equal([]);
      });

      it('that is broken in itself writes nothing and is UNAVAILABLE', async () => {
        const error = await store
          .commit({ statements: [put('tea', 1), { sql: 'INSERT INTO nowhere (id) VALUES (1)' }] })
          .catch((thrown: unknown) => thrown);
        expect(MeshError.is(error) && [error.code, error.reason]).to.deep.equal([
          'UNAVAILABLE',
          'STORAGE_UNAVAILABLE',
        ]);
        expect(await shelf()).to.deep.equal([]);
        await store.commit({ statements: [put('tea', 1)] });
      });
    });

    describe('a write that no repetition mends', () => {
      const label = (number: SqlValue, shelf: SqlValue, text: SqlValue) => ({
        sql: 'INSERT INTO label (number, shelf, text) VALUES (?, ?, ?)',
        values: [number, shelf, text],
      });
      const refused: readonly (readonly [what: string, write: ReturnType<typeof label>])[] = [
        ['a primary key that is there', label(1, 'tea', 'other')],
        ['a text that must be unique and is there', label(2, 'tea', 'green')],
        ['nothing where something must be', label(2, null, 'black')],
        ['a value that a check forbids', label(2, 'tea', '')],
        ['a reference to nothing', label(2, 'soap', 'black')],
        ['a text for a number', label('two', 'tea', 'black')],
        ['a number that is too large', label(2n ** 64n, 'tea', 'black')],
      ];
      for (const [what, write] of refused) {
        it(`is INTERNAL and changes nothing: ${what}`, async () => {
          await store.commit({ statements: [put('tea', 1), label(1, 'tea', 'green')] });
          const error = await store
            .commit({ ...appending('a', 0, 'no'), statements: [put('soap?', 1), write] })
            .catch((thrown: unknown) => thrown);
          expect(MeshError.is(error) && [error.code, error.reason], String(error)).to.deep.equal([
            'INTERNAL',
            'INTERNAL',
          ]);
          expect(String(error)).to.include('repeating it');
          expect(await textsOf('a')).to.deep.equal([]);
          expect(await shelf()).to.deep.equal([{ id: 'tea', quantity: 1 }]);
        });
      }
    });

    describe('values', () => {
      it('give fractions as numbers, whatever their width', async () => {
        const [row] = await store.query({
          sql: 'SELECT CAST(0.25 AS REAL) AS quarter, CAST(0.1 AS DOUBLE PRECISION) AS tenth, CAST(2 AS REAL) AS two',
        });
        expect(row).to.deep.equal({ quarter: 0.25, tenth: 0.1, two: 2 });
      });

      for (const quantity of [0, -1, Number.MAX_SAFE_INTEGER, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)]) {
        it(`give back ${quantity} as a ${typeof quantity}`, async () => {
          await store.commit({
            statements: [{ sql: 'INSERT INTO shelf (id, quantity) VALUES (?, ?)', values: ['x', quantity] }],
          });
          expect(await shelf()).to.deep.equal([{ id: 'x', quantity }]);
        });
      }

      it('keep small numbers numbers beside a large one', async () => {
        await store.commit({
          statements: [
            put('a', 1),
            { sql: 'INSERT INTO shelf (id, quantity) VALUES (?, ?)', values: ['b', 2n ** 60n] },
          ],
        });
        expect(await shelf()).to.deep.equal([
          { id: 'a', quantity: 1 },
          { id: 'b', quantity: 2n ** 60n },
        ]);
      });
    });

    describe('the inbox', () => {
      it('takes a message once for each consumer', async () => {
        const batch: Batch = { inbox: { consumer: 'mail', messageId: 'm1' }, statements: [put('tea', 1)] };
        await store.commit(batch);
        expect(await store.inboxHas('mail', 'm1')).to.equal(true);
        expect(await store.inboxHas('other', 'm1')).to.equal(false);
        expect(await conflictOf(store.commit(batch))).to.deep.equal(['inbox', 'm1']);
        await store.commit({ inbox: { consumer: 'other', messageId: 'm1' } });
        expect(await shelf()).to.have.length(1);
      });
    });

    describe('commands', () => {
      it('are stored once and found with their answer and reference', async () => {
        const command = { ...testCommand('k'), response: bytesOf('done'), reference: 'ord_1' };
        await store.commit({ command, statements: [put('tea', 1)] });
        expect(await store.findCommand(testCommand('k'))).to.deep.equal(command);
        expect(await conflictOf(store.commit({ command, statements: [put('cup', 1)] }))).to.deep.equal([
          'command',
          'k',
        ]);
        expect(await shelf()).to.have.length(1);
      });

      it('of another scope are others', async () => {
        await store.commit({ command: { ...testCommand('k'), response: null } });
        expect(await store.findCommand(testCommand('k', undefined, 'user:else'))).to.equal(undefined);
      });

      it('refuse a key that belongs to another request', async () => {
        await store.commit({ command: { ...testCommand('k', bytesOf('this')), response: null } });
        const error = await store.findCommand(testCommand('k', bytesOf('that'))).catch((thrown) => thrown);
        expect(MeshError.is(error) && [error.code, error.reason]).to.deep.equal([
          'ALREADY_EXISTS',
          'IDEMPOTENCY_KEY_REUSED',
        ]);
      });

      it('accepted without an answer get it later, and the first answer stays', async () => {
        const command = testCommand('k');
        await store.commit({ command: { ...command, response: null, reference: 'ord_1' } });
        expect((await store.findCommand(command))?.response).to.equal(null);
        for (const text of ['first', 'second'])
          await store.commit({ answer: { scope: command.scope, key: 'k', response: bytesOf(text) } });
        expect(await store.findCommand(command)).to.deep.equal({
          ...command,
          response: bytesOf('first'),
          reference: 'ord_1',
        });
      });
    });

    describe('the outbox', () => {
      it('holds what was committed, in that order, until it is marked', async () => {
        await store.commit({ outbox: [message('a', '1'), message('b', '2')] });
        await store.commit({ outbox: [message('a', '3')] });
        expect(await pendingTexts(2)).to.deep.equal(['1', '2']);
        const [first, ...rest] = await store.unpublished(10);
        await store.markPublished(first === undefined ? [] : [first.sequence]);
        expect(await pendingTexts()).to.deep.equal(['2', '3']);
        await store.markPublished(rest.map((pending) => pending.sequence));
        await store.commit({ outbox: [message('a', '4')] });
        const [last] = await store.unpublished(10);
        expect(last?.sequence).to.be.greaterThan(Number(rest.at(-1)?.sequence));
        expect(new Set([first, ...rest, last].map((pending) => pending?.messageId)).size).to.equal(4);
      });

      it('keeps the trace of the batch', async () => {
        const trace = {
          traceId: '0af7651916cd43dd8448eb211c80319c',
          spanId: 'b7ad6b7169203331',
          sampled: true,
        };
        await store.commit({ outbox: [message('a', '1')], trace });
        await store.commit({ outbox: [message('a', '2')] });
        expect((await store.unpublished(2)).map((pending) => pending.traceparent)).to.deep.equal([
          '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
          undefined,
        ]);
      });

      it('wakes listeners after a commit that wrote to it, until they end', async () => {
        const heard: number[] = [];
        const unlisten = store.onOutbox(() => heard.push(1));
        await store.commit({ statements: [put('tea', 1)] });
        await conflictOf(store.commit({ outbox: [message('a', '1')], ...appending('a', 5, 'no') }));
        expect(heard).to.have.length(0);
        await store.commit({ outbox: [message('a', '1')] });
        expect(heard).to.have.length(1);
        unlisten();
        await store.commit({ outbox: [message('a', '2')] });
        expect(heard).to.have.length(1);
      });
    });

    it('is probed any number of times without a trace of it', async () => {
      await store.probe();
      await store.probe();
      expect(await shelf()).to.deep.equal([]);
      await store.close();
      const error = await store.probe().catch((thrown: unknown) => thrown);
      expect(MeshError.is(error) && error.reason).to.equal('STORAGE_UNAVAILABLE');
      store = await setup.open('first', suiteSchema);
    });

    it('sees nothing of another store', async () => {
      const other = await setup.open('second', suiteSchema);
      await store.commit({ ...appending('a', 0, 'one'), statements: [put('tea', 1)] });
      expect(await other.readStream('a')).to.deep.equal([]);
      expect(await other.query({ sql: 'SELECT * FROM shelf' })).to.deep.equal([]);
    });

    const itWhenDurable = durable ? it : () => undefined;
    itWhenDurable('has everything again after it was closed', async () => {
      const command = { ...testCommand('k'), response: bytesOf('done') };
      await store.commit({
        ...appending('a', 0, 'one'),
        statements: [put('tea', 1)],
        outbox: [message('a', 'one')],
        inbox: { consumer: 'c', messageId: 'm' },
        command,
      });
      const before = await store.unpublished(1);
      await store.close();
      store = await setup.open('first', suiteSchema);
      expect(await textsOf('a')).to.deep.equal(['one']);
      expect(await shelf()).to.deep.equal([{ id: 'tea', quantity: 1 }]);
      expect(await store.unpublished(1)).to.deep.equal(before);
      expect(await store.inboxHas('c', 'm')).to.equal(true);
      expect(await store.findCommand(testCommand('k'))).to.deep.equal(command);
    });

    storeModelContract(() => setup);
  });
}
