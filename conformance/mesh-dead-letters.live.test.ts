import { join } from 'node:path';
import { openRedisStreamsBus } from '../mesh/bus/redis-streams-bus.js';
import { machineAmbient } from '../mesh/runtime/ambient.js';
import { openRedis } from '../mesh/store/redis-connection.js';
import { collectingLog } from '../mesh/testing/collecting-log.js';
import { deadLetterSuite } from './dead-letter-suite.js';
import { type MeshProcess, startMesh } from './mesh-process.js';

describe('among processes', () => {
  let mesh: MeshProcess | undefined;
  after(() => mesh?.end());

  deadLetterSuite('processes', async () => {
    // Two carts: the one that does not hold the lease of the group can be asked as well.
    const running = await startMesh({ scale: ['cart=2'] });
    mesh = running;
    const { addresses } = await running.untilAllServe();
    const access = {
      url: (addresses['redis'] ?? '').replace('://', '://operator@'),
      passwordFile: join(running.dataFolder, 'secrets', 'redis-operator'),
      log: collectingLog(),
    };
    return {
      httpUrl: running.httpUrl,
      dataFolder: running.dataFolder,
      metricsUrl: async () => {
        const targets = (await (await fetch(`${running.adminUrl}/targets`)).json()) as {
          targets: string[];
          labels: { service: string };
        }[];
        const cart = targets.find(({ labels }) => labels.service === 'cart');
        return `http://${cart?.targets[0]}/metrics`;
      },
      publish: async (messages) => {
        const bus = openRedisStreamsBus({
          ...access,
          consumer: 'test',
          groupsOf: () => [],
          ambient: machineAmbient(),
        });
        await bus.publish(messages);
        await bus.close();
      },
      replaceCart: async (userId, data) => {
        const redis = openRedis({ ...access, name: 'test' });
        const key = `meshmart:{cart}:document:cart/${userId}`;
        const before = await redis.hgetBuffer(key, 'd');
        if (before === null) throw new Error(`Redis has no ${key}`);
        await redis.hset(key, 'd', Buffer.from(data));
        redis.disconnect();
        return before;
      },
    };
  });
});
