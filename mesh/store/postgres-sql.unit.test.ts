import { expect } from 'chai';
import { withNumberedPlaceholders, withPostgresTypes } from './postgres-sql.js';

describe('SQL for PostgreSQL', () => {
  it('has its placeholders numbered in their order', () => {
    expect(withNumberedPlaceholders('UPDATE a SET b = b - ? WHERE c = ? AND d>=?')).to.equal(
      'UPDATE a SET b = b - $1 WHERE c = $2 AND d>=$3',
    );
  });

  for (const quoted of ["'who? ''me?'''", '"odd?""name?"', '-- why?\n', '/* why? */']) {
    it(`has question marks left alone in ${JSON.stringify(quoted)}`, () => {
      expect(withNumberedPlaceholders(`SELECT ? ${quoted} ?`)).to.equal(`SELECT $1 ${quoted} $2`);
    });
  }

  it('keeps signs that only look like the beginning of a comment', () => {
    expect(withNumberedPlaceholders('SELECT ? - ?/?')).to.equal('SELECT $1 - $2/$3');
  });

  it('has the types of its columns, and names that resemble them left alone', () => {
    expect(
      withPostgresTypes(
        'CREATE TABLE t (a INTEGER PRIMARY KEY, b blob, integer_b TEXT DEFAULT \'an INTEGER\', "BLOB" TEXT)',
      ),
    ).to.equal(
      'CREATE TABLE t (a BIGINT PRIMARY KEY, b BYTEA, integer_b TEXT DEFAULT \'an INTEGER\', "BLOB" TEXT)',
    );
  });
});
