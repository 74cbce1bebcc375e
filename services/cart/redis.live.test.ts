import { machineAmbient } from '../../mesh/runtime/ambient.js';
import { openRedis, type Redis } from '../../mesh/store/redis-connection.js';
import { openRedisDocuments } from '../../mesh/store/redis-documents.js';
import { collectingLog } from '../../mesh/testing/collecting-log.js';
import { startTestRedis, type TestRedis } from '../../mesh/testing/redis-server.js';
import { cartContract } from './contract-suite.js';

describe('the cart on Redis', function () {
  this.timeout(30_000);
  let server: TestRedis;
  let redis: Redis;
  before(async () => {
    server = await startTestRedis();
    redis = openRedis({ url: server.url, name: 'cart', log: collectingLog() });
  });
  after(async () => {
    redis?.disconnect();
    await server?.end();
  });
  afterEach(() => redis.flushall());

  cartContract('in Redis', () =>
    openRedisDocuments({ redis, service: 'cart', timers: machineAmbient().timers }),
  );
});
