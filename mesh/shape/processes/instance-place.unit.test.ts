import { expect } from 'chai';
import { StartupError } from '../../runtime/startup-error.js';
import { collectingLog } from '../../testing/collecting-log.js';
import { virtualClock } from '../../testing/virtual-clock.js';
import {
  authorityOf,
  placeOf,
  placeText,
  readPlace,
  registeredAuthority,
  virtualAddressOf,
} from './instance-place.js';

describe('the place of an instance', () => {
  it('is free ports on loopback where nothing is said', () => {
    expect(readPlace({ HOST: '0.0.0.0', GRPC_PORT: '50051', ADMIN_PORT: '9464' })).to.deep.equal({
      host: '127.0.0.1',
      grpcPort: 0,
      adminHost: '127.0.0.1',
      adminPort: 0,
      address: undefined,
      virtualHost: undefined,
      authorityDomain: undefined,
      drainMs: 5_000,
    });
  });

  it('is what a pod says', () => {
    const place = readPlace({
      INSTANCE_HOST: '0.0.0.0',
      INSTANCE_PORT: '50051',
      INSTANCE_ADMIN_PORT: '9464',
      INSTANCE_ADDRESS: '10.1.2.3',
      AUTHORITY_DOMAIN: 'shop.svc.cluster.local',
      DRAIN_MS: '15000',
    });
    expect(place).to.include({
      host: '0.0.0.0',
      grpcPort: 50_051,
      adminPort: 9_464,
      address: '10.1.2.3',
      drainMs: 15_000,
    });
    expect(authorityOf(place, 'catalog')).to.equal('catalog.shop.svc.cluster.local');
    expect(registeredAuthority(place, 'catalog', 50_051)).to.equal('catalog.shop.svc.cluster.local:50051');
    expect(authorityOf(readPlace({}), 'catalog')).to.equal('catalog');
    expect(registeredAuthority(readPlace({}), 'catalog', 50_051)).to.equal('catalog');
  });

  for (const [variable, value] of [
    ['INSTANCE_PORT', 'many'],
    ['INSTANCE_ADMIN_PORT', '70000'],
    ['INSTANCE_ADDRESS', 'catalog'],
    ['VIRTUAL_HOST', 'a b'],
    ['AUTHORITY_DOMAIN', 'shop/../x'],
    ['DRAIN_MS', '-1'],
  ] as const) {
    it(`is refused with the name of the variable: ${variable}=${value}`, () => {
      expect(() => readPlace({ [variable]: value })).to.throw(StartupError, `${variable} is '${value}'`);
    });
  }

  it('is written and read with addresses of both versions', () => {
    for (const [address, text] of [
      ['10.0.0.1', '10.0.0.1:50051'],
      ['fd00::1', '[fd00::1]:50051'],
    ] as const) {
      expect(placeText({ address, port: 50_051 })).to.equal(text);
      expect(placeOf(text)).to.deep.equal({ address, port: 50_051 });
    }
  });
});

describe('the address that stands for all', () => {
  const setup = () => {
    const clock = virtualClock();
    const log = collectingLog();
    const place = readPlace({ VIRTUAL_HOST: 'catalog.shop.svc.cluster.local' });
    return { clock, log, place };
  };

  it('is that of the name, with the port of the contracts', async () => {
    const { clock, log, place } = setup();
    const look = async (host: string) => ({ address: host === place.virtualHost ? '10.96.0.7' : '' });
    expect(await virtualAddressOf(place, 50_051, { ambient: clock, log, look })).to.deep.equal({
      address: '10.96.0.7',
      port: 50_051,
    });
  });

  it('is asked for again while names can not be looked up', async () => {
    const { clock, log, place } = setup();
    let asked = 0;
    const look = async () => {
      asked += 1;
      if (asked < 3) throw new Error('EAI_AGAIN');
      return { address: '10.96.0.7' };
    };
    const found = virtualAddressOf(place, 1, { ambient: clock, log, look });
    await clock.advance(1_000);
    expect(await found).to.deep.equal({ address: '10.96.0.7', port: 1 });
  });

  it('is none, and told of, when there never is one; and none where no name is', async () => {
    const { clock, log, place } = setup();
    const look = () => Promise.reject(new Error('ENOTFOUND'));
    const found = virtualAddressOf(place, 1, { ambient: clock, log, look });
    await clock.advance(10_000);
    expect(await found).to.equal(undefined);
    expect(log.lines.map(({ message }) => message)).to.deep.equal([
      'VIRTUAL_HOST has no address: registered without',
    ]);
    expect(await virtualAddressOf(readPlace({}), 1, { ambient: clock, log, look })).to.equal(undefined);
  });
});
