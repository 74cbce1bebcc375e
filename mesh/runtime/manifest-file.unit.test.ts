import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadContract } from '../contract/image.js';
import { readPolicies } from '../contract/policy.js';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.js';
import { environmentName } from './manifest.js';
import { parseManifest, readManifests } from './manifest-file.js';
import { packageRoot } from './package-root.js';
import { StartupError } from './startup-error.js';

const contract = loadContract(readFileSync(join(packageRoot(), 'proto', 'image.binpb')));
const contracts = {
  policies: readPolicies(contract),
  hasMessage: (name: string) => contract.registry.getMessage(name) !== undefined,
};
const file = 'services/cart/service.yaml';
const least = 'name: cart\nsummary: One cart a user.\n';

/** The one line that a manifest is refused with. */
function complaintAbout(text: string): string {
  try {
    parseManifest(text, file, 'cart', contracts);
  } catch (error) {
    expect(error).to.be.instanceOf(StartupError);
    expect((error as Error).message).not.to.contain('\n');
    return (error as Error).message;
  }
  throw new Error('the manifest was taken');
}

describe('a manifest', () => {
  it('is read whole', () => {
    const text = [
      'name: cart',
      'summary: One cart a user.',
      'implements: [meshmart.cart.v1.CartService]',
      'criticality: optional',
      'calls: [meshmart.catalog.v1.CatalogService/GetProduct]',
      'publishes: [meshmart.users.v1.UserUpdated]',
      'consumes: { order: [meshmart.order.v1.OrderPlaced] }',
      'backends: [database, bus]',
      "settings: { maxLines: { default: '100', about: Most lines. }, url: { default: '', about: Where., env: URL } }",
      'secrets: { vault-key: { bytes: 32, about: Encrypts. } }',
      'implementations: { typescript: { start: meshmart serve cart } }',
      'scale: { min: 1, max: 4 }',
      'resources: { memoryMiB: 96, cpuMillis: 100 }',
    ].join('\n');
    expect(parseManifest(text, file, 'cart', contracts)).to.deep.equal({
      name: 'cart',
      summary: 'One cart a user.',
      implements: ['meshmart.cart.v1.CartService'],
      criticality: 'optional',
      calls: ['meshmart.catalog.v1.CatalogService/GetProduct'],
      publishes: ['meshmart.users.v1.UserUpdated'],
      consumes: { order: ['meshmart.order.v1.OrderPlaced'] },
      backends: ['database', 'bus'],
      settings: {
        maxLines: { default: '100', about: 'Most lines.' },
        url: { default: '', about: 'Where.', env: 'URL' },
      },
      secrets: { 'vault-key': { bytes: 32, about: 'Encrypts.' } },
      implementations: { typescript: { start: 'meshmart serve cart' } },
      scale: { min: 1, max: 4 },
      resources: { memoryMiB: 96, cpuMillis: 100 },
    });
  });

  it('needs a name and a summary; the rest has defaults', () => {
    expect(parseManifest(least, file, 'cart', contracts)).to.deep.include({
      criticality: 'required',
      calls: [],
      consumes: {},
      settings: {},
      scale: { min: 1, max: 1 },
      resources: { memoryMiB: 96, cpuMillis: 100 },
    });
  });

  const wrong: [what: string, text: string, says: string][] = [
    ['nothing', '', 'the manifest is not a mapping: write it as key: value lines'],
    ['a list', '- cart', 'the manifest is not a mapping: write it as key: value lines'],
    ['an unknown key', `${least}color: red`, "unknown key 'color': use one of name, summary, implements"],
    ['no name', 'summary: One.', 'name is not text'],
    [
      "another folder's name",
      'name: order\nsummary: One.',
      "name is 'order': it must be the folder's name, 'cart'",
    ],
    ['no summary', 'name: cart', 'summary is not text'],
    [
      'a summary that is a number',
      'name: cart\nsummary: 7',
      'summary is not text: write it as text, numbers in quotes',
    ],
    [
      'a service that no contract has',
      `${least}implements: [meshmart.cart.v1.Cart]`,
      "implements names 'meshmart.cart.v1.Cart', which no contract has: use the full name of a service in proto/",
    ],
    [
      'a list that is text',
      `${least}implements: meshmart.cart.v1.CartService`,
      'implements is not a list: write one item a line, each after a dash',
    ],
    ['an item that is no text', `${least}calls: [5]`, 'calls[0] is not text'],
    [
      'a method that no contract has',
      `${least}calls: [meshmart.catalog.v1.CatalogService/Get]`,
      "calls names 'meshmart.catalog.v1.CatalogService/Get', which no contract has: use package.Service/Method",
    ],
    [
      'a call with a slash in front',
      `${least}calls: [/meshmart.catalog.v1.CatalogService/GetProduct]`,
      "calls names '/meshmart",
    ],
    [
      'an event that no contract has',
      `${least}publishes: [meshmart.cart.v1.CartFilled]`,
      "publishes names 'meshmart.cart.v1.CartFilled', which no contract has: use the full name of a message in proto/",
    ],
    [
      'a consumed event that no contract has',
      `${least}consumes: { order: [OrderPlaced] }`,
      "consumes.order names 'OrderPlaced', which no contract has",
    ],
    [
      'consumed events without a topic',
      `${least}consumes: [meshmart.order.v1.OrderPlaced]`,
      'consumes is not a mapping',
    ],
    [
      'a topic without a list',
      `${least}consumes: { order: meshmart.order.v1.OrderPlaced }`,
      'consumes.order is not a list',
    ],
    [
      'an unknown criticality',
      `${least}criticality: vital`,
      "criticality is 'vital': use one of required, optional",
    ],
    [
      'an unknown backend',
      `${least}backends: [database, abacus]`,
      "backends is 'abacus': use one of database, ",
    ],
    [
      'a default that is no text',
      `${least}settings: { maxLines: { default: 100, about: Most. } }`,
      "settings.maxLines.default is not text: write it as text, numbers in quotes ('100')",
    ],
    [
      'a setting without a word about it',
      `${least}settings: { maxLines: { default: '1' } }`,
      'settings.maxLines.about is not text',
    ],
    [
      'a setting that is no mapping',
      `${least}settings: { maxLines: '100' }`,
      'settings.maxLines is not a mapping',
    ],
    [
      'a misspelt key of a setting',
      `${least}settings: { maxLines: { defualt: '1', about: Most. } }`,
      "unknown key 'settings.maxLines.defualt': use one of default, about, env",
    ],
    [
      'a variable that is no text',
      `${least}settings: { maxLines: { about: Most., env: 5 } }`,
      'settings.maxLines.env is not text',
    ],
    [
      'a secret of no bytes',
      `${least}secrets: { key: { bytes: 0, about: Signs. } }`,
      'secrets.key.bytes is not a whole number above 0: write digits without quotes',
    ],
    [
      'a secret whose length is text',
      `${least}secrets: { key: { bytes: '32', about: Signs. } }`,
      'secrets.key.bytes is not a whole number above 0',
    ],
    [
      'a secret in the manifest itself',
      `${least}secrets: { key: { bytes: 32, about: Signs., value: abc } }`,
      "unknown key 'secrets.key.value': use one of bytes, about",
    ],
    [
      'an implementation without a start',
      `${least}implementations: { go: {} }`,
      'implementations.go.start is not text',
    ],
    [
      'an unknown key of an implementation',
      `${least}implementations: { go: { start: x, image: y } }`,
      "unknown key 'implementations.go.image': use one of start",
    ],
    ['half a scale', `${least}scale: { min: 1 }`, 'scale.max is not a whole number above 0'],
    [
      'a scale upside down',
      `${least}scale: { min: 3, max: 2 }`,
      'scale.min is 3, above scale.max: make it scale.max or less',
    ],
    [
      'an unknown key of the scale',
      `${least}scale: { min: 1, max: 2, maximum: 3 }`,
      "unknown key 'scale.maximum': use one of min, max",
    ],
    [
      'half a processor',
      `${least}resources: { memoryMiB: 96, cpuMillis: 0.5 }`,
      'resources.cpuMillis is not a whole number above 0',
    ],
  ];
  for (const [what, text, says] of wrong) {
    it(`with ${what} is refused`, () => {
      const complaint = complaintAbout(text);
      expect(complaint.startsWith(`${file}: ${says}`), complaint).to.equal(true);
    });
  }
});

describe('the manifests of the services folder', () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('are read in the order of their names, and files between the folders do not count', () => {
    folder.write('order/service.yaml', 'name: order\nsummary: Orders.\n');
    folder.write('cart/service.yaml', least);
    folder.write('README.md', 'no service');
    expect(readManifests(folder.path, contracts).map(({ name }) => name)).to.deep.equal(['cart', 'order']);
  });

  const broken: [what: string, text: string, says: RegExp][] = [
    [
      'a tab',
      'name: cart\n\tsummary: One.',
      /^services\/cart\/service\.yaml is not YAML \(line 2\): .*[Tt]ab/,
    ],
    [
      'a colon too many',
      'name: cart\nsummary: one: two',
      /is not YAML \(line 2\): Nested mappings are not allowed/,
    ],
    ['a key twice', `${least}name: cart`, /is not YAML \(line 3\): Map keys must be unique/],
    ['an open quote', 'name: "cart', /is not YAML \(line 1\): Missing closing "quote/],
    ['an alias that leads nowhere', `${least}calls: *all`, /service\.yaml is not YAML: Unresolved alias/],
    [
      'aliases that grow without end',
      'a: &a [x, x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c]',
      /service\.yaml is not YAML: Excessive alias count/,
    ],
  ];
  for (const [what, text, says] of broken) {
    it(`name file and line of ${what}`, () => {
      folder.write('cart/service.yaml', text);
      expect(() => readManifests(folder.path, contracts))
        .to.throw(StartupError, says)
        .with.property('message')
        .that.does.not.contain('\n');
    });
  }

  it('are missed where a folder has none, and where there is no folder', () => {
    folder.write('cart/README.md', 'no manifest');
    expect(() => readManifests(folder.path, contracts)).to.throw(
      StartupError,
      "services/cart/service.yaml can't be read: each folder in services/ needs a manifest",
    );
    expect(() => readManifests(join(folder.path, 'none'), contracts)).to.throw(
      StartupError,
      /none can't be read: reinstall meshmart/,
    );
  });

  it('of the shop itself are good, and no proto service has two owners', () => {
    const manifests = readManifests(join(packageRoot(), 'services'), contracts);
    const owned = manifests.flatMap((manifest) => manifest.implements);
    expect(new Set(owned).size).to.equal(owned.length);
  });

  it('consume what the service of that topic publishes', () => {
    const manifests = readManifests(join(packageRoot(), 'services'), contracts);
    const published = Object.fromEntries(manifests.map(({ name, publishes }) => [name, publishes]));
    for (const { name, consumes } of manifests) {
      for (const [topic, types] of Object.entries(consumes)) {
        for (const type of types) expect(published[topic], `${name} consumes ${type}`).to.include(type);
      }
    }
  });
});

describe('the environment variable of a setting', () => {
  const cases: [service: string, setting: string, variable: string][] = [
    ['inventory', 'reservationSeconds', 'INVENTORY_RESERVATION_SECONDS'],
    ['card-vault', 'maxAge2Days', 'CARD_VAULT_MAX_AGE2_DAYS'],
    ['cart', 'lines', 'CART_LINES'],
  ];
  for (const [service, setting, variable] of cases) {
    it(`of ${service} ${setting} is ${variable}`, () => {
      expect(environmentName(service, setting, { default: '', about: '' })).to.equal(variable);
    });
  }

  it('is the one that the manifest names, if it names one', () => {
    expect(environmentName('payment', 'url', { default: '', about: '', env: 'CARD_PROCESSOR_URL' })).to.equal(
      'CARD_PROCESSOR_URL',
    );
  });
});
