import { machineAmbient } from '../runtime/ambient.js';
import { collectingLog } from '../testing/collecting-log.js';
import { startTestPostgres, type TestPostgres } from '../testing/postgres-server.js';
import { type StoreSetup, storeContract } from './contract-suite.js';
import { openPostgresStore } from './postgres-store.js';
import type { Store } from './store.js';

describe('PostgreSQL', function () {
  this.timeout(120_000);
  const ambient = machineAmbient();
  let server: TestPostgres;
  before(async () => {
    server = await startTestPostgres();
  });
  after(() => server?.end());

  let setups = 0;
  /** Databases of one setup are no other's. */
  const setup = (): StoreSetup => {
    const opened: Store[] = [];
    setups += 1;
    const prefix = `t${setups}`;
    return {
      open: async (name, schema) => {
        const access = await server.database(`${prefix}-${name}`);
        const store = await openPostgresStore({
          access,
          service: name,
          schema,
          log: collectingLog(),
          ...ambient,
        });
        opened.push(store);
        return store;
      },
      close: async () => {
        // A store that a test has closed is closed: there is no more to it.
        for (const store of opened) await store.close().catch(() => undefined);
      },
    };
  };

  storeContract('PostgreSQL', true, setup);
});
