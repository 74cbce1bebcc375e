import { expect } from 'chai';
import { collectingLog } from '../testing/collecting-log.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { createDnsResolver, type DnsLookups, type DnsName } from './dns-resolver.js';

const failing = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));

function setUp(
  lookups: Partial<DnsLookups>,
  name: DnsName = { kind: 'address', name: 'catalog.shop', port: 50_051 },
) {
  const time = virtualClock();
  const log = collectingLog();
  const dns: DnsLookups = {
    resolve4: () => failing('ENODATA'),
    resolve6: () => failing('ENODATA'),
    resolveSrv: () => failing('ENODATA'),
    ...lookups,
  };
  const resolver = createDnsResolver({ ambient: time, log, dns, nameOf: () => name });
  const told: string[] = [];
  const stop = resolver.watch('catalog', (endpoints) =>
    told.push(endpoints.map(({ instanceId }) => instanceId).join(' ')),
  );
  return { time, log, told, stop };
}

describe('the DNS resolver', () => {
  it('takes the addresses of both kinds with the known port', async () => {
    const { time, told } = setUp({
      resolve4: async () => ['10.0.0.2', '10.0.0.1'],
      resolve6: async () => ['fd00::1'],
    });
    await time.settle();
    expect(told).to.deep.equal(['10.0.0.1:50051 10.0.0.2:50051 [fd00::1]:50051']);
  });

  it('takes the ports from SRV records, and asks for the addresses of their targets', async () => {
    const asked: string[] = [];
    const { time, told } = setUp(
      {
        resolveSrv: async () => [
          { name: 'one.shop', port: 1 },
          { name: 'two.shop', port: 2 },
        ],
        resolve4: async (name) => {
          asked.push(name);
          return name === 'one.shop' ? ['10.0.0.1'] : ['10.0.0.2'];
        },
      },
      { kind: 'srv', name: '_grpc._tcp.catalog.shop' },
    );
    await time.settle();
    expect(asked).to.deep.equal(['one.shop', 'two.shop']);
    expect(told).to.deep.equal(['10.0.0.1:1 10.0.0.2:2']);
  });

  it('reads the target "." as no service at all (RFC 2782)', async () => {
    const { time, told } = setUp(
      { resolveSrv: async () => [{ name: '.', port: 0 }] },
      { kind: 'srv', name: 'catalog.shop' },
    );
    await time.settle();
    expect(told).to.deep.equal(['']);
  });

  it('asks again after the pause, and only one at a time', async () => {
    let asked = 0;
    let answer: (addresses: string[]) => void = () => undefined;
    const { time, told, stop } = setUp({
      resolve4: () => {
        asked += 1;
        return new Promise((resolve) => {
          answer = resolve;
        });
      },
    });
    await time.advance(1_999);
    expect(asked).to.equal(1);
    answer(['10.0.0.1']);
    await time.advance(4_999);
    expect(asked).to.equal(1);
    await time.advance(1);
    expect(asked).to.equal(2);
    answer(['10.0.0.2']);
    await time.settle();
    expect(told).to.deep.equal(['10.0.0.1:50051', '10.0.0.2:50051']);
    stop();
    await time.advance(60_000);
    expect(asked).to.equal(2);
    expect(time.pendingTimers()).to.equal(0);
  });

  it('gives a look-up up that takes too long, and says so', async () => {
    const { time, log, told } = setUp({ resolve4: () => new Promise(() => undefined) });
    await time.advance(2_000);
    expect(log.lines.map(({ fields }) => fields['problem'])).to.deep.equal(['no answer within 2000 ms']);
    expect(told).to.deep.equal([]);
  });

  it('does not mind that one kind of address fails while the other answers', async () => {
    const { time, told } = setUp({
      resolve4: async () => ['10.0.0.1'],
      resolve6: () => failing('ESERVFAIL'),
    });
    await time.settle();
    expect(told).to.deep.equal(['10.0.0.1:50051']);
  });

  it('leaves out what can not be dialled, and believes no flood of records', async () => {
    let addresses = ['10.0.0.1', 'not an address', '0.0.0.0'];
    const { time, log, told } = setUp({ resolve4: async () => addresses });
    await time.settle();
    expect(told).to.deep.equal(['10.0.0.1:50051']);
    expect(log.lines.filter(({ message }) => message === 'an instance was left out')).to.have.length(2);
    addresses = Array.from({ length: 1_001 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    await time.advance(5_000);
    expect(told).to.have.length(1);
  });
});
