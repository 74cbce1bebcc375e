import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type TemporaryFolder, temporaryFolder } from '../../testing/temporary-folder.js';
import { withoutPrivileges } from '../../testing/without-privileges.js';
import { letThrough, runAsOf } from './run-as.js';

const nobody = { uid: 65_534, gid: 65_534 };
const kind = { name: 'postgres', user: 'postgres', addressVariable: 'POSTGRES_URL' } as const;

describe('a server that refuses to run as the superuser', () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('runs as it is where nobody is the superuser, and where it does not mind', () => {
    expect(withoutPrivileges(() => runAsOf(kind))).to.equal(undefined);
    expect(runAsOf({ name: kind.name, addressVariable: kind.addressVariable })).to.equal(undefined);
  });

  const itAsRoot = process.geteuid?.() === 0 ? it : it.skip;
  itAsRoot('runs as its own user where the superuser starts it, or one line says that there is none', () => {
    expect(runAsOf({ ...kind, user: 'nobody' }))
      .to.have.property('uid')
      .that.is.greaterThan(0);
    expect(() => runAsOf({ ...kind, user: 'no-such-user' })).to.throw(
      /^postgres refuses to run as root, and there is no user no-such-user: start the shop as another user.*POSTGRES_URL$/,
    );
  });

  it('is let through the data folder, and sees no list of what is in it', () => {
    letThrough(folder.path, nobody, kind);
    expect(statSync(folder.path).mode & 0o777).to.equal(0o711);
  });

  it('is told of where a folder above is closed to it', () => {
    const data = join(folder.path, 'data');
    mkdirSync(data);
    chmodSync(folder.path, 0o700);
    expect(() => letThrough(data, nobody, kind)).to.throw(
      `postgres runs as the user postgres, who can't pass ${folder.path} to the data folder ${data}`,
    );
  });
});
