import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { CatalogServiceDefinition } from '../../../proto/gen/meshmart/catalog/v1/catalog.js';
import { machineAmbient } from '../../runtime/ambient.js';
import { packageRoot } from '../../runtime/package-root.js';
import { renewCertificates } from '../../security/development-ca.js';
import { identityFiles, readIdentity } from '../../security/workload-identity.js';
import { loadShop } from '../../shape/loaded-shop.js';
import { neighbour } from '../../testing/lone-service.js';
import { temporaryFolder } from '../../testing/temporary-folder.js';
import { createDispatch } from '../dispatch.js';
import { authoriseInterceptor } from '../interceptors/authorise.js';
import { reflectionServices } from './reflection.js';
import { type GrpcServer, openGrpcServer } from './server.js';

const run = promisify(execFile);
const ambient = machineAmbient();
const method = 'meshmart.catalog.v1.CatalogService/ListProducts';

/** What a program printed and how it ended; a program that is not there is an error. */
async function outcomeOf(program: string, args: readonly string[]): Promise<{ code: number; text: string }> {
  try {
    const { stdout, stderr } = await run(program, args, { timeout: 10_000 });
    return { code: 0, text: stdout + stderr };
  } catch (thrown) {
    const { code, stdout, stderr } = thrown as { code: unknown; stdout: string; stderr: string };
    if (typeof code !== 'number') throw thrown;
    return { code, text: stdout + stderr };
  }
}

describe('an instance that grpcurl calls directly', () => {
  const temporary = temporaryFolder();
  const folder = join(temporary.path, 'certificates');
  let server: GrpcServer;

  before(async () => {
    await renewCertificates({ folder, services: ['catalog', 'recommendation', 'payment'], ...ambient });
    const { contract, policies, callPolicy } = loadShop();
    const catalog = neighbour(CatalogServiceDefinition, {
      listProducts: async ({ pageSize }) => ({ products: [], nextPageToken: `after ${pageSize}` }),
    });
    server = await openGrpcServer(
      {
        host: '127.0.0.1',
        port: 0,
        portVariable: 'GRPC_PORT',
        methods: policies.values(),
        dispatch: createDispatch({
          contracts: [catalog],
          policies,
          ambient,
          interceptors: { authorise: authoriseInterceptor(callPolicy) },
        }),
        identity: readIdentity(folder, 'catalog', ambient.clock),
      },
      reflectionServices(contract, [CatalogServiceDefinition.fullName]),
    );
  });
  after(async () => {
    await server.drain(0);
    temporary.remove();
  });

  const grpcurl = (...args: string[]) =>
    outcomeOf('grpcurl', ['-connect-timeout', '2', ...args, `localhost:${server.port}`, method]);
  const as = (service: string) => {
    const { ca, certificate, key } = identityFiles(folder, service);
    return ['-cacert', ca, '-cert', certificate, '-key', key];
  };

  it('answers the line of SECURITY.md', async () => {
    const page = readFileSync(join(packageRoot(), 'SECURITY.md'), 'utf8');
    const [, line = ''] = /```sh\n(C=[^`]+)```/.exec(page) ?? [];
    const script = line.replace('.meshmart/certificates', folder).replace('PORT', String(server.port));
    const { code, text } = await outcomeOf('bash', ['-euc', script]);
    expect(text).to.include('after 3');
    expect(code).to.equal(0);
  });

  it('answers at localhost too, by the hosts in its certificate', async () => {
    expect(await grpcurl(...as('recommendation'))).to.include({ code: 0 });
  });

  it('refuses a service that does not declare the call', async () => {
    const { code, text } = await grpcurl(...as('payment'));
    expect(code).to.not.equal(0);
    expect(text).to.include('PermissionDenied').and.include('payment');
  });

  it('is not taken for another service', async () => {
    const { code, text } = await grpcurl(...as('recommendation'), '-servername', 'payment');
    expect(code).to.not.equal(0);
    expect(text).to.include('not payment');
  });

  it('lets nobody in without a certificate, nor without TLS', async () => {
    for (const args of [['-cacert', identityFiles(folder, 'order').ca], ['-plaintext']]) {
      const { code, text } = await grpcurl(...args);
      expect(code, text).to.not.equal(0);
    }
  });

  it('has a certificate that holds before the strict rules of openssl, for both ends', async () => {
    const { ca, certificate } = identityFiles(folder, 'catalog');
    for (const purpose of ['sslserver', 'sslclient']) {
      const strict = ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', ca, certificate];
      expect(await outcomeOf('openssl', strict)).to.include({ code: 0 });
    }
  });
});
