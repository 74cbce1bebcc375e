import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../mesh/runtime/package-root.js';
import { loadShop } from '../mesh/shape/loaded-shop.js';
import { temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { type Rendered, render } from './tools/rendered.js';
import { serviceContracts } from './tools/service-contract.js';

const shop = loadShop();

/** `kind name` of what differs. */
function differences(before: readonly Rendered[], after: readonly Rendered[]): string[] {
  const texts = (objects: readonly Rendered[]) =>
    new Map(objects.map((one) => [`${one.kind} ${one.metadata.name}`, JSON.stringify(one)]));
  const [one, other] = [texts(before), texts(after)];
  return [...new Set([...one.keys(), ...other.keys()])]
    .filter((key) => one.get(key) !== other.get(key))
    .sort();
}

describe('an uninstall', function () {
  this.timeout(60_000);

  it('leaves what services keep, and the Secrets without which nobody reads it', () => {
    const kept = (set: readonly string[]) =>
      render({ profile: 'minimal', set })
        .filter(({ metadata }) => metadata.annotations?.['helm.sh/resource-policy'] === 'keep')
        .map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    const secrets = shop.manifests.map(({ name }) => `Secret ${name}-secrets`);
    const claims = serviceContracts(shop)
      .filter(({ database }) => database)
      .map(({ name }) => `PersistentVolumeClaim ${name}-data`);
    expect(claims).to.include('PersistentVolumeClaim catalog-data');
    expect(kept([])).to.have.members([...secrets, ...claims]);
    expect(kept(['store.kind=postgres', 'postgres.enabled=true'])).to.have.members([
      ...secrets,
      'Secret postgres-admin',
    ]);
  });
});

describe('an upgrade', function () {
  this.timeout(60_000);
  const before = render();

  it('of one service changes one Deployment and nothing else', () => {
    const after = render({ set: ['services.catalog.image.tag=9.9.9'] });
    expect(differences(before, after)).to.deep.equal(['Deployment catalog']);
  });

  it('of one service by its digest, too', () => {
    const digest = `sha256:${'ab'.repeat(32)}`;
    const after = render({ set: [`services.cart.image.digest=${digest}`] });
    expect(differences(before, after)).to.deep.equal(['Deployment cart']);
    const cart = after.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'cart');
    expect(cart?.['spec'].template.spec.containers[0].image).to.equal(`meshmart/meshmart@${digest}`);
  });

  it('of one setting changes the service that has it', () => {
    const after = render({ set: ['services.inventory.settings.reservationSeconds=60'] });
    expect(differences(before, after)).to.deep.equal(['Deployment inventory']);
  });

  it('to another version of the charts changes no pod, and neither does another name of the release', () => {
    const folder = temporaryFolder();
    cpSync(join(packageRoot(), 'helm'), join(folder.path, 'helm'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    const chart = join(folder.path, 'helm/shop');
    const file = join(chart, 'Chart.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^(version|appVersion): .*/gm, '$1: 7.7.7'));
    expect(differences(before, render({ chart, release: 'another' }))).to.deep.equal([]);
    folder.remove();
  });

  it('that hands a service over takes away that service alone', () => {
    const after = render({ set: ['services.catalog.enabled=false'] });
    const gone = differences(before, after);
    expect(gone).to.include('Deployment catalog');
    expect(gone.filter((key) => !key.endsWith(' catalog'))).to.deep.equal([]);
  });

  it('by a canary adds its pods and a share of the calls, and leaves the others as they are', () => {
    const after = render({
      set: [
        'services.catalog.canary.enabled=true',
        'services.catalog.canary.image.tag=2.0.0',
        'services.catalog.canary.weight=10',
      ],
    });
    expect(differences(before, after)).to.deep.equal([
      'Deployment catalog-canary',
      'DestinationRule catalog',
      'Service catalog-canary',
      'Service catalog-stable',
      'VirtualService catalog',
    ]);
    const canary = after.find(
      ({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'catalog-canary',
    );
    expect(canary?.['spec'].template.metadata.labels).to.include({
      app: 'catalog',
      track: 'canary',
      version: '2.0.0',
    });
    const routes = after.find(
      ({ kind, metadata }) => kind === 'VirtualService' && metadata.name === 'catalog',
    );
    for (const { name, route } of routes?.['spec'].http ?? [])
      if (!name.startsWith('canary-by-header'))
        expect(
          route.map(({ weight }: { weight: number }) => weight),
          name,
        ).to.deep.equal([90, 10]);
  });
});
