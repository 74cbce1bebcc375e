/**
 * Statements are written in the common subset of SQLite and PostgreSQL; what is left between the two is done here: the
 * placeholders, and the names of two types in the steps of a schema.
 */

/** Quoted text and names, comments, or anything else up to the next of them. */
const parts = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|[^'"/-]+|[\s\S]/g;

/** Changes what is code, and leaves what is quoted or commented as it is. */
function inCode(sql: string, change: (code: string) => string): string {
  return sql.replace(parts, (part) => (/^('|"|--|\/\*)/.test(part) ? part : change(part)));
}

/** `?` placeholders as PostgreSQL numbers them: `$1`, `$2` and so on. */
export function withNumberedPlaceholders(sql: string): string {
  let count = 0;
  return inCode(sql, (code) =>
    code.replace(/\?/g, () => {
      count += 1;
      return `$${count}`;
    }),
  );
}

/** A step of a schema with PostgreSQL's types: SQLite's INTEGER has 64 bits, and its BLOB is called BYTEA. */
export function withPostgresTypes(step: string): string {
  return inCode(step, (code) => code.replace(/\bINTEGER\b/gi, 'BIGINT').replace(/\bBLOB\b/gi, 'BYTEA'));
}
