import { expect } from 'chai';
import { StartupError } from '../runtime/startup-error.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { writePrivateFile } from './private-file.js';
import { testAuthority } from './test-certificates.test.js';
import { faultOf, identityFiles, readIdentity, type WorkloadIdentity } from './workload-identity.js';

const nowMs = Date.now();
const hourMs = 3_600_000;

describe('a workload identity', () => {
  const authority = testAuthority();
  const stranger = testAuthority();
  const good = authority.identityOf('cart');
  const temporary = temporaryFolder();
  after(() => temporary.remove());

  const write = (identity: WorkloadIdentity) => {
    const files = identityFiles(temporary.path, 'cart');
    writePrivateFile(files.certificate, identity.certificatePem);
    writePrivateFile(files.key, identity.keyPem);
    writePrivateFile(files.ca, identity.caPem);
  };

  it('is read from its three files', () => {
    write(good);
    expect(readIdentity(temporary.path, 'cart', { nowMs: () => nowMs })).to.deep.equal(good);
  });

  const past = { notBeforeMs: nowMs - 2 * hourMs, notAfterMs: nowMs - hourMs };
  const future = { notBeforeMs: nowMs + hourMs, notAfterMs: nowMs + 2 * hourMs };
  const faults: Record<string, [WorkloadIdentity, RegExp]> = {
    'it is another service': [authority.identityOf('catalog'), /is not that of cart/],
    'another authority signed it': [
      { ...stranger.identityOf('cart'), caPem: good.caPem },
      /not signed by ca\.pem/,
    ],
    'its key is another': [
      { ...good, keyPem: authority.identityOf('cart').keyPem },
      /does not belong to its key/,
    ],
    'its key is no key': [{ ...good, keyPem: 'x' }, /does not belong to its key/],
    'it is no certificate': [{ ...good, certificatePem: 'x' }, /is no certificate/],
    'the authority is none': [{ ...good, caPem: '' }, /ca\.pem is no certificate/],
    'it has expired': [authority.identityOf('cart', past), /has expired at/],
    'it does not hold yet': [authority.identityOf('cart', future), /holds from .* only/],
  };
  for (const [what, [identity, fault]] of Object.entries(faults)) {
    it(`is refused in one clear line when ${what}`, () => {
      expect(faultOf(identity, 'cart', nowMs)).to.match(fault);
      write(identity);
      expect(() => readIdentity(temporary.path, 'cart', { nowMs: () => nowMs }))
        .to.throw(StartupError, fault)
        .with.property('message')
        .that.includes('meshmart up')
        .and.not.includes('\n');
    });
  }

  it('ends with its authority', () => {
    expect(faultOf(good, 'cart', nowMs + 2 * hourMs)).to.match(/has expired/);
  });

  it('that is missing is told by the path and what makes it', () => {
    expect(() => readIdentity(temporary.path, 'order', { nowMs: () => nowMs })).to.throw(
      StartupError,
      /order\.pem is missing: .*meshmart up/,
    );
  });
});
