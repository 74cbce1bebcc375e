import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect } from 'chai';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.js';
import { withoutPrivileges } from '../testing/without-privileges.js';
import { type DataFolder, isHeld, openDataFolder, type RunRecord, readRun } from './data-folder.js';
import { packageRoot } from './package-root.js';
import { StartupError } from './startup-error.js';

const record: RunRecord = {
  pid: 4711,
  shape: 'one-process',
  startedAt: '2026-01-01T00:00:00.000Z',
  httpUrl: 'http://127.0.0.1:8080',
  grpcAddress: '127.0.0.1:50051',
  adminUrl: 'http://127.0.0.1:9464',
};

describe('the data folder', () => {
  let temporary: TemporaryFolder;
  let opened: DataFolder[];
  let child: ChildProcess | undefined;
  beforeEach(() => {
    temporary = temporaryFolder();
    opened = [];
  });
  afterEach(() => {
    child?.kill('SIGKILL');
    child = undefined;
    for (const folder of opened) folder.release();
    temporary.remove();
  });

  const open = (path = join(temporary.path, 'data')) => {
    const folder = openDataFolder(path);
    opened.push(folder);
    return folder;
  };
  const release = (folder: DataFolder) => {
    opened.splice(opened.indexOf(folder), 1);
    folder.release();
  };
  const modeOf = (path: string) => statSync(path).mode & 0o777;

  it('is made when it is missing, for its owner alone', () => {
    const folder = open(join(temporary.path, 'some', 'where'));
    expect(folder.path).to.equal(join(temporary.path, 'some', 'where'));
    expect(modeOf(folder.path)).to.equal(0o700);
  });

  it('is told by an absolute path however it was named', () => {
    const folder = open(relative(process.cwd(), join(temporary.path, 'data')));
    expect(folder.path).to.equal(join(temporary.path, 'data'));
  });

  it('gives paths whose folders are there', () => {
    const folder = open();
    const file = folder.file('order', 'order.db');
    expect(file).to.equal(join(folder.path, 'order', 'order.db'));
    expect(modeOf(join(folder.path, 'order'))).to.equal(0o700);
    expect(existsSync(file)).to.equal(false);
  });

  it('tells what runs on it, for its owner alone, until it is released', () => {
    const folder = open();
    expect(readRun(folder.path)).to.equal(undefined);
    folder.writeRun(record);
    expect(readRun(folder.path)).to.deep.equal(record);
    expect(modeOf(join(folder.path, 'run.json'))).to.equal(0o600);
    expect(existsSync(join(folder.path, 'run.json.new'))).to.equal(false);
    release(folder);
    expect(readRun(folder.path)).to.equal(undefined);
  });

  it('tells of nothing when its record can not be read', () => {
    mkdirSync(join(temporary.path, 'data'));
    for (const text of ['', '{"pid": 47', 'null', '7', '[]']) {
      writeFileSync(join(temporary.path, 'data', 'run.json'), text);
      expect(readRun(join(temporary.path, 'data')), text).to.equal(undefined);
    }
  });

  it('is held while it is open, and not by what a killed mesh has left', () => {
    const path = join(temporary.path, 'data');
    expect(isHeld(path)).to.equal(false);
    const folder = open(path);
    expect(isHeld(path)).to.equal(true);
    release(folder);
    expect(isHeld(path)).to.equal(false);
    writeFileSync(join(path, 'run.json'), JSON.stringify(record));
    expect(isHeld(path)).to.equal(false);
    open(path);
    expect(readRun(path), 'the record of the one before').to.equal(undefined);
  });

  it('is not held where the lock is no lock', () => {
    temporary.write('data/lock.db', 'this is no database, and long enough to be looked at as one');
    expect(isHeld(join(temporary.path, 'data'))).to.equal(false);
  });

  describe('that a mesh runs on', () => {
    it('is refused to a second one, which is told who holds it', () => {
      const folder = open();
      expect(() => open()).to.throw(
        StartupError,
        `another mesh holds the data folder ${folder.path}: stop it with meshmart down, or name another folder in MESHMART_DATA`,
      );
      folder.writeRun(record);
      expect(() => open()).to.throw(
        StartupError,
        `holds the data folder ${folder.path} (process 4711): stop it`,
      );
      expect(readRun(folder.path)).to.deep.equal(record);
    });

    it('is refused whatever its record says', () => {
      const folder = open();
      writeFileSync(join(folder.path, 'run.json'), 'null');
      expect(() => open()).to.throw(StartupError, 'another mesh holds the data folder');
    });

    it('is free again once it is released, and another folder always was', () => {
      const first = open();
      open(join(temporary.path, 'other'));
      release(first);
      open();
    });

    it('is free again once its process was killed', async function () {
      this.timeout(30_000);
      const path = join(temporary.path, 'data');
      const source = `
        import { openDataFolder } from ${JSON.stringify(new URL('./data-folder.ts', import.meta.url).href)};
        openDataFolder(${JSON.stringify(path)}).writeRun(${JSON.stringify(record)});
        process.stdout.write('held');
        setInterval(() => undefined, 1000);`;
      const holder = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', source], {
        cwd: packageRoot(),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      child = holder;
      const [said] = (await once(holder.stdout, 'data')) as [Buffer];
      expect(said.toString()).to.equal('held');
      expect(() => open()).to.throw(StartupError, /another mesh holds .* \(process 4711\)/);
      holder.kill('SIGKILL');
      await once(holder, 'exit');
      open();
    });
  });

  describe('that can not be used is refused:', () => {
    const refused = (path: string, says: RegExp) => {
      expect(() => open(path))
        .to.throw(StartupError, says)
        .with.property('message')
        .that.does.not.contain('\n');
    };

    it('a file', () => {
      refused(temporary.write('file', ''), /^the data folder .*file can't be used \(\w+\): .*MESHMART_DATA$/);
    });

    it('a folder below a file', () => {
      refused(join(temporary.write('file', ''), 'data'), /can't be used \(ENOTDIR\)/);
    });

    it('a folder where there can be none, and at once', function () {
      if (process.platform !== 'linux') this.skip();
      refused('/proc/no-such-folder/data', /can't be used \(ENOENT\)/);
    });

    it('one whose part for a service is a file', () => {
      const folder = open(join(temporary.path, 'data'));
      temporary.write('data/order', '');
      expect(() => folder.file('order', 'order.db'))
        .to.throw(StartupError, /^the folder .*order can't be used \(EEXIST\): .*MESHMART_DATA$/)
        .with.property('message')
        .that.does.not.contain('\n');
    });

    it('a folder that may not be made', () => {
      chmodSync(temporary.path, 0o500);
      try {
        withoutPrivileges(() =>
          refused(
            join(temporary.path, 'data'),
            /can't be used \(EACCES\): make it a folder that you can read/,
          ),
        );
      } finally {
        chmodSync(temporary.path, 0o700);
      }
    });

    it("a folder whose lock is somebody else's file, which stays as it is", () => {
      const text = 'this is no database, and long enough to be looked at as one: '.repeat(20);
      const lock = temporary.write('data/lock.db', text);
      refused(
        join(temporary.path, 'data'),
        /lock\.db can't be opened: delete this file, or name another folder/,
      );
      expect(readFileSync(lock, 'utf8')).to.equal(text);
    });

    it('a folder whose lock is a folder', () => {
      mkdirSync(join(temporary.path, 'data', 'lock.db'), { recursive: true });
      refused(join(temporary.path, 'data'), /lock\.db can't be opened/);
    });
  });
});
