import { machineAmbient } from '../runtime/ambient.js';
import { collectingLog } from '../testing/collecting-log.js';
import { startTestPostgres, type TestPostgres } from '../testing/postgres-server.js';
import { type StoreSetup, storeContract } from './contract-suite.js';
import { documentsContract } from './document-suite.js';
import { documentsInStore } from './document-table.js';
import { answerOnceContract } from './idempotent-suite.js';
import { leaseContract } from './lease-suite.js';
import { openPostgresStore } from './postgres-store.js';
import { purgeContract } from './purge-suite.js';
import { rebuildContract } from './rebuild-suite.js';
import type { Store } from './store.js';

describe('stores in PostgreSQL', function () {
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
      open: async (name, schema, clock = ambient.clock) => {
        const access = await server.database(`${prefix}-${name}`);
        const store = await openPostgresStore({
          access,
          service: name,
          schema,
          clock: { nowMs: clock.nowMs, monotonicMs: ambient.clock.monotonicMs },
          timers: ambient.timers,
          log: collectingLog(),
          // A machine that does other things as well must not fail a test of what is stored.
          withinMs: 10_000,
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
  leaseContract('PostgreSQL', setup);
  answerOnceContract('PostgreSQL', setup);
  purgeContract('PostgreSQL', setup);
  rebuildContract('PostgreSQL', setup);
  documentsContract('in PostgreSQL', async () => {
    const stores = setup();
    const open = async () => documentsInStore(await stores.open('cart', []), ambient.clock);
    return {
      instances: [await open(), await open(), await open()],
      pass: (ms) => ambient.timers.sleep(ms),
      close: stores.close,
    };
  });
});
