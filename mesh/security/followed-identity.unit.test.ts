import { expect } from 'chai';
import { StartupError } from '../runtime/startup-error.js';
import { type CollectingLog, collectingLog } from '../testing/collecting-log.js';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.js';
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.js';
import { type FollowedIdentity, followIdentity } from './followed-identity.js';
import { writePrivateFile } from './private-file.js';
import { testAuthority } from './test-certificates.test.js';
import { identityFiles, type WorkloadIdentity } from './workload-identity.js';

const minuteMs = 60_000;

describe('a followed identity', () => {
  const authority = testAuthority();
  const [old, renewed] = [authority.identityOf('cart'), authority.identityOf('cart')];
  let folder: TemporaryFolder;
  let time: VirtualClock;
  let log: CollectingLog;
  let followed: FollowedIdentity;
  let told: WorkloadIdentity[];
  const write = (identity: WorkloadIdentity) => {
    const files = identityFiles(folder.path, 'cart');
    writePrivateFile(files.key, identity.keyPem);
    writePrivateFile(files.certificate, identity.certificatePem);
    writePrivateFile(files.ca, identity.caPem);
  };
  const follow = () =>
    followIdentity({ folder: folder.path, service: 'cart', ambient: time, log, everyMs: minuteMs });
  beforeEach(() => {
    folder = temporaryFolder();
    time = virtualClock({ startMs: Date.now() });
    log = collectingLog();
    told = [];
    write(old);
    followed = follow();
    followed.onChange((identity) => told.push(identity));
  });
  afterEach(() => {
    followed.close();
    expect(time.pendingTimers()).to.equal(0);
    folder.remove();
  });

  it('is what is there at first, and says nothing while nothing changes', async () => {
    await time.advance(5 * minuteMs);
    expect(followed.current()).to.deep.equal(old);
    expect(told).to.deep.equal([]);
  });

  it('is the renewed one at the next look', async () => {
    write(renewed);
    await time.advance(minuteMs);
    expect(followed.current()).to.deep.equal(renewed);
    expect(told).to.deep.equal([renewed]);
    await time.advance(5 * minuteMs);
    expect(told, 'told once').to.have.length(1);
  });

  it('stays in the middle of a renewal, when the key is new and the certificate is not', async () => {
    writePrivateFile(identityFiles(folder.path, 'cart').key, renewed.keyPem);
    await time.advance(minuteMs);
    expect(followed.current()).to.deep.equal(old);
    expect(log.lines.map(({ level }) => level)).to.deep.equal(['warn']);
    write(renewed);
    await time.advance(minuteMs);
    expect(followed.current()).to.deep.equal(renewed);
  });

  it('stays when the files are gone', async () => {
    folder.remove();
    await time.advance(minuteMs);
    expect(followed.current()).to.deep.equal(old);
  });

  it('must be good at first', () => {
    write({ ...old, keyPem: renewed.keyPem });
    expect(follow).to.throw(StartupError, /does not belong to its key/);
  });
});
