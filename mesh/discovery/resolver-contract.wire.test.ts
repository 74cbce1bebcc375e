import { expect } from 'chai';
import { machineAmbient } from '../runtime/ambient.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { endpointAt, remoteResolverContract, resolverContract } from './contract-suite.js';
import { detouredResolver } from './detour.js';
import { createDnsResolver } from './dns-resolver.js';
import type { Endpoint } from './resolver.js';
import { createStaticResolver } from './static-resolver.js';

const graceMs = 200;

resolverContract('static', async () => {
  const resolver = createStaticResolver({ ambient: machineAmbient(), log: collectingLog(), graceMs });
  return {
    resolver,
    graceMs,
    publish: async (service, endpoints) => resolver.set(service, endpoints),
    close: async () => undefined,
  };
});

resolverContract('static, detoured to where it would go anyway', async () => {
  const ambient = machineAmbient();
  const log = collectingLog();
  const lists = createStaticResolver({ ambient, log, graceMs });
  return {
    resolver: detouredResolver(lists, {
      detour: async (_callee, { address, port }) => ({ address, port }),
      timers: ambient.timers,
      log,
    }),
    graceMs,
    publish: async (service, endpoints) => lists.set(service, endpoints),
    close: async () => undefined,
  };
});

/** A name server for SRV records of loopback addresses. */
function nameServer() {
  const records = new Map<string, readonly Endpoint[]>();
  let answers = true;
  let asked = 0;
  const missing = () => Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
  return {
    records,
    asked: () => asked,
    setAnswers: (does: boolean) => {
      answers = does;
    },
    dns: {
      resolveSrv: async (name: string) => {
        asked += 1;
        if (!answers) throw Object.assign(new Error('server failure'), { code: 'ESERVFAIL' });
        const found = records.get(name) ?? [];
        return found.length === 0 ? missing() : found.map(({ port }) => ({ name: 'localhost', port }));
      },
      resolve4: async () => ['127.0.0.1'],
      resolve6: () => missing(),
    },
  };
}

remoteResolverContract('DNS', async () => {
  const server = nameServer();
  const resolver = createDnsResolver({
    ambient: machineAmbient(),
    log: collectingLog(),
    graceMs,
    dns: server.dns,
    nameOf: (service) => ({ kind: 'srv', name: service }),
    everyMs: 10,
  });
  return {
    resolver,
    graceMs,
    publish: async (service, endpoints) => void server.records.set(service, endpoints),
    goAway: async () => {
      server.setAnswers(false);
      const before = server.asked();
      await eventually(() => expect(server.asked()).to.be.above(before + 1));
    },
    comeBack: async (service, endpoints) => {
      server.records.set(service, endpoints);
      server.setAnswers(true);
    },
    close: async () => undefined,
  };
});

describe('the static resolver', () => {
  it('refuses an endpoint that nobody can dial', () => {
    const resolver = createStaticResolver({ ambient: machineAmbient(), log: collectingLog() });
    for (const wrong of [
      endpointAt(0),
      endpointAt(65_536),
      endpointAt(1.5),
      endpointAt(80, { address: 'localhost' }),
      endpointAt(80, { address: '0.0.0.0' }),
      endpointAt(80, { address: '::' }),
      endpointAt(80, { address: '239.1.1.1' }),
      endpointAt(80, { address: '' }),
    ])
      expect(() => resolver.set('catalog', [wrong])).to.throw(TypeError, /^catalog /);
  });
});
