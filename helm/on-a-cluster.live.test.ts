import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { machineAmbient } from '../mesh/runtime/ambient.js';
import { loadShop } from '../mesh/shape/loaded-shop.js';
import { type KubernetesObject, renderOn } from './tools/asked-cluster.js';
import { shopSecrets } from './tools/shop-secrets.js';

/** The Secrets that `npm run helm:secrets` makes, as a cluster has them. */
const made = parseAllDocuments(shopSecrets(loadShop(), machineAmbient().random).manifests).map(
  (document) => document.toJS() as KubernetesObject,
);
const without = (name: string) => made.filter(({ metadata }) => metadata.name !== name);
const secret = (name: string, ...keys: string[]): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'shop' },
  data: Object.fromEntries(keys.map((key) => [key, 'dGV4dA=='])),
});

describe('an install on a cluster', function () {
  this.timeout(30_000);

  it('looks at nothing outside of its namespace, and goes on when all is there', async () => {
    const { output, problem } = await renderOn(made);
    expect(problem).to.not.match(/Error/);
    expect(output).to.match(/kind: Deployment/);
  });

  for (const [name, of] of [
    ['catalog-secrets', 'catalog'],
    ['postgres-admin', 'postgres'],
    ['redis-users', 'redis'],
  ] as const)
    it(`is refused with a sentence without the Secret ${name}, and with one that lacks its key`, async () => {
      const make = String.raw`make it with npm run --silent helm:secrets \| kubectl apply --namespace shop -f -`;
      expect((await renderOn(without(name))).problem).to.match(
        new RegExp(`the Secret ${name} of ${of} is not in namespace shop: ${make}`),
      );
      expect((await renderOn([...without(name), secret(name, 'other')])).problem).to.match(
        new RegExp(`the Secret ${name} of ${of} in namespace shop has no key [a-z.-]+: ${make}`),
      );
    });

  it("is refused without the Secret of Consul's token, the bus's password, the autoscaler's certificate", async () => {
    const rabbit = ['bus.kind=rabbitmq', 'bus.address=amqp://bus.example:5672', 'bus.existingSecret=bus'];
    for (const [set, message] of [
      [['consul.existingSecret=token'], /the Secret token of consul is not in namespace shop: make it with/],
      [rabbit, /the Secret bus of bus is not in namespace shop: make it with kubectl create secret/],
      [
        ['autoscaling.enabled=true', 'autoscaling.existingSecret=tls'],
        /the Secret tls of autoscaler is not in namespace shop: make it with a certificate of autoscaler\.shop\.svc/,
      ],
    ] as const)
      expect((await renderOn(made, { set })).problem).to.match(message);
  });

  const postgres = (storage: string): KubernetesObject => ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'postgres', namespace: 'shop' },
    spec: { volumeClaimTemplates: [{ spec: { resources: { requests: { storage } } } }] },
  });

  it('upgrades a server whose claim is as it was', async () => {
    for (const storage of ['2Gi', '2048Mi'])
      expect((await renderOn([...made, postgres(storage)])).problem).to.not.match(/Error/);
  });

  it('is refused with a sentence where a server that runs would get another claim', async () => {
    const has = "has a claim of 2048 MiB of storage class '', which can't be changed: set them back, or";
    for (const [set, asks] of [
      ['postgres.sizeMiB=4096', "a claim of 4096 MiB of storage class ''"],
      ['postgres.storageClass=fast', "a claim of 2048 MiB of storage class 'fast'"],
      ['postgres.persistent=false', 'no claim'],
    ] as const)
      expect((await renderOn([...made, postgres('2Gi')], { set: [set] })).problem).to.contain(
        `postgres.persistent, sizeMiB and storageClass ask for ${asks}, and the StatefulSet postgres in namespace shop ${has}`,
      );
  });

  it("tells the API server the authority that the autoscaler's Secret has", async () => {
    const set = ['autoscaling.enabled=true', 'autoscaling.existingSecret=tls'];
    const found = secret('tls', 'tls.crt', 'tls.key', 'ca.crt');
    expect((await renderOn([...made, found], { set })).output).to.match(/caBundle: dGV4dA==/);
  });
});
