import { expect } from 'chai';
import type { StoreSetup } from './contract-suite.js';
import type { Projection } from './projection.js';
import { rebuildProjection } from './rebuild-projection.js';
import type { Row, Store } from './store.js';

/** Counters: each event adds its one byte. */
const sums: Projection = {
  table: 'sums',
  columns: ['name', 'total'],
  streams: 'sum-',
  row: (events) => {
    if (events.some(({ type }) => type !== 'added')) throw new Error('this is no event of a sum');
    return [nameOf(events), events.reduce((total, { data }) => total + (data[0] ?? 0), 0)];
  },
};

function nameOf(events: readonly { readonly data: Uint8Array }[]): string {
  return Buffer.from(events[0]?.data.subarray(1) ?? []).toString();
}

/** Rebuilding on any kind of store. */
export function rebuildContract(name: string, makeSetup: () => StoreSetup): void {
  describe(`rebuilding a projection: ${name}`, () => {
    let setup: StoreSetup;
    let store: Store;
    beforeEach(async () => {
      setup = makeSetup();
      store = await setup.open('sums', [
        'CREATE TABLE sums (name TEXT PRIMARY KEY, total BIGINT NOT NULL)',
        'CREATE INDEX by_total ON sums (total)',
      ]);
    });
    afterEach(() => setup.close());

    const add = async (name: string, ...amounts: number[]) => {
      for (const amount of amounts) {
        const before = (await store.readStream(`sum-${name}`)).length;
        await store.commit({
          streams: [
            {
              stream: `sum-${name}`,
              expectedVersion: before,
              events: [{ type: 'added', data: Buffer.from([amount, ...Buffer.from(name)]) }],
            },
          ],
          statements: [
            {
              sql: 'INSERT INTO sums (name, total) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET total = sums.total + excluded.total',
              values: [name, amount],
            },
          ],
        });
      }
    };
    const run = (sql: string) => store.commit({ statements: [{ sql }] });
    const rows = async () =>
      (await store.query<Row>({ sql: 'SELECT name, total FROM sums ORDER BY name' })).map(
        ({ name, total }) => `${name} ${total}`,
      );
    const tables = async () =>
      (
        await store.query<Row>({
          sql:
            store.dialect === 'sqlite'
              ? "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'sums%'"
              : "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relname LIKE 'sums%'",
        })
      ).map(({ name }) => name);

    it('finds nothing wrong with a table that is right, however many streams there are', async () => {
      for (let name = 0; name < 25; name += 1) await add(`n${name}`, 1, 2, 3);
      const report = await rebuildProjection(store, sums, { by: 'a test', switchOver: true, batchSize: 10 });
      expect(report).to.deep.equal({
        table: 'sums',
        streams: 25,
        events: 75,
        different: [],
        missing: [],
        extra: [],
        switched: true,
      });
      expect((await rows()).length).to.equal(25);
    });

    it('names rows that differ, are missing or have no events, and mends them', async () => {
      await add('a', 1, 2);
      await add('b', 5);
      await add('c', 7);
      await run("UPDATE sums SET total = 99 WHERE name = 'a'");
      await run("DELETE FROM sums WHERE name = 'b'");
      await run("INSERT INTO sums (name, total) VALUES ('z', 1)");
      const report = await rebuildProjection(store, sums, { by: 'a test', switchOver: true });
      expect(report).to.deep.include({ different: ['a'], missing: ['b'], extra: ['z'], switched: true });
      expect(await rows()).to.deep.equal(['a 3', 'b 5', 'c 7']);
      expect(await tables()).to.deep.equal(['sums']);
      await add('a', 4);
      expect(await rows()).to.include('a 7');
    });

    it('leaves all rows where they are when another one begins meanwhile, and lets that one finish', async () => {
      for (let name = 0; name < 5; name += 1) await add(`n${name}`, 1);
      const before = await rows();
      for (const step of ['INSERT INTO sums_extra', 'DELETE FROM sums_extra', 'UPDATE sums_replayed']) {
        let other: Promise<unknown> | undefined;
        let seen: string[] = [];
        const disturbed: Store = {
          ...store,
          commit: async (batch) => {
            if (other === undefined && batch.statements?.some(({ sql }) => sql.startsWith(step))) {
              // The other has made its tables, and nothing is in them yet.
              await new Promise<void>((begun, failed) => {
                const watching: Store = {
                  ...store,
                  query: async (statement) => {
                    begun();
                    await first;
                    return store.query(statement);
                  },
                };
                other = rebuildProjection(watching, sums, { by: 'the other', switchOver: true });
                other.catch(failed);
              });
            }
            await store.commit(batch);
          },
        };
        let end: () => void = () => undefined;
        const first = new Promise<void>((resolve) => {
          end = resolve;
        });
        const failure = await rebuildProjection(disturbed, sums, { by: 'the first', switchOver: true }).catch(
          String,
        );
        seen = await rows();
        end();
        expect(failure).to.match(/another replay of sums has begun meanwhile: wait for it/);
        expect(seen).to.deep.equal(before);
        expect(await other).to.deep.include({ different: [], missing: [], extra: [], switched: true });
        expect(await tables()).to.deep.equal(['sums']);
      }
    });

    it('only compares when it is told to', async () => {
      await add('a', 1);
      await run("UPDATE sums SET total = 99 WHERE name = 'a'");
      const report = await rebuildProjection(store, sums, { by: 'a test', switchOver: false });
      expect(report).to.deep.include({ different: ['a'], switched: false });
      expect(await rows()).to.deep.equal(['a 99']);
      expect(await tables()).to.deep.equal(['sums']);
    });

    it('takes in what the service writes meanwhile, and never puts older rows in its place', async () => {
      for (let name = 0; name < 12; name += 1) await add(`n${name}`, 1);
      let writes = 0;
      const busy: Store = {
        ...store,
        commit: async (batch) => {
          // The service writes just before the switch, five times.
          if (batch.statements?.some(({ sql }) => sql.startsWith('DELETE FROM sums')) && writes < 5) {
            writes += 1;
            await add('n3', 1);
            await add(`late${writes}`, 1);
          }
          return store.commit(batch);
        },
      };
      const report = await rebuildProjection(busy, sums, { by: 'a test', switchOver: true, batchSize: 5 });
      expect(report).to.deep.include({ different: [], missing: [], extra: [], switched: true });
      expect(await rows())
        .to.include('n3 6')
        .and.to.include('late5 1');
    });

    it('comes to an end while the service begins new streams and goes on with old ones at every step', async () => {
      for (let name = 0; name < 12; name += 1) await add(`n${name}`, 1);
      await run("UPDATE sums SET total = 99 WHERE name = 'n7'");
      let steps = 0;
      const loaded: Store = {
        ...store,
        query: async (statement) => {
          steps += 1;
          await add(`late${steps}`, 1);
          await add(`n${steps % 5}`, 1);
          return store.query(statement);
        },
      };
      const report = await rebuildProjection(loaded, sums, { by: 'a test', switchOver: true, batchSize: 5 });
      expect(report).to.deep.include({ different: ['n7'], missing: [], extra: [], switched: true });
      const check = await rebuildProjection(store, sums, { by: 'a test', switchOver: false });
      expect(check).to.deep.include({ streams: 12 + steps, different: [], missing: [], extra: [] });
    });

    it('keeps the row of a stream that began while rows without events were looked for', async () => {
      await add('a', 1);
      await run("INSERT INTO sums (name, total) VALUES ('z', 1)");
      const busy: Store = {
        ...store,
        commit: async (batch) => {
          if (batch.statements?.some(({ sql }) => sql.startsWith('INSERT INTO sums_extra')))
            await add('new', 1);
          return store.commit(batch);
        },
      };
      const report = await rebuildProjection(busy, sums, { by: 'a test', switchOver: true });
      expect(report).to.deep.include({ extra: ['z'] });
      expect(await rows()).to.deep.equal(['a 1', 'new 1']);
    });

    it('finds a row wrong that was written to since: by what its events say now', async () => {
      await add('a', 1);
      await run("UPDATE sums SET total = 99 WHERE name = 'a'");
      let writes = 0;
      const busy: Store = {
        ...store,
        commit: async (batch) => {
          if (batch.statements?.some(({ sql }) => sql.startsWith('DELETE FROM sums')) && writes < 3) {
            writes += 1;
            await add('a', 1);
          }
          return store.commit(batch);
        },
      };
      const report = await rebuildProjection(busy, sums, { by: 'a test', switchOver: true });
      expect(report).to.deep.include({ different: ['a'], events: 4 });
      expect(await rows()).to.deep.equal(['a 4']);
    });

    it('takes the streams of its own prefix alone, letter by letter', async () => {
      await add('a', 1);
      for (const stream of ['sumx-b', 'SUM-c', 'other-d'])
        await store.commit({
          streams: [
            {
              stream,
              expectedVersion: 0,
              events: [{ type: 'added', data: Buffer.from([1, ...Buffer.from(stream)]) }],
            },
          ],
        });
      const wild = { ...sums, streams: 'sum_' };
      expect(await rebuildProjection(store, sums, { by: 'a test', switchOver: false })).to.deep.include({
        streams: 1,
      });
      expect(await rebuildProjection(store, wild, { by: 'a test', switchOver: false })).to.deep.include({
        streams: 0,
      });
    });

    it('gives up on a table that changes all the time, and leaves it as it is', async () => {
      await add('a', 1);
      const restless: Store = {
        ...store,
        commit: async (batch) => {
          if (batch.statements?.some(({ sql }) => sql.startsWith('DELETE FROM sums'))) await add('a', 1);
          return store.commit(batch);
        },
      };
      const failure = await rebuildProjection(restless, sums, { by: 'a test', switchOver: true }).catch(
        (error: Error) => error,
      );
      expect(String(failure)).to.match(/changes too fast/);
      expect(await tables()).to.deep.equal(['sums']);
    });

    it('refuses events that it does not know, and leaves everything as it is', async () => {
      await add('a', 1);
      await store.commit({
        streams: [
          { stream: 'sum-x', expectedVersion: 0, events: [{ type: 'multiplied', data: Buffer.from([2]) }] },
        ],
      });
      const failure = await rebuildProjection(store, sums, { by: 'a test', switchOver: true }).catch(
        (error: Error) => error,
      );
      expect(String(failure)).to.match(/no event of a sum/);
      expect(await rows()).to.deep.equal(['a 1']);
      expect(await tables()).to.deep.equal(['sums']);
    });
  });
}
