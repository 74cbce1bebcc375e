/** Result codes (https://sqlite.org/rescode.html); an extended one has the primary in its lowest byte. */
const codes = { busy: 5, tooBig: 18, constraint: 19, mismatch: 20 };

function primaryCode(error: unknown): number | undefined {
  const code = (error as { sqliteCode?: unknown } | undefined)?.sqliteCode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/** Another process holds the database. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === codes.busy;
}

/**
 * The rule of the database that a write breaks however often it is tried: a constraint, or a value that does not fit.
 * @returns its name for people, without any value; undefined for all other errors.
 */
export function ruleBrokenIn(error: unknown): string | undefined {
  const code = primaryCode(error);
  if (code === codes.constraint || code === codes.mismatch || code === codes.tooBig)
    return (error as Error).message;
  // The driver itself refuses what SQLite has no type for, such as an integer of more than 64 bits.
  const refused = (error as { code?: unknown } | undefined)?.code;
  if (refused === 'ERR_INVALID_ARG_VALUE' || refused === 'ERR_INVALID_ARG_TYPE')
    return (error as Error).message;
  return undefined;
}
