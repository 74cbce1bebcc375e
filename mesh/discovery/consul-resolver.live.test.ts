import { expect } from 'chai';
import { machineAmbient } from '../runtime/ambient.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { type ConsulProcess, consulProcess } from './consul-process.test.js';
import { createConsulResolver } from './consul-resolver.js';
import { remoteResolverContract } from './contract-suite.js';
import type { Endpoint } from './resolver.js';

const graceMs = 3_000;

describe('with a Consul', function () {
  this.timeout(30_000);
  let consul: ConsulProcess;
  before(async () => {
    consul = await consulProcess();
    await consul.start();
  });
  after(() => consul?.close());

  remoteResolverContract('Consul', async () => {
    const log = collectingLog();
    const resolver = createConsulResolver({
      ambient: machineAmbient(),
      log,
      graceMs,
      address: consul.address,
    });
    const published = new Map<string, string>();
    const publish = async (service: string, endpoints: readonly Endpoint[]) => {
      for (const { instanceId, address, port } of endpoints) {
        published.set(instanceId, service);
        const body = { ID: instanceId, Name: service, Address: address, Port: port };
        await consul.request('PUT', '/v1/agent/service/register', body);
      }
      const gone = [...published].filter(
        ([id, name]) => name === service && !endpoints.some(({ instanceId }) => instanceId === id),
      );
      for (const [id] of gone) {
        published.delete(id);
        await consul.request('PUT', `/v1/agent/service/deregister/${id}`);
      }
    };
    return {
      resolver,
      graceMs,
      publish,
      goAway: async () => {
        await consul.kill();
        await eventually(() =>
          expect(log.lines.map(({ message }) => message)).to.include(
            'discovery does not answer: the last list stands',
          ),
        );
      },
      comeBack: async (service, endpoints) => {
        consul.forgetAll();
        published.clear();
        await consul.start();
        await publish(service, endpoints);
      },
      close: async () => {
        for (const service of new Set(published.values())) await publish(service, []);
      },
    };
  });
});
