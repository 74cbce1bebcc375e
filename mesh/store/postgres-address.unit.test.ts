import { expect } from 'chai';
import { StartupError } from '../runtime/startup-error.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { postgresAddressOf, postgresNameOf, postgresPasswordIn } from './postgres-address.js';
import { scramVerifier } from './postgres-provision.js';

describe('the address of a PostgreSQL', () => {
  it('has the usual port, user and database where nothing else is said, and no TLS', () => {
    expect(postgresAddressOf('postgres://127.0.0.1')).to.deep.equal({
      host: '127.0.0.1',
      port: 5432,
      admin: 'postgres',
      database: 'postgres',
      tls: undefined,
    });
  });

  it('says all of it', () => {
    const folder = temporaryFolder();
    const file = folder.write('root.pem', 'certificates');
    const url = `postgresql://ad%6Din@[::1]:6000/shop?sslmode=verify-full&sslrootcert=${encodeURIComponent(file)}`;
    expect(postgresAddressOf(url)).to.deep.equal({
      host: '::1',
      port: 6000,
      admin: 'admin',
      database: 'shop',
      tls: { authorities: 'certificates' },
    });
    folder.remove();
  });

  for (const [address, says] of [
    ['', /^POSTGRES_URL is '': give it as postgres:/],
    ['localhost:5432', /^POSTGRES_URL is 'localhost:5432'/],
    ['mysql://127.0.0.1', /^POSTGRES_URL is 'mysql:/],
    ['postgres://me:hidden@127.0.0.1', /^POSTGRES_URL holds a password: /],
    ['postgres://me:hidden#hidden@127.0.0.1', /^POSTGRES_URL is 'postgres:\/\/me:\*\*\*@127\.0\.0\.1'/],
    ['mysql://me:hidden@127.0.0.1', /^POSTGRES_URL is 'mysql:\/\/me:\*\*\*@127\.0\.0\.1'/],
    ['postgres://a%zz@h', /^POSTGRES_URL is 'postgres:\/\/a%zz@h'/],
    ['postgres://h/%zz', /^POSTGRES_URL is 'postgres:\/\/h\/%zz'/],
    [
      'postgres://h?sslmode=verify-full&sslrootcert=/',
      /^POSTGRES_URL names sslrootcert \/, which can't be read/,
    ],
    ['postgres://127.0.0.1?sslmode=require', /^POSTGRES_URL has sslmode=require: use verify-full/],
    ['postgres://127.0.0.1?password=hidden', /^POSTGRES_URL has 'password': leave it out/],
    [
      'postgres://h?sslmode=verify-full&sslrootcert=/nowhere',
      /^POSTGRES_URL names sslrootcert \/nowhere, which is not/,
    ],
  ] as const) {
    it(`is not '${address}'`, () => {
      expect(() => postgresAddressOf(address))
        .to.throw(says)
        .with.property('message')
        .that.does.not.include('hidden');
    });
  }

  it('has its password in a file', () => {
    const folder = temporaryFolder();
    expect(postgresPasswordIn(folder.write('password', 'secret\n'))).to.equal('secret');
    expect(() => postgresPasswordIn('/nowhere')).to.throw(
      /^POSTGRES_PASSWORD_FILE names \/nowhere, which is not there/,
    );
    expect(() => postgresPasswordIn(folder.path)).to.throw(
      StartupError,
      /^POSTGRES_PASSWORD_FILE names .*, which can't be read/,
    );
    folder.remove();
  });

  it('has a role and a database for each service', () => {
    expect(['order', 'card-vault'].map(postgresNameOf)).to.deep.equal([
      'meshmart_order',
      'meshmart_card_vault',
    ]);
  });
});

describe('what PostgreSQL keeps of a password', () => {
  it('is its verifier for SCRAM-SHA-256, in the form of RFC 5803, and not the password', () => {
    // The password, salt and iterations of the example in RFC 7677, whose server signature the server key leads to.
    const verifier = scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
    expect(verifier).to.equal(
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    );
  });
});
