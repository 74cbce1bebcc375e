import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../runtime/package-root.js';
import { checkSources } from './source-rules.js';
import { type Violation, violationText } from './source-tree.js';
import { type TemporaryFolder, temporaryFolder } from './temporary-folder.js';

describe('architecture', function () {
  // The compiler reads all sources: some seconds on a machine that is busy with other tests.
  this.timeout(60_000);

  it('holds: services touch the world through their ports, and each other by contract', () => {
    expect(checkSources(packageRoot()).map(violationText).join('\n')).to.equal('');
  });

  describe('of a shop with a planted fault', () => {
    let folder: TemporaryFolder;

    beforeEach(() => {
      folder = temporaryFolder();
      plantShop(folder);
    });
    afterEach(() => folder.remove());

    it('has no faults before one is planted', () => {
      expect(checkSources(folder.path).map(violationText)).to.deep.equal([]);
    });

    it('is found empty when there is nothing at all', () => {
      const empty = temporaryFolder();
      expect(checkSources(empty.path)).to.deep.equal([]);
      empty.remove();
    });

    const plants: { readonly file: string; readonly text: string }[] = [];
    let planted: readonly Violation[];

    // All single faults are planted in one shop, each in a file of its own: the compiler then reads it once.
    before(() => {
      const shop = temporaryFolder();
      plantShop(shop);
      for (const { file, text } of plants) shop.write(file, text);
      planted = checkSources(shop.path);
      shop.remove();
    });

    /** Plants a file in which one line is marked with `// here`, and expects exactly that line to be found. */
    const finds = (what: string, rule: string, at: string, lines: readonly string[], message: RegExp) => {
      const file = at.replace('planted', `planted-${plants.length}`);
      plants.push({ file, text: `${lines.join('\n')}\n` });
      it(`finds ${what}`, () => {
        const line = lines.findIndex((text) => text.includes('// here')) + 1;
        const found = planted.filter((violation) => violation.file === file);
        expect(found.map(violationText), 'one violation').to.have.length(1);
        expect(found[0]).to.include({ rule, file, line });
        expect(found[0]?.message).to.match(message);
      });
    };
    const findsInCart = (what: string, rule: string, statement: string, message: RegExp) =>
      finds(
        what,
        rule,
        'services/cart/planted.ts',
        ['export const one = 1;', `${statement} // here`],
        message,
      );

    it('is found at fault where a fault was planted, and nowhere else', () => {
      const files = new Set(plants.map(({ file }) => file));
      expect(planted.filter(({ file }) => !files.has(file)).map(violationText)).to.deep.equal([]);
    });

    describe('in what a service imports', () => {
      const rule = 'service-import';
      findsInCart(
        'grpc-js',
        'confined-package',
        `import { Server } from '@grpc/grpc-js';`,
        /mesh\/rpc\/grpc/,
      );
      findsInCart(
        'a type of grpc-js',
        'confined-package',
        `import type { Server } from '@grpc/grpc-js';`,
        /grpc-js/,
      );
      findsInCart('proto-loader', 'confined-package', `import '@grpc/proto-loader';`, /mesh\/cli/);
      for (const name of [
        'fs',
        'net',
        'http',
        'child_process',
        'fs/promises',
        'path',
        'os',
        'worker_threads',
      ]) {
        findsInCart(
          `node:${name}`,
          rule,
          `import * as it from 'node:${name}';`,
          new RegExp(`^node:${name} reaches`),
        );
      }
      findsInCart(
        'a built-in module without its prefix',
        rule,
        `import { join } from 'path';`,
        /^path reaches/,
      );
      findsInCart(
        'random bytes',
        rule,
        `import { createHash, randomBytes } from 'node:crypto';`,
        /^randomBytes of/,
      );
      findsInCart(
        'a random UUID under another name',
        rule,
        `import { randomUUID as id } from 'node:crypto';`,
        /^randomUUID/,
      );
      findsInCart('node:crypto as a whole', rule, `import * as crypto from 'node:crypto';`, /by name/);
      findsInCart('a package', rule, `import pino from 'pino';`, /^pino is a package/);
      findsInCart(
        "another service's folder",
        rule,
        `import { price } from '../catalog/price.js';`,
        /belongs to service catalog/,
      );
      findsInCart(
        "a type of another service's folder",
        rule,
        `import type { Price } from '../catalog/price.js';`,
        /catalog/,
      );
      findsInCart(
        "a re-export from another service's folder",
        rule,
        `export * from '../catalog/price.js';`,
        /catalog/,
      );
      findsInCart(
        "another service's type in place",
        rule,
        `export type P = import('../catalog/price.js').Price;`,
        /catalog/,
      );
      findsInCart(
        'a private page of the runtime',
        rule,
        `import { x } from '../../mesh/rpc/client.js';`,
        /public page/,
      );
      findsInCart(
        'an adapter of the store',
        rule,
        `import { x } from '../../mesh/store/sqlite-store.js';`,
        /public page/,
      );
      findsInCart('a witness', rule, `import { x } from '../../witnesses/mail-sink/main.js';`, /public page/);
      findsInCart('a dynamic import', rule, `export const it = import('node:fs');`, /^node:fs/);
      findsInCart('a computed import', rule, `export const it = (name: string) => import(name);`, /computed/);
      findsInCart('an import by require', rule, `import fs = require('node:fs');`, /^node:fs/);
      findsInCart('code of tests', rule, `import './service.wire.test.js';`, /code of tests/);
      finds(
        'mail by another way than the port in notification',
        rule,
        'services/notification/planted.ts',
        [`import { createTransport } from 'nodemailer'; // here`],
        /^nodemailer is a package/,
      );
      finds(
        'more of node:http than its types in the gateway',
        rule,
        'services/gateway/planted.ts',
        [`import { createServer } from 'node:http'; // here`],
        /^node:http/,
      );
      finds(
        'fastify in another service than the gateway',
        rule,
        'services/cart/planted.ts',
        [`import { fastify } from 'fastify'; // here`],
        /^fastify is a package/,
      );
    });

    it('lets the edge speak HTTP, services compute with node:crypto, and tests do what they want', () => {
      folder.write(
        'services/gateway/edge.ts',
        `import { fastify } from 'fastify';\nimport type { IncomingMessage } from 'node:http';\nimport type { EdgePorts } from '../../mesh/runtime/edge.js';\n`,
      );
      folder.write(
        'services/cart/hash.ts',
        `import { createHash, timingSafeEqual, type BinaryLike } from 'node:crypto';\n`,
      );
      folder.write(
        'services/cart/a.unit.test.ts',
        `import '@grpc/grpc-js';\nconsole.log(Date.now(), process.env);\n`,
      );
      expect(checkSources(folder.path).map(violationText)).to.deep.equal([]);
    });

    describe('in what a service takes from its surroundings', () => {
      const uses: readonly (readonly [statement: string, name: string])[] = [
        ['export const now = Date.now();', 'Date.now'],
        ['export const now = new Date();', 'new Date()'],
        ['export const now = Date();', 'Date'],
        ['export const { now } = Date;', 'Date'],
        ['export const now = Date["now"]();', 'Date'],
        ['export const now = performance.now();', 'performance.now'],
        ['export const chance = Math.random();', 'Math.random'],
        ['export const { random } = Math;', 'Math'],
        ['setTimeout(() => undefined, 1);', 'setTimeout'],
        ['setInterval(() => undefined, 1);', 'setInterval'],
        ['setImmediate(() => undefined);', 'setImmediate'],
        ['export const wait = { setTimeout };', 'setTimeout'],
        ['export const path = process.env["PATH"];', 'process.env'],
        ['export const id = crypto.randomUUID();', 'crypto.randomUUID'],
        ['export const answer = fetch("http://localhost");', 'fetch'],
        ['export const signal = AbortSignal.timeout(1);', 'AbortSignal.timeout'],
        ['export const now = globalThis.Date;', 'globalThis.Date'],
        ['console.log("here it is");', 'console.log'],
        ['export const today = new Intl.DateTimeFormat("en").format();', 'Intl.DateTimeFormat'],
        ['export const cores = navigator.hardwareConcurrency;', 'navigator.hardwareConcurrency'],
        ['export const here = import.meta.dirname;', 'import.meta'],
      ];
      for (const [statement, name] of uses) {
        const text = name.replace(/[.()]/g, '\\$&');
        findsInCart(statement, 'ambient', statement, new RegExp(`^${text} is not a service's to use: `));
      }
    });

    it('lets services use what is pure of these, and names of their own', () => {
      folder.write(
        'services/cart/pure.ts',
        [
          'export const at = (ms: number) => new Date(ms).toISOString();',
          'export const start = Date.UTC(2026, 0, 1);',
          'export const larger = (one: number, other: number) => Math.max(one, other);',
          'export const isDate = (value: unknown) => value instanceof Date;',
          'export const run = (process: { name: string }, fetch: () => void) => [process.name, fetch()];',
          'export const anyOf = (signals: AbortSignal[]) => AbortSignal.any(signals);',
          'export interface Saga { readonly process: string; performance(): number; when: Date }',
          'export const read = (saga: Saga) => saga.process + saga.performance();',
          '',
        ].join('\n'),
      );
      expect(checkSources(folder.path).map(violationText)).to.deep.equal([]);
    });

    describe('elsewhere', () => {
      const grpc = `import { Client } from '@grpc/grpc-js'; // here`;
      const loader = `import { load } from '@grpc/proto-loader'; // here`;
      finds(
        'grpc-js outside its rooms',
        'confined-package',
        'mesh/store/planted.ts',
        [grpc],
        /mesh\/rpc\/grpc/,
      );
      finds(
        'grpc-js in a witness',
        'confined-package',
        'witnesses/bank/planted.ts',
        [grpc],
        /mesh\/rpc\/grpc/,
      );
      for (const name of ['protobufjs', 'protobufjs/light.js', 'ts-proto', 'google-protobuf']) {
        finds(
          `${name}, past proto-loader and ts-proto`,
          'confined-package',
          'mesh/cli/planted.ts',
          [`import it from '${name}'; // here`],
          /may be imported nowhere/,
        );
      }
      finds(
        'a service in the runtime',
        'layer',
        'mesh/rpc/planted.ts',
        [`import { vault } from '../../services/payment/vault.js'; // here`],
        /^mesh\/ may not import from services\//,
      );
      finds(
        'the runtime in a witness, which trusts nobody',
        'layer',
        'witnesses/bank/planted.ts',
        [`import { MeshError } from '../../mesh/contract/error.js'; // here`],
        /^witnesses\/ may not import from mesh\//,
      );
      for (const form of ['mts', 'cts', 'tsx', 'js', 'mjs', 'cjs']) {
        finds(
          `code in a .${form} file, which no rule reads`,
          'folder',
          `services/cart/planted.${form}`,
          ['export const now = Date.now(); // here'],
          /written in \.ts files/,
        );
      }
      finds(
        'proto-loader beside the command line',
        'confined-package',
        'mesh/rpc/grpc/planted.ts',
        [loader],
        /mesh\/cli/,
      );

      for (const [what, target] of [
        ['an address', `'127.0.0.1:50051'`],
        ['a bare name', 'name + ":50051"'],
        ['a name for DNS', '"dns:///catalog"'],
        ['a target from elsewhere', 'name'],
      ] as const) {
        finds(
          `${what} that is dialled past discovery`,
          'dialling',
          'mesh/shape/planted.ts',
          [
            `import { grpcWire } from '../rpc/grpc/channel-wire.js';`,
            `export const to = (name: string) => [name, grpcWire(${target})]; // here`,
          ],
          /^grpcWire\(\) takes a target of discovery/,
        );
      }

      it('lets targets of discovery be dialled', () => {
        folder.write(
          'mesh/shape/dial.ts',
          'declare const grpcWire: (target: string) => void;\nexport const wire = grpcWire("consul:///catalog");\n',
        );
        expect(checkSources(folder.path).map(violationText)).to.deep.equal([]);
      });

      it('lets grpc-js be where it belongs', () => {
        for (const file of [
          'mesh/rpc/grpc/a.ts',
          'mesh/cli/a.ts',
          'mesh/balancing/a.ts',
          'mesh/store/a.unit.test.ts',
        ]) {
          folder.write(file, grpc);
        }
        expect(checkSources(folder.path).map(violationText)).to.deep.equal([]);
      });
    });

    describe('in contracts', () => {
      finds(
        'a contract made by hand',
        'contract',
        'services/cart/planted.ts',
        [
          `import { implement } from '../../mesh/runtime/service.js';`,
          `const Own = { name: 'Own', fullName: 'own.v1.Own', methods: {} };`,
          'export const own = implement(Own, {}); // here',
        ],
        /implement\(\) takes a definition of proto\/gen/,
      );
      finds(
        'a method made by hand',
        'contract',
        'services/cart/planted.ts',
        ['export const method = {', '  requestType: undefined, // here', '};'],
        /generated, not written by hand/,
      );
      finds(
        'a client of a contract made by hand',
        'contract',
        'services/cart/planted.ts',
        [
          `import type { ServicePorts } from '../../mesh/runtime/service.js';`,
          `const Own = { name: 'Own', fullName: 'own.v1.Own', methods: {} };`,
          'export const own = (ports: ServicePorts) => ports.client(Own); // here',
        ],
        /client\(\) takes/,
      );

      it('finds a contract that its service does not implement', () => {
        folder.write('services/catalog/service.ts', 'export const service = {};\n');
        expect(checkSources(folder.path).map(violationText)).to.deep.equal([
          'proto/gen/meshmart/catalog/v1/catalog.ts:3 contract: no service implements meshmart.catalog.v1.CatalogService',
          'services/catalog/service.yaml:2 manifest: meshmart.catalog.v1.CatalogService is listed under implements and not implemented',
        ]);
      });

      it('finds a contract that two services implement', () => {
        folder.write('services/cart/planted.ts', catalogService);
        expect(checkSources(folder.path).map(violationText)).to.deep.equal([
          'services/cart/planted.ts:3 manifest: services/cart/service.yaml does not list meshmart.catalog.v1.CatalogService under implements',
          'services/catalog/service.ts:3 contract: catalog implements meshmart.catalog.v1.CatalogService, and so does cart',
        ]);
      });
    });

    describe('in what a service calls', () => {
      const undeclared =
        /^meshmart\.catalog\.v1\.CatalogService\/GetProduct is called, and services\/cart\/service\.yaml/;
      const clientOf = [
        `import type { Client } from '../../mesh/rpc/definition.js';`,
        `import type { CatalogServiceDefinition as Catalog } from '../../proto/gen/meshmart/catalog/v1/catalog.js';`,
      ];
      const findsCall = (what: string, lines: readonly string[]) =>
        finds(what, 'manifest', 'services/cart/planted.ts', [...clientOf, ...lines], undeclared);
      findsCall('a call that is not declared', [
        'export const get = (catalog: Client<typeof Catalog>) => catalog.getProduct; // here',
      ]);
      findsCall('one through a part of the client', [
        `type Part = { readonly products: Pick<Client<typeof Catalog>, 'getProduct'> };`,
        'export const get = (ports: Part) => ports.products.getProduct({} as never, {} as never); // here',
      ]);
      findsCall('one that is taken out of the client', [
        'export const get = (catalog: Client<typeof Catalog>) => {',
        '  const { getProduct: found } = catalog; // here',
        '  return found;',
        '};',
      ]);
      findsCall('one by a name in brackets', [
        `export const get = (catalog: Client<typeof Catalog>) => catalog['getProduct']; // here`,
      ]);

      it('finds a declared call that is never made', () => {
        folder.write(
          'services/cart/service.yaml',
          cartManifest.replace('calls: [', 'calls: [meshmart.catalog.v1.CatalogService/GetProduct, '),
        );
        const [violation, ...others] = checkSources(folder.path);
        expect(others).to.deep.equal([]);
        expect(violationText(violation as Violation)).to.equal(
          'services/cart/service.yaml:3 manifest: meshmart.catalog.v1.CatalogService/GetProduct is declared and never called',
        );
      });

      it('does not take a method of the same name for a call', () => {
        folder.write(
          'services/cart/planted.ts',
          'export const f = (shelf: { getProduct(): void }) => shelf.getProduct();\n',
        );
        expect(checkSources(folder.path)).to.deep.equal([]);
      });
    });

    for (const page of ['service.yaml', 'service.ts', 'README.md']) {
      it(`finds a service without ${page}`, () => {
        for (const other of ['service.yaml', 'service.ts', 'README.md']) {
          if (other !== page) folder.write(`services/shipping/${other}`, '');
        }
        expect(checkSources(folder.path).map(violationText)).to.deep.equal([
          `services/shipping/${page}:1 folder: service shipping has no ${page}`,
        ]);
      });
    }
  });
});

const cartManifest = `name: cart
implements: []
calls: [meshmart.catalog.v1.CatalogService/BatchGetProducts, meshmart.users.v1.UsersService/ListSigningKeys]
`;

const catalogService = `import { implement } from '../../mesh/runtime/service.js';
import { CatalogServiceDefinition } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
export const catalog = implement(CatalogServiceDefinition, {} as never);
`;

/** Writes a small shop without faults: the real pages of the runtime, one generated contract, a few services. */
function plantShop(folder: TemporaryFolder): void {
  for (const page of ['mesh/rpc/definition.ts', 'mesh/rpc/context.ts', 'mesh/runtime/service.ts']) {
    folder.write(page, readFileSync(join(packageRoot(), page), 'utf8'));
  }
  folder.write(
    'proto/gen/meshmart/catalog/v1/catalog.ts',
    `const message = { requestType: {} as never, requestStream: false, responseType: {} as never, responseStream: false } as const;
export type CatalogServiceDefinition = typeof CatalogServiceDefinition;
export const CatalogServiceDefinition = {
  name: "CatalogService",
  fullName: "meshmart.catalog.v1.CatalogService",
  methods: {
    getProduct: { name: "GetProduct", ...message },
    batchGetProducts: { name: "BatchGetProducts", ...message },
  },
} as const;
`,
  );
  folder.write(
    'services/catalog/service.yaml',
    'name: catalog\nimplements: [meshmart.catalog.v1.CatalogService]\n',
  );
  folder.write('services/catalog/service.ts', catalogService);
  folder.write('services/cart/service.yaml', cartManifest);
  folder.write(
    'services/cart/service.ts',
    `import type { Service } from '../../mesh/runtime/service.js';
import { CatalogServiceDefinition } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
export const service: Service = {
  schema: [],
  build: (ports) => {
    const catalog = ports.client(CatalogServiceDefinition);
    return { contracts: [], start: async () => void (await catalog.batchGetProducts({} as never, {} as never)) };
  },
};
`,
  );
  for (const service of ['notification', 'gateway']) {
    folder.write(`services/${service}/service.yaml`, `name: ${service}\n`);
    folder.write(`services/${service}/service.ts`, 'export const service = {};\n');
  }
  for (const service of ['catalog', 'cart', 'notification', 'gateway']) {
    folder.write(`services/${service}/README.md`, `# ${service}\n`);
  }
}
