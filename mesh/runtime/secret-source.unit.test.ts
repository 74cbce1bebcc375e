import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { seededRandom } from '../testing/seeded-random.js';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.js';
import { secretSource } from './secret-source.js';
import { StartupError } from './startup-error.js';

describe('a source of secrets', () => {
  let folder: TemporaryFolder;
  let made: string;
  let mounted: string;
  beforeEach(() => {
    folder = temporaryFolder();
    made = join(folder.path, 'secrets');
    mounted = join(folder.path, 'mounted');
    mkdirSync(mounted);
  });
  afterEach(() => folder.remove());

  const mount = (bytes: number, mode: number) => {
    const file = join(mounted, 'users-signing-key');
    writeFileSync(file, new Uint8Array(bytes).fill(7));
    chmodSync(file, mode);
  };
  const read = () =>
    secretSource({ MESHMART_SECRETS: mounted }, made, seededRandom(1))('users-signing-key', 32);

  it('makes what is missing in the data folder', () => {
    expect(secretSource({}, made, seededRandom(1))('users-signing-key', 32)).to.have.length(32);
    expect(existsSync(join(made, 'users-signing-key'))).to.equal(true);
  });

  it('reads what is mounted, and what its group may read, and makes nothing', () => {
    for (const mode of [0o400, 0o440, 0o600, 0o640]) {
      mount(32, mode);
      expect(read()).to.deep.equal(Buffer.alloc(32, 7));
    }
    expect(existsSync(made)).to.equal(false);
  });

  it('reads what is mounted the way Kubernetes does, by a link', () => {
    mkdirSync(join(mounted, '..data'));
    writeFileSync(join(mounted, '..data', 'users-signing-key'), new Uint8Array(32), { mode: 0o440 });
    symlinkSync('..data/users-signing-key', join(mounted, 'users-signing-key'));
    expect(read()).to.have.length(32);
  });

  it('says what is missing', () => {
    expect(read).to.throw(
      StartupError,
      /users-signing-key is missing: put it into the Secret that is mounted there/,
    );
  });

  it('refuses what has another length, or is open to others', () => {
    mount(31, 0o440);
    expect(read).to.throw(StartupError, /31 bytes instead of 32/);
    for (const mode of [0o444, 0o460, 0o442]) {
      mount(32, mode);
      expect(read, mode.toString(8)).to.throw(StartupError, /can be read by others/);
    }
  });
});
