import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { freePort } from '../mesh/testing/free-port.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { type ShopProcess, startShop } from './shop-process.js';

/** grpcurl as a stranger uses it: no proto files, only the front port. */
describe('grpcurl', function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let shop: ShopProcess;

  before(async () => {
    folder = temporaryFolder();
    shop = await startShop({
      dataFolder: folder.path,
      ports: { http: await freePort(), grpc: await freePort(), admin: await freePort() },
    });
  });
  after(async () => {
    await shop?.stop();
    folder?.remove();
  });

  const grpcurl = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)('grpcurl', ['-plaintext', ...args], { timeout: 10_000 });
    return stdout;
  };
  const services = async () => (await grpcurl(shop.grpcAddress, 'list')).trim().split('\n');

  it('lists all nine services, health and both versions of reflection', async () => {
    const listed = await services();
    expect(listed.filter((name) => name.startsWith('meshmart.'))).to.have.length(9);
    expect(listed).to.include.members([
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
    ]);
  });

  it('describes every service of the shop with comments and options', async () => {
    for (const service of await services()) {
      const text = await grpcurl(shop.grpcAddress, 'describe', service);
      expect(text, service).to.match(/\/\/ \w/);
      if (!service.startsWith('meshmart.')) continue;
      expect(text, service).to.match(/option \( ?\.?meshmart\.options\.v1\.method ?\)/);
    }
  });

  it('describes a message with the comments and rules of its fields', async () => {
    const text = await grpcurl(shop.grpcAddress, 'describe', 'meshmart.cart.v1.AddItemRequest');
    expect(text)
      .to.contain('Pieces to add, 1 to 99.')
      .and.match(/buf\.validate\.field/);
  });

  it('is told the truth by the health service', async () => {
    for (const name of ['', 'meshmart.order.v1.OrderService']) {
      const text = await grpcurl(
        '-d',
        JSON.stringify({ service: name }),
        shop.grpcAddress,
        'grpc.health.v1.Health/Check',
      );
      expect(text).to.contain('"status": "SERVING"');
    }
  });

  it('is told field and rule of what it gets wrong', async () => {
    const failure = await grpcurl(
      '-d',
      '{"productId": "", "quantity": 100}',
      '-H',
      'authorization: Bearer nonsense',
      shop.grpcAddress,
      'meshmart.cart.v1.CartService/AddItem',
    ).catch((error: { stderr: string }) => error.stderr);
    expect(failure).to.contain('Unauthenticated').and.contain('"reason": "TOKEN_INVALID"');
    const invalid = await grpcurl(
      '-d',
      '{"q": ""}',
      shop.grpcAddress,
      'meshmart.catalog.v1.CatalogService/SearchProducts',
    ).catch((error: { stderr: string }) => error.stderr);
    expect(invalid).to.contain('InvalidArgument').and.contain('q:').and.contain('"field": "q"');
  });

  it('is refused an internal method', async () => {
    const failure = await grpcurl(
      '-d',
      '{"orderId": "ord_x"}',
      shop.grpcAddress,
      'meshmart.order.v1.OrderService/GetVerdict',
    ).catch((error: { stderr: string }) => error.stderr);
    expect(failure).to.contain('PermissionDenied');
  });
});
