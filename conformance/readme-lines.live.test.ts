import { expect } from 'chai';
import { freePort } from '../mesh/testing/free-port.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { linesOf, runLines } from './readme-lines.js';
import { type ShopProcess, startShop } from './shop-process.js';

describe('the README', function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let shop: ShopProcess;

  before(async () => {
    folder = temporaryFolder();
    const ports = { http: await freePort(), grpc: await freePort(), admin: await freePort() };
    shop = await startShop({ dataFolder: folder.path, ports });
  });
  after(async () => {
    await shop?.stop();
    folder?.remove();
  });

  const run = (lines: string) =>
    runLines(lines, {
      PORT: new URL(shop.httpUrl).port,
      GRPC_PORT: shop.grpcAddress.split(':')[1],
      MESHMART_DATA: folder.path,
    });

  it('buys something by its curl lines and follows the order to the end', async () => {
    const printed = await run(linesOf('curl'));
    expect(printed).to.match(/"state": ?"ORDER_STATE_(CONFIRMED|PAID|SHIPPED)"/);
    expect(printed).to.match(/^event: /m);
    expect(printed).to.match(/ORDER_STATE_SHIPPED/);
  });

  it('buys something by its grpcurl lines and follows the order to the end', async () => {
    const printed = await run(linesOf('grpcurl'));
    expect(printed).to.match(/meshmart\.order\.v1\.OrderService/);
    expect(printed).to.match(/"state": "ORDER_STATE_(CONFIRMED|PAID|SHIPPED)"/);
    expect(printed).to.match(/ORDER_STATE_SHIPPED/);
  });
});
