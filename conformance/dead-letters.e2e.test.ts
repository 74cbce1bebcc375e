import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { openEmbeddedBus } from '../mesh/bus/embedded-bus.js';
import { machineAmbient } from '../mesh/runtime/ambient.js';
import { collectingLog } from '../mesh/testing/collecting-log.js';
import { freePort } from '../mesh/testing/free-port.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { deadLetterSuite } from './dead-letter-suite.js';
import { type ShopProcess, startShop } from './shop-process.js';

describe('in one process', () => {
  let folder: TemporaryFolder | undefined;
  let shop: ShopProcess | undefined;
  after(async () => {
    await shop?.stop();
    folder?.remove();
  });

  deadLetterSuite('one process', async () => {
    folder = temporaryFolder();
    const { path } = folder;
    shop = await startShop({
      dataFolder: path,
      ports: { http: await freePort(), grpc: await freePort(), admin: await freePort() },
    });
    const { httpUrl, adminUrl } = shop;
    return {
      httpUrl,
      dataFolder: path,
      metricsUrl: async () => `${adminUrl}/metrics`,
      publish: async (messages) => {
        const bus = openEmbeddedBus({
          path: join(path, 'bus', 'bus.db'),
          ambient: machineAmbient(),
          log: collectingLog(),
        });
        await bus.publish(messages);
        await bus.close();
      },
      replaceCart: async (userId, data) => {
        const database = new DatabaseSync(join(path, 'cart', 'cart.db'));
        try {
          database.exec('PRAGMA busy_timeout = 2000');
          const key = `cart/${userId}`;
          const before = database.prepare('SELECT data FROM mesh_documents WHERE key = ?').get(key) as {
            data: Uint8Array;
          };
          database.prepare('UPDATE mesh_documents SET data = ? WHERE key = ?').run(data, key);
          return before.data;
        } finally {
          database.close();
        }
      },
    };
  });
});
