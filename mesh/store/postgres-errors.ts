/** SQLSTATE of an error, or undefined for one that did not come from the server. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** The batch met another, and the server has undone it: it may be written again as it is. */
export function isRaceLost(error: unknown): boolean {
  // serialization_failure, deadlock_detected
  return ['40001', '40P01'].includes(sqlStateOf(error) ?? '');
}

/** The connection is gone or was refused: another one may do. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlStateOf(error);
  // 08: connection exceptions; 57P01 to 57P03: the server stops, has crashed, or is starting.
  if (state !== undefined) return state.startsWith('08') || ['57P01', '57P02', '57P03'].includes(state);
  return /ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|Connection terminated|connection is closed|not queryable/i.test(
    `${(error as { code?: unknown } | undefined)?.code} ${String(error)}`,
  );
}

/**
 * The rule of the database that a statement breaks however often it is tried: a constraint, or a value that does not fit.
 * @returns its SQLSTATE and name, without any value; undefined for all other errors.
 */
export function ruleBrokenIn(error: unknown): string | undefined {
  const state = sqlStateOf(error);
  // 22: data exceptions; 23: violations of constraints.
  if (state === undefined || !/^2[23]/.test(state)) return undefined;
  const { constraint, table, column } = error as Record<
    'constraint' | 'table' | 'column',
    string | undefined
  >;
  const where = constraint ?? (column === undefined ? undefined : `${table}.${column}`);
  return where === undefined ? state : `${state} ${where}`;
}

/** A prepared statement gives other columns since another instance has brought the schema further. */
export function isPlanOutdated(error: unknown): boolean {
  return sqlStateOf(error) === '0A000' && /cached plan/.test(String(error));
}

/** A commit whose answer did not come: it may have happened, and nobody can say. */
export class CommitUnknown extends Error {
  constructor(cause: unknown) {
    super('the answer to COMMIT was lost', { cause });
    this.name = 'CommitUnknown';
  }
}

/** The work was given up, since it took too long: nothing was written. Nobody waits for this; it undoes the transaction. */
export class Abandoned extends Error {
  constructor() {
    super('the work was given up');
    this.name = 'Abandoned';
  }
}
