import type { CustomTypesConfig } from 'pg';
import type { SqlValue } from './store.js';

/** Type numbers from PostgreSQL's catalogue (pg_type.dat). */
const oids = { bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, float4: 700, float8: 701, numeric: 1700 };

/**
 * What comes out of PostgreSQL, as {@link SqlValue}: the same values that SQLite gives. A sum of BIGINT is NUMERIC there,
 * and counts as an integer again; truth is 1 or 0.
 */
export const postgresTypes: CustomTypesConfig = {
  getTypeParser: (oid: number) => parserOf(oid),
} as CustomTypesConfig;

function parserOf(oid: number): (text: string) => SqlValue {
  switch (oid) {
    case oids.int2:
    case oids.int4:
    case oids.float4:
    case oids.float8:
      return Number;
    case oids.int8:
    case oids.numeric:
      return numberOf;
    case oids.bool:
      return (text) => (text === 't' ? 1 : 0);
    case oids.bytea:
      // The driver's own parser gives a Buffer, which is more than the interface says.
      return (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex'));
    default:
      return (text) => text;
  }
}

function numberOf(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) || !/^-?\d+$/.test(text) ? number : BigInt(text);
}
