import type { Projection } from './projection.js';
import { type GuardedStatement, type Row, type Store, StoreConflict } from './store.js';

/** What a rebuild found. */
export interface ReplayReport {
  readonly table: string;
  readonly streams: number;
  readonly events: number;
  /** Keys of rows that differ from what their events say, at most 100 of them. */
  readonly different: readonly string[];
  /** Keys whose events have no row. */
  readonly missing: readonly string[];
  /** Keys of rows without events. */
  readonly extra: readonly string[];
  /** Whether the table is now what the events say. */
  readonly switched: boolean;
}

/** How to rebuild. */
export interface RebuildOptions {
  /** Put the rebuilt rows in the table's place, or only compare. */
  readonly switchOver: boolean;
  /** Streams that are written together. Default 200. */
  readonly batchSize?: number;
}

/** How often a comparison begins anew because the service has written meanwhile. */
const mostRounds = 50;
const mostListed = 100;

/**
 * Makes a projection anew from its events in a second table, compares the two, and puts the new rows in place of the old
 * in one transaction. The service may run meanwhile: what it writes is taken in, and the switch happens only at a moment
 * at which nothing was written since.
 * @throws Error when the service writes so much that there is no such moment.
 */
export async function rebuildProjection(
  store: Store,
  projection: Projection,
  options: RebuildOptions,
): Promise<ReplayReport> {
  const { table, columns } = projection;
  const second = `${table}_replayed`;
  // A guard needs a row that is there.
  await store.probe();
  await store.commit({
    statements: [
      { sql: `DROP TABLE IF EXISTS ${second}` },
      { sql: `CREATE TABLE ${second} AS SELECT ${columns.join(', ')} FROM ${table} WHERE 1 = 0` },
      { sql: `CREATE UNIQUE INDEX ${second}_key ON ${second} (${columns[0]})` },
    ],
  });
  try {
    const done = new Map<string, number>();
    for (let round = 0; round < mostRounds; round += 1) {
      const mark = await countEvents(store);
      await fill(store, projection, second, done, options.batchSize ?? 200);
      const report = {
        table,
        streams: done.size,
        events: [...done.values()].reduce((sum, version) => sum + version, 0),
        ...(await compare(store, projection, second)),
      };
      const statements = options.switchOver ? switching(projection, second) : [];
      try {
        await store.commit({ alone: true, statements: [nothingWrittenSince(mark), ...statements] });
        return { ...report, switched: options.switchOver };
      } catch (error) {
        if (!(error instanceof StoreConflict)) throw error;
      }
    }
    throw new Error(`${table} changes too fast to be compared: try again when there is less to do`);
  } finally {
    await store.commit({ statements: [{ sql: `DROP TABLE IF EXISTS ${second}` }] });
  }
}

async function countEvents(store: Store): Promise<number> {
  const [row] = await store.query<Row & { events: number }>({
    sql: 'SELECT COUNT(*) AS events FROM mesh_events',
  });
  return Number(row?.events ?? 0);
}

/** Changes a row only while there are as many events as there were: for a batch that is alone. */
function nothingWrittenSince(events: number): GuardedStatement {
  return {
    sql: 'UPDATE mesh_probe SET at_ms = at_ms WHERE id = 1 AND (SELECT COUNT(*) FROM mesh_events) = ?',
    values: [events],
    changes: 1,
    guard: 'nothing was written since',
  };
}

function switching({ table, columns }: Projection, second: string): GuardedStatement[] {
  const list = columns.join(', ');
  return [
    { sql: `DELETE FROM ${table}` },
    { sql: `INSERT INTO ${table} (${list}) SELECT ${list} FROM ${second}` },
  ];
}

/** Writes the rows of all streams that have grown since they were last written. */
async function fill(
  store: Store,
  projection: Projection,
  second: string,
  done: Map<string, number>,
  batchSize: number,
): Promise<void> {
  const { columns, streams: prefix } = projection;
  const places = columns.map(() => '?').join(', ');
  let after = '';
  for (;;) {
    const page = await store.query<Row & { stream: string; version: number }>({
      sql: `SELECT stream, MAX(version) AS version FROM mesh_events WHERE stream LIKE ? AND stream > ?
        GROUP BY stream ORDER BY stream LIMIT ?`,
      values: [`${prefix}%`, after, batchSize],
    });
    const statements: GuardedStatement[] = [];
    for (const { stream, version } of page) {
      after = stream;
      if (done.get(stream) === Number(version)) continue;
      const events = await store.readStream(stream);
      const values = projection.row(events);
      statements.push(
        { sql: `DELETE FROM ${second} WHERE ${columns[0]} = ?`, values: [values[0] ?? null] },
        { sql: `INSERT INTO ${second} (${columns.join(', ')}) VALUES (${places})`, values },
      );
      done.set(stream, events.length);
    }
    if (statements.length > 0) await store.commit({ statements });
    if (page.length < batchSize) return;
  }
}

async function compare(store: Store, { table, columns }: Projection, second: string) {
  const [key, ...rest] = columns;
  const keys = async (from: string, other: string, where: string) =>
    (
      await store.query<Row & { key: string }>({
        sql: `SELECT a.${key} AS key FROM ${from} a LEFT JOIN ${other} b ON a.${key} = b.${key} WHERE ${where} ORDER BY 1 LIMIT ?`,
        values: [mostListed],
      })
    ).map((row) => String(row.key));
  const differing = rest.map((column) => `a.${column} <> b.${column}`).join(' OR ');
  return {
    different: await keys(second, table, differing),
    missing: await keys(second, table, `b.${key} IS NULL`),
    extra: await keys(table, second, `b.${key} IS NULL`),
  };
}
