import { machineAmbient } from '../runtime/ambient.js';
import { openPostgresStore } from '../store/postgres-store.js';
import { startTestPostgres, type TestPostgres } from '../testing/postgres-server.js';
import { poisonedConsumer } from './poison-suite.js';

describe('with a PostgreSQL', function () {
  this.timeout(60_000);
  let server: TestPostgres;
  let databases = 0;
  before(async () => {
    server = await startTestPostgres();
  });
  after(() => server?.end());

  poisonedConsumer('PostgreSQL', async (schema) => {
    databases += 1;
    const access = await server.database(`poison-${databases}`);
    // An attempt that comes too late counts as one, and not as the event's fault.
    return openPostgresStore({ access, service: 'mail', schema, withinMs: 10_000, ...machineAmbient() });
  });
});
