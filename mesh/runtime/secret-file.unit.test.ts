import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { seededRandom } from '../testing/seeded-random.js';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.js';
import { withoutPrivileges } from '../testing/without-privileges.js';
import type { Manifest } from './manifest.js';
import { readOrMakeSecret, secretsOf } from './secret-file.js';
import { StartupError } from './startup-error.js';

const modeOf = (path: string) => statSync(path).mode & 0o777;

describe('a secret file', () => {
  let folder: TemporaryFolder;
  let path: string;
  beforeEach(() => {
    folder = temporaryFolder();
    path = join(folder.path, 'secrets', 'users-signing-key');
  });
  afterEach(() => folder.remove());

  const read = (seed = 1) => readOrMakeSecret(path, 32, seededRandom(seed));
  /** Puts a secret there as somebody else might have left it. */
  const leave = (bytes: number, mode: number) => {
    mkdirSync(join(folder.path, 'secrets'), { recursive: true });
    writeFileSync(path, new Uint8Array(bytes).fill(7));
    chmodSync(path, mode);
  };

  it('is made when it is missing, for its owner alone, and is the same ever after', () => {
    const made = read(1);
    expect(made).to.have.length(32);
    expect(modeOf(path)).to.equal(0o600);
    expect(modeOf(join(folder.path, 'secrets'))).to.equal(0o700);
    expect(Buffer.compare(read(2), made)).to.equal(0);
    expect(readdirSync(join(folder.path, 'secrets'))).to.deep.equal(['users-signing-key']);
  });

  it('is made whole though a start before died half way', () => {
    mkdirSync(join(folder.path, 'secrets'));
    writeFileSync(`${path}.new`, 'half', { mode: 0o600 });
    const made = read();
    expect(made).to.have.length(32);
    expect(Buffer.compare(readFileSync(path), made)).to.equal(0);
  });

  for (const bytes of [0, 31, 33]) {
    it(`of ${bytes} bytes instead of 32 is refused and left as it is`, () => {
      leave(bytes, 0o600);
      expect(() => read()).to.throw(
        StartupError,
        `secret ${path} has ${bytes} bytes instead of 32: restore it from a copy`,
      );
      expect(readFileSync(path)).to.have.length(bytes);
    });
  }

  for (const mode of [0o640, 0o604, 0o610, 0o666]) {
    it(`of mode ${mode.toString(8)} is refused`, () => {
      leave(32, mode);
      expect(() => read()).to.throw(
        StartupError,
        `secret ${path} can be read by others: run chmod 600 ${path}`,
      );
    });
  }

  it('of mode 400 is taken: nobody needs to write it', () => {
    leave(32, 0o400);
    expect(read()).to.have.length(32);
  });

  it('that is a folder is refused', () => {
    mkdirSync(path, { recursive: true });
    expect(() => read()).to.throw(StartupError, `secret ${path} can't be read: make it readable`);
  });

  it('that may not be read is refused and not made anew', () => {
    leave(32, 0o000);
    withoutPrivileges(() => {
      expect(() => read()).to.throw(StartupError, `secret ${path} can't be read`);
    });
    expect(statSync(path).size).to.equal(32);
  });

  it('that can not be written is refused', () => {
    mkdirSync(`${path}.new`, { recursive: true });
    expect(() => read()).to.throw(StartupError, `secret ${path} can't be written: make its folder writable`);
    expect(existsSync(path)).to.equal(false);
  });

  it('never shows its bytes in what it complains of', () => {
    leave(31, 0o600);
    writeFileSync(path, 'hush'.repeat(7));
    expect(() => read())
      .to.throw(StartupError)
      .with.property('message')
      .that.does.not.contain('hush');
  });

  describe('of a service', () => {
    const manifest = {
      name: 'payment',
      secrets: { 'vault-key': { bytes: 16, about: 'Encrypts.' } },
    } as unknown as Manifest;

    it('has the name and the length that the manifest declares', () => {
      const secret = secretsOf(manifest, join(folder.path, 'secrets'), seededRandom())('vault-key');
      expect(secret).to.have.length(16);
      expect(existsSync(join(folder.path, 'secrets', 'payment-vault-key'))).to.equal(true);
    });

    it('that it does not declare is refused, and no file is made', () => {
      expect(() => secretsOf(manifest, folder.path, seededRandom())('../other')).to.throw(
        StartupError,
        "services/payment/service.yaml does not declare secret '../other': declare it under secrets",
      );
      expect(readdirSync(folder.path)).to.deep.equal([]);
    });
  });
});
