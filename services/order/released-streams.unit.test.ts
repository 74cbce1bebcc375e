import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadContract } from '../../mesh/contract/image.js';
import { bytesToJson, jsonToBytes } from '../../mesh/contract/json.js';
import { machineAmbient } from '../../mesh/runtime/ambient.js';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { rebuildProjection } from '../../mesh/store/rebuild-projection.js';
import { openSqliteStore } from '../../mesh/store/sqlite-store.js';
import type { Row, Store, StoredEvent } from '../../mesh/store/store.js';
import type { Upcasters } from '../../mesh/store/upcast.js';
import { storedType } from './evolve.js';
import { ordersBy, ordersProjection } from './projection.js';
import { schema } from './schema.js';

interface RecordedStream {
  readonly stream: string;
  readonly events: readonly { readonly type: string; readonly data: string; readonly recordedAtMs: number }[];
  readonly row: Readonly<Record<string, string | number>>;
}

const contract = loadContract(readFileSync(join(packageRoot(), 'proto', 'image.binpb')));
const folder = join(packageRoot(), 'services', 'order', 'released-streams');
const releases = readdirSync(folder).filter((name) => name.endsWith('.json'));
const streamsOf = (release: string) =>
  JSON.parse(readFileSync(join(folder, release), 'utf8')) as RecordedStream[];

describe('streams that a release wrote', () => {
  let store: Store;
  beforeEach(() => {
    store = openSqliteStore({ path: ':memory:', service: 'order', schema, clock: machineAmbient().clock });
  });
  afterEach(() => store.close());

  /** Writes the events and no rows, as a database has them whose table was lost. */
  const write = async (streams: readonly RecordedStream[], as = (event: StoredEvent) => event) => {
    for (const { stream, events } of streams) {
      const stored = events.map(({ type, data }) => as({ type, data: Buffer.from(data, 'base64') }));
      await store.commit({ streams: [{ stream, expectedVersion: 0, events: stored }] });
    }
  };
  const rows = async () =>
    (await store.query<Row>({ sql: 'SELECT * FROM orders ORDER BY id' })).map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([column, value]) => [
          column,
          value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
        ]),
      ),
    );
  const rowsThen = (streams: readonly RecordedStream[]) =>
    streams.map(({ row }) => row).sort((one, other) => (String(one['id']) < String(other['id']) ? -1 : 1));

  it('are there for each release', () => {
    expect(releases).to.include('0.1.0.json');
  });

  for (const release of releases) {
    it(`${release} are replayed to the rows that they gave then`, async () => {
      const streams = streamsOf(release);
      expect(streams.length).to.be.greaterThan(5);
      await write(streams);
      const report = await rebuildProjection(store, ordersProjection, { by: 'a test', switchOver: true });
      expect(report).to.deep.include({ streams: streams.length, different: [], extra: [], switched: true });
      expect(report.missing).to.have.length(streams.length);
      expect(await rows()).to.deep.equal(rowsThen(streams));
      const check = await rebuildProjection(store, ordersProjection, { by: 'a test', switchOver: false });
      expect(check).to.deep.include({ different: [], missing: [], extra: [] });
    });
  }

  it('of older kinds are brought to today step by step on the way, and give the same rows', async () => {
    const streams = streamsOf('0.1.0.json');
    // Two kinds before the first release's: JSON, and that with its time apart.
    const older = ({ data }: StoredEvent): StoredEvent => ({
      type: 'order.event.json',
      data: Buffer.from(JSON.stringify(bytesToJson(contract, storedType, data))),
    });
    const oldest = (event: StoredEvent): StoredEvent => {
      const { occurredAt, ...rest } = JSON.parse(Buffer.from(older(event).data).toString());
      return { type: 'order.event.pair', data: Buffer.from(JSON.stringify([occurredAt, rest])) };
    };
    const steps: Upcasters = {
      'order.event.pair': ({ data }) => {
        const [occurredAt, rest] = JSON.parse(Buffer.from(data).toString());
        return { type: 'order.event.json', data: Buffer.from(JSON.stringify({ occurredAt, ...rest })) };
      },
      'order.event.json': ({ data }) => ({
        type: storedType,
        data: jsonToBytes(contract, storedType, JSON.parse(Buffer.from(data).toString())),
      }),
    };
    // A stream that lived through both changes has all three kinds.
    let number = 0;
    await write(streams, (event) => {
      number += 1;
      return [oldest, older, (today: StoredEvent) => today][number % 3]?.(event) ?? event;
    });
    await rebuildProjection(store, ordersBy(steps), { by: 'a test', switchOver: true });
    expect(await rows()).to.deep.equal(rowsThen(streams));
  });

  it('of a kind that nobody knows are refused, and the table stays as it is', async () => {
    await write(streamsOf('0.1.0.json').slice(0, 1), (event) => ({ ...event, type: 'order.event.unknown' }));
    const failure = await rebuildProjection(store, ordersProjection, {
      by: 'a test',
      switchOver: true,
    }).catch(String);
    expect(failure).to.match(/of a kind that this version does not know/);
    expect(await rows()).to.deep.equal([]);
  });
});
