import { expect } from 'chai';
import { ruleBrokenIn as brokenInPostgres } from './postgres-errors.js';
import { ruleBrokenIn as brokenInSqlite, isBusy } from './sqlite-errors.js';

const postgres = (code: string, more: object = {}) =>
  Object.assign(new Error('told by it'), { code, ...more });
const sqlite = (sqliteCode: number) =>
  Object.assign(new Error('UNIQUE constraint failed: a.b'), { sqliteCode });

describe('the rule that a write breaks', () => {
  it('is named by its constraint or its column in PostgreSQL, and never with a value', () => {
    expect(brokenInPostgres(postgres('23505', { constraint: 'shelf_pkey', table: 'shelf' }))).to.equal(
      '23505 shelf_pkey',
    );
    expect(brokenInPostgres(postgres('23502', { table: 'shelf', column: 'quantity' }))).to.equal(
      '23502 shelf.quantity',
    );
    expect(brokenInPostgres(postgres('22P02'))).to.equal('22P02');
  });

  // A lost race, a deadlock, a lock that did not come, a statement that was ended, a full disk, too many connections.
  for (const code of ['40001', '40P01', '55P03', '57014', '53100', '53300', '08006', '57P01', '42P01'])
    it(`is none in PostgreSQL's ${code}: it may go away`, () => {
      expect(brokenInPostgres(postgres(code))).to.equal(undefined);
    });

  it('is none where the connection was lost', () => {
    expect(brokenInPostgres(postgres('ECONNRESET'))).to.equal(undefined);
    expect(brokenInPostgres(new Error('Connection terminated'))).to.equal(undefined);
  });

  it('is what SQLite says of constraints', () => {
    for (const code of [19, 1555, 2067, 1299, 275, 787, 20])
      expect(brokenInSqlite(sqlite(code))).to.equal('UNIQUE constraint failed: a.b');
  });

  it('is none where SQLite is busy, locked, full or can not write', () => {
    for (const code of [5, 261, 517, 6, 13, 10, 8, 1])
      expect(brokenInSqlite(sqlite(code))).to.equal(undefined);
    expect([5, 261, 517].every((code) => isBusy(sqlite(code)))).to.equal(true);
  });
});
