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
