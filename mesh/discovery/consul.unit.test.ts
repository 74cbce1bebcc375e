import { expect } from 'chai';
import fc from 'fast-check';
import { machineAmbient } from '../runtime/ambient.js';
import { StartupError } from '../runtime/startup-error.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { consulUrl, openConsul } from './consul-client.js';
import { registrationBody, requireRegistration } from './consul-registration.js';
import { pauseAfter } from './consul-resolver.js';
import type { Registration } from './registry.js';

describe('the address of Consul', () => {
  it('is read as people write it', () => {
    expect(consulUrl('127.0.0.1:8500').origin).to.equal('http://127.0.0.1:8500');
    expect(consulUrl('consul.example').origin).to.equal('http://consul.example');
    expect(consulUrl('http://[::1]:8500/').origin).to.equal('http://[::1]:8500');
    expect(consulUrl('https://consul.example:8501').origin).to.equal('https://consul.example:8501');
  });

  for (const wrong of [
    '',
    'http://',
    'unix:///run/consul.sock',
    'ftp://consul',
    'a b',
    '127.0.0.1:99999',
    '127.0.0.1:0',
    'http://user@consul',
    'http://consul/path',
    'http://consul?x=1',
  ]) {
    it(`is refused with one clear line when it is '${wrong}'`, () => {
      expect(() => consulUrl(wrong)).to.throw(StartupError, `CONSUL_HTTP_ADDR is '${wrong}'`);
    });
  }
});

describe("the file with Consul's token", () => {
  const address = '127.0.0.1:1';

  it('is read each time, so that the token can be changed', () => {
    const folder = temporaryFolder();
    const tokenFile = folder.write('token', 'one\n');
    const consul = openConsul({ address, tokenFile }, machineAmbient());
    expect(consul.access()).to.deep.equal({ token: 'one' });
    folder.write('token', 'two');
    expect(consul.access()).to.deep.equal({ token: 'two' });
    folder.remove();
  });

  it('is missed at once', () => {
    const open = () => openConsul({ address, tokenFile: '/nowhere/token' }, machineAmbient());
    expect(open).to.throw(StartupError, /\/nowhere\/token .*ENOENT/);
  });

  it('need not be', () => {
    expect(openConsul({ address }, machineAmbient()).access()).to.deep.equal({});
  });
});

describe('the pause after a failure', () => {
  it('grows from a tenth of a second to two, spread by a fifth', () => {
    expect(pauseAfter(1, 0.5)).to.equal(100);
    expect(pauseAfter(3, 0.5)).to.equal(400);
    expect(pauseAfter(9, 0.5)).to.equal(2_000);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, chance) => {
          expect(pauseAfter(failures, chance)).to.be.within(80, 2_400);
        },
      ),
    );
  });
});

describe('a registration', () => {
  const registration: Registration = {
    service: 'catalog',
    instanceId: 'catalog-1.1',
    address: '10.0.0.1',
    port: 1,
    meta: { version: '1' },
  };

  it('begins with a check that is as the instance is', () => {
    expect(registrationBody(registration, { serving: true }, 1_300)).to.have.nested.include({
      'Check.Status': 'passing',
      'Check.TTL': '1300ms',
      'Check.DeregisterCriticalServiceAfter': '1m',
    });
    expect(registrationBody(registration, { serving: false }, 1_300)).to.have.nested.property(
      'Check.Status',
      'critical',
    );
  });

  for (const [what, changes] of Object.entries<Partial<Registration>>({
    'the name of a service': { service: 'Catalog!' },
    'an id': { instanceId: 'a b' },
    'an address': { address: 'localhost' },
    'a port': { port: 0 },
    'a virtual address': { virtual: { address: '', port: 1 } },
    'a name of meta': { meta: { 'a b': '' } },
    'a value of meta': { meta: { a: 'x'.repeat(513) } },
  })) {
    it(`is refused when ${what} is none`, () => {
      expect(() => requireRegistration({ ...registration, ...changes })).to.throw(
        TypeError,
        /catalog|service/i,
      );
    });
  }
});
