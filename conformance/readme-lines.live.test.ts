import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { packageRoot } from '../mesh/runtime/package-root.js';
import { freePort } from '../mesh/testing/free-port.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { type ShopProcess, startShop } from './shop-process.js';

const readme = readFileSync(join(packageRoot(), 'README.md'), 'utf8');

/** The shell lines of the README that stand after `<!-- run: name -->`. */
function linesOf(name: string): string {
  const block = new RegExp(`<!-- run: ${name} -->\\s*\`\`\`sh\\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1];
  if (block === undefined) throw new Error(`README.md has no block '${name}'`);
  return block;
}

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

  async function run(lines: string): Promise<string> {
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', lines], {
      env: {
        ...process.env,
        PORT: new URL(shop.httpUrl).port,
        GRPC_PORT: shop.grpcAddress.split(':')[1],
        MESHMART_DATA: folder.path,
      },
      cwd: packageRoot(),
      timeout: 50_000,
    });
    return stdout;
  }

  it('buys something by its curl lines and follows the order to the end', async () => {
    const printed = await run(linesOf('curl'));
    expect(printed).to.match(/"state": "ORDER_STATE_(CONFIRMED|PAID|SHIPPED)"/);
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
