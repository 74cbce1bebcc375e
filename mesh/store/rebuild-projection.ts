import { StartupError } from '../runtime/startup-error.js';
import type { Projection } from './projection.js';
import { type GuardedStatement, type Row, type Store, StoreConflict } from './store.js';

/** What a rebuild found. */
export interface ReplayReport {
  readonly table: string;
  readonly streams: number;
  readonly events: number;
  /** Keys of rows that differ from what their events say, at most 100 of them. */
  readonly different: readonly string[];
  /** Keys whose events have no row, at most 100. */
  readonly missing: readonly string[];
  /** Keys of rows without events, at most 100. */
  readonly extra: readonly string[];
  /** Whether the table is now what the events say. */
  readonly switched: boolean;
}

/** How to rebuild. */
export interface RebuildOptions {
  /** Who rebuilds: unique among all that ever do. */
  readonly by: string;
  /** Put right what differs, or only compare. */
  readonly switchOver: boolean;
  /** Streams that are written together. Default 200. */
  readonly batchSize?: number;
}

/** How often streams are read again that the service has written to meanwhile. */
const mostRounds = 50;
const mostListed = 100;

/**
 * Makes a projection anew from its events in a second table, compares the two, and puts right what differs, in one
 * transaction. The service may run and write meanwhile. A row counts only while its stream is as it was read: comparing
 * and putting right are one step in which nothing is written. Streams that have grown by then are read again and come in a
 * later step; those that begin meanwhile are the service's own.
 * Of two at once the later goes on: both use the same tables, and one that compared with the other's would take all rows for
 * rows without events.
 * @throws StartupError when a stream grows each time it is read, or another rebuild of the same projection has begun meanwhile.
 */
export async function rebuildProjection(
  whole: Store,
  projection: Projection,
  options: RebuildOptions,
): Promise<ReplayReport> {
  const tables = tablesOf(projection);
  const owner = { name: `replay of ${projection.table}`, by: options.by };
  await whole.commit({
    statements: [taking(owner), ...dropping(tables), ...creating(projection, tables)],
  });
  const store = ownedBy(whole, owner);
  try {
    const batchSize = options.batchSize ?? 200;
    const read = new Map<string, number>();
    await fill(store, projection, tables, read, batchSize);
    await store.commit({ statements: [notingExtra(projection, tables)] });
    // A row of a stream that began since it was looked for is none without events.
    await fill(store, projection, tables, read, batchSize);
    await store.commit({ statements: [sparing(projection, tables)] });

    for (let round = 0; ; round += 1) {
      await store.commit({ alone: true, statements: comparing(projection, tables, options.switchOver) });
      const grown = await store.query<Row & { stream: string }>({
        sql: `SELECT replay_stream AS stream FROM ${tables.second} WHERE replay_found = ''`,
      });
      if (grown.length === 0) break;
      if (round >= mostRounds)
        throw new StartupError(
          `${projection.table} changes too fast to be compared`,
          'try again when there is less to do',
        );
      await write(store, projection, tables, read, grown);
    }
    const report = {
      table: projection.table,
      streams: read.size,
      events: [...read.values()].reduce((sum, version) => sum + version, 0),
      ...(await found(store, projection, tables)),
      switched: options.switchOver,
    };
    // What was read is ours if they are still.
    await store.commit({});
    return report;
  } catch (error) {
    const lost = isTaken(error) || (await store.commit({}).then(() => false, isTaken));
    throw lost ? takenMeanwhile(projection) : error;
  } finally {
    await store.commit({ statements: [...dropping(tables), leaving(owner)] }).catch((error: unknown) => {
      // They are another's now.
      if (!isTaken(error)) throw error;
    });
  }
}

/** Whose the tables of a rebuild are: a row of `mesh_leases` that does not expire, but passes to whoever comes next. */
interface Owner {
  readonly name: string;
  readonly by: string;
}

function taking({ name, by }: Owner): GuardedStatement {
  return {
    sql: `INSERT INTO mesh_leases (name, holder, expires_at_ms) VALUES (?, ?, 0)
      ON CONFLICT (name) DO UPDATE SET holder = excluded.holder`,
    values: [name, by],
  };
}

function leaving({ name, by }: Owner): GuardedStatement {
  return { sql: 'DELETE FROM mesh_leases WHERE name = ? AND holder = ?', values: [name, by] };
}

const taken = 'owner of the rebuild';

type OwnedStore = Pick<Store, 'query' | 'readStream' | 'commit'>;

/** The store as long as the tables are ours: what is written to them is written only then. */
function ownedBy(store: Store, { name, by }: Owner): OwnedStore {
  const owned: GuardedStatement = {
    sql: 'UPDATE mesh_leases SET holder = holder WHERE name = ? AND holder = ?',
    values: [name, by],
    changes: 1,
    guard: taken,
  };
  return {
    query: store.query,
    readStream: store.readStream,
    commit: (batch) => store.commit({ ...batch, statements: [owned, ...(batch.statements ?? [])] }),
  };
}

function isTaken(error: unknown): boolean {
  return error instanceof StoreConflict && error.subject === taken;
}

function takenMeanwhile({ table }: Projection): StartupError {
  return new StartupError(`another replay of ${table} has begun meanwhile`, 'wait for it');
}

/** The tables of a rebuild, beside the projection's own. */
interface ReplayTables {
  /** The rows made anew, with the stream of each, its version when it was read, and what the comparison found. */
  readonly second: string;
  /** Keys of rows that have no events. */
  readonly extra: string;
}

function tablesOf({ table }: Projection): ReplayTables {
  return { second: `${table}_replayed`, extra: `${table}_extra` };
}

function dropping({ second, extra }: ReplayTables): GuardedStatement[] {
  return [second, extra].map((table) => ({ sql: `DROP TABLE IF EXISTS ${table}` }));
}

function creating({ table, columns }: Projection, { second, extra }: ReplayTables): GuardedStatement[] {
  const [key] = columns;
  return [
    {
      sql: `CREATE TABLE ${second} AS
        SELECT ${columns.join(', ')}, '' AS replay_stream, 0 AS replay_version, '' AS replay_found
        FROM ${table} WHERE 1 = 0`,
    },
    { sql: `CREATE UNIQUE INDEX ${second}_key ON ${second} (${key})` },
    { sql: `CREATE TABLE ${extra} AS SELECT ${key} FROM ${table} WHERE 1 = 0` },
  ];
}

/** Writes the rows of all streams that have grown since they were last read, or were not there. */
async function fill(
  store: OwnedStore,
  projection: Projection,
  tables: ReplayTables,
  read: Map<string, number>,
  batchSize: number,
): Promise<void> {
  let after = '';
  for (;;) {
    const page = await store.query<Row & { stream: string; version: number }>({
      sql: `SELECT stream, MAX(version) AS version FROM mesh_events
        WHERE stream > ? AND SUBSTR(stream, 1, ${projection.streams.length}) = ?
        GROUP BY stream ORDER BY stream LIMIT ?`,
      values: [after, projection.streams, batchSize],
    });
    after = page.at(-1)?.stream ?? after;
    await write(
      store,
      projection,
      tables,
      read,
      page.filter(({ stream, version }) => read.get(stream) !== Number(version)),
    );
    if (page.length < batchSize) return;
  }
}

/** Reads streams and writes their rows. */
async function write(
  store: OwnedStore,
  { columns, row }: Projection,
  { second }: ReplayTables,
  read: Map<string, number>,
  streams: readonly { readonly stream: string }[],
): Promise<void> {
  const statements: GuardedStatement[] = [];
  const places = columns.map(() => '?').join(', ');
  for (const { stream } of streams) {
    const events = await store.readStream(stream);
    const values = row(events);
    read.set(stream, events.length);
    statements.push(
      { sql: `DELETE FROM ${second} WHERE ${columns[0]} = ?`, values: [values[0] ?? null] },
      {
        sql: `INSERT INTO ${second} (${columns.join(', ')}, replay_stream, replay_version, replay_found)
          VALUES (${places}, ?, ?, '')`,
        values: [...values, stream, events.length],
      },
    );
  }
  if (statements.length > 0) await store.commit({ statements });
}

function notingExtra({ table, columns }: Projection, { second, extra }: ReplayTables): GuardedStatement {
  const [key] = columns;
  return {
    sql: `INSERT INTO ${extra} (${key}) SELECT ${key} FROM ${table} WHERE ${key} NOT IN (SELECT ${key} FROM ${second})`,
  };
}

function sparing({ columns }: Projection, { second, extra }: ReplayTables): GuardedStatement {
  const [key] = columns;
  return { sql: `DELETE FROM ${extra} WHERE ${key} IN (SELECT ${key} FROM ${second})` };
}

/** Compares the rows whose streams are as they were read, and puts right what differs. */
function comparing(
  { table, columns }: Projection,
  { second, extra }: ReplayTables,
  switchOver: boolean,
): GuardedStatement[] {
  const [key, ...rest] = columns;
  const list = columns.join(', ');
  const same = [key, ...rest].map((column) => `t.${column} = ${second}.${column}`).join(' AND ');
  const compare = {
    sql: `UPDATE ${second} SET replay_found = CASE
        WHEN NOT EXISTS (SELECT 1 FROM ${table} t WHERE t.${key} = ${second}.${key}) THEN 'missing'
        WHEN EXISTS (SELECT 1 FROM ${table} t WHERE ${same}) THEN 'same'
        ELSE 'different' END
      WHERE replay_found = '' AND replay_version =
        (SELECT MAX(e.version) FROM mesh_events e WHERE e.stream = ${second}.replay_stream)`,
  };
  if (!switchOver) return [compare];
  // What an earlier step has put right may have changed since: it has version 0.
  const wrong = "replay_found IN ('missing', 'different') AND replay_version > 0";
  return [
    compare,
    { sql: `DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${extra})` },
    { sql: `DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${second} WHERE ${wrong})` },
    { sql: `INSERT INTO ${table} (${list}) SELECT ${list} FROM ${second} WHERE ${wrong}` },
    { sql: `UPDATE ${second} SET replay_version = 0 WHERE replay_found <> ''` },
  ];
}

async function found(store: OwnedStore, { columns }: Projection, { second, extra }: ReplayTables) {
  const [key] = columns;
  const keys = async (from: string) =>
    (
      await store.query<Row & { key: string }>({
        sql: `SELECT ${key} AS key FROM ${from} ORDER BY 1 LIMIT ?`,
        values: [mostListed],
      })
    ).map((row) => String(row.key));
  return {
    different: await keys(`${second} WHERE replay_found = 'different'`),
    missing: await keys(`${second} WHERE replay_found = 'missing'`),
    extra: await keys(extra),
  };
}
