import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type TemporaryFolder, temporaryFolder } from '../../testing/temporary-folder.js';
import { findProgram } from './find-program.js';

describe('findProgram', () => {
  let folder: TemporaryFolder;
  const program = (path: string) => {
    const file = folder.write(path, '');
    chmodSync(file, 0o755);
    return file;
  };
  const path = () => ['', 'nowhere', 'one', 'two'].map((name) => name && join(folder.path, name)).join(':');

  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('takes the first folder of the path that has it', () => {
    const first = program('one/consul');
    program('two/consul');
    expect(findProgram(['consul'], path())).to.equal(first);
  });

  it('takes the first of the names, wherever it is', () => {
    program('one/valkey-server');
    const redis = program('two/redis-server');
    expect(findProgram(['redis-server', 'valkey-server'], path())).to.equal(redis);
  });

  it('takes neither a folder of that name nor a file that may not be run', () => {
    folder.write('one/consul/kept', '');
    folder.write('two/redis-server', '');
    expect(findProgram(['consul', 'redis-server'], path())).to.equal(undefined);
  });

  it('finds nothing where there is no path', () => {
    expect(findProgram(['consul'], undefined)).to.equal(undefined);
  });
});
