import { expect } from 'chai';
import type { Endpoint, EndpointListener } from './resolver.js';
import { virtualAddresses } from './virtual-addresses.js';

const virtual = { address: '10.96.0.7', port: 50051 };
const one: Endpoint = { instanceId: 'a', address: '10.0.0.1', port: 50051, version: '1', virtual };

describe('a resolver of virtual addresses', () => {
  const told: (readonly Endpoint[])[] = [];
  let tell: EndpointListener = () => undefined;
  let closed = false;
  const resolver = virtualAddresses({
    watch: (_service, listener) => {
      tell = listener;
      return () => undefined;
    },
    close: () => {
      closed = true;
    },
  });
  resolver.watch('catalog', (endpoints) => told.push(endpoints));
  const last = () => told.at(-1)?.map(({ instanceId, address, port }) => [instanceId, address, port]);

  it('gives the address that stands for all instead of each own', () => {
    tell([one, { ...one, instanceId: 'b', address: '10.0.0.2' }]);
    expect(last()).to.deep.equal([
      ['a', '10.96.0.7', 50051],
      ['b', '10.96.0.7', 50051],
    ]);
  });

  it('gives the own address of an instance that has no other', () => {
    const { virtual: _, ...alone } = one;
    tell([alone]);
    expect(last()).to.deep.equal([['a', '10.0.0.1', 50051]]);
  });

  it('says nothing when an instance moves behind it', () => {
    tell([one]);
    const before = told.length;
    tell([{ ...one, address: '10.0.0.9' }]);
    expect(told.length).to.equal(before);
  });

  it('gives nothing where the registry has nobody', () => {
    tell([]);
    expect(last()).to.deep.equal([]);
  });

  it('ends with the one it asks', () => {
    resolver.close();
    expect(closed).to.equal(true);
  });
});
