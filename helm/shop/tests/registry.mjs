import { eventually, json, test } from './shop.mjs';

const { CONSUL_URL: consul, SERVICES: services = '', NAMESPACE: namespace, VIRTUAL: virtual } = process.env;

for (const service of services.split(' ')) {
  await test(`Consul has ${service}: healthy, with the pod's address and the authority of the contract`, () =>
    eventually('an instance', async () => {
      const entries = await json(`${consul}/v1/health/service/${service}?passing`);
      if (entries.length === 0) throw new Error('none passes');
      for (const { Service } of entries) {
        if (!Service.Meta.authority?.startsWith(`${service}.${namespace}.svc.`))
          throw new Error(`authority ${Service.Meta.authority}`);
        if (Service.Port !== 50051) throw new Error(`port ${Service.Port}`);
        if (virtual === 'true' && Service.TaggedAddresses?.virtual?.Port !== 50051)
          throw new Error('no virtual address');
      }
      return `${entries.length} at ${entries.map(({ Service }) => Service.Address).join(', ')}`;
    }));
}
