import { expect } from 'chai';
import fc from 'fast-check';
import { readEntry } from './consul-entry.js';
import { addressProblem } from './endpoint.js';

const entry = (service: object = {}, node: unknown = { Address: '10.0.0.9' }) => ({
  Node: node,
  Service: { ID: 'catalog-1.1', Service: 'catalog', Address: '10.0.0.1', Port: 80, ...service },
});

describe("an entry of Consul's", () => {
  it('is read with its version, zone and virtual address', () => {
    const given = entry({
      Meta: { version: '1.2.3', zone: 'a' },
      TaggedAddresses: { virtual: { Address: '10.96.0.1', Port: 50_051 } },
    });
    expect(readEntry('catalog', given).endpoint).to.deep.equal({
      instanceId: 'catalog-1.1',
      address: '10.0.0.1',
      port: 80,
      version: '1.2.3',
      zone: 'a',
      virtual: { address: '10.96.0.1', port: 50_051 },
    });
  });

  it("has its node's address when it has none of its own", () => {
    expect(readEntry('catalog', entry({ Address: '' })).endpoint?.address).to.equal('10.0.0.9');
  });

  it('loses words that are none', () => {
    const meta = { version: 'x'.repeat(65), zone: 'a\nb' };
    const { endpoint } = readEntry('catalog', entry({ Meta: meta }));
    expect(endpoint).to.include({ version: '' }).and.not.to.have.property('zone');
  });

  const wrong: readonly (readonly [what: string, entry: unknown, problem: RegExp])[] = [
    ['nothing', undefined, /id/],
    ['null', null, /id/],
    ['a number', 7, /id/],
    ['no service', { Node: {} }, /id/],
    ['an id with a line break', entry({ ID: 'a\nb' }), /id/],
    ['an id without an end', entry({ ID: 'a'.repeat(129) }), /id/],
    ['a number for an id', entry({ ID: 5 }), /id/],
    ["another service's", entry({ Service: 'payment' }), /another service/],
    ['a host name', entry({ Address: 'evil.example' }), /not an IP address/],
    ['no address at all', entry({ Address: '' }, {}), /not an IP address/],
    ['an object for an address', entry({ Address: { toString: 1 } }), /not an IP address/],
    ['the address of all machines', entry({ Address: '255.255.255.255' }), /not that of one machine/],
    ['port 0', entry({ Port: 0 }), /port/],
    ['a port too high', entry({ Port: 65_536 }), /port/],
    ['a negative port', entry({ Port: -1 }), /port/],
    ['a port as text', entry({ Port: '80' }), /port/],
    ['a fraction of a port', entry({ Port: 80.5 }), /port/],
    [
      'a wrong virtual address',
      entry({ TaggedAddresses: { virtual: { Address: 'x', Port: 1 } } }),
      /virtual/,
    ],
    [
      'a wrong virtual port',
      entry({ TaggedAddresses: { virtual: { Address: '10.0.0.1', Port: 0 } } }),
      /virtual/,
    ],
  ];
  for (const [what, given, problem] of wrong) {
    it(`is left out when it has ${what}`, () => {
      const read = readEntry('catalog', given);
      expect(read.endpoint).to.equal(undefined);
      expect(read.problem).to.match(problem);
    });
  }

  it('is read or left out whatever it is, and what is read can be dialled', () => {
    const anything = fc.anything();
    const shaped = fc.record(
      {
        Node: fc.oneof(anything, fc.record({ Address: fc.oneof(anything, fc.ipV4()) })),
        Service: fc.oneof(
          anything,
          fc.record({
            ID: fc.oneof(anything, fc.constant('catalog-1.1')),
            Service: fc.oneof(anything, fc.constant('catalog')),
            Address: fc.oneof(anything, fc.ipV4(), fc.ipV6()),
            Port: fc.oneof(anything, fc.integer()),
            Meta: anything,
            TaggedAddresses: anything,
          }),
        ),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(shaped, (given) => {
        const { endpoint } = readEntry('catalog', given);
        if (endpoint !== undefined) expect(addressProblem(endpoint)).to.equal(undefined);
      }),
      { numRuns: 500 },
    );
  });
});
