import { join } from 'node:path';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { documentsContract } from './document-suite.js';
import { documentsInStore } from './document-table.js';
import { openSqliteStore } from './sqlite-store.js';

documentsContract("in a service's own database", async () => {
  const time = virtualClock();
  const folder = temporaryFolder();
  const path = join(folder.path, 'cart.db');
  const open = () => openSqliteStore({ path, service: 'cart', schema: [], clock: time.clock });
  const stores = [open(), open()] as const;
  return {
    instances: [documentsInStore(stores[0], time.clock), documentsInStore(stores[1], time.clock)],
    pass: (ms) => time.advance(ms),
    close: async () => {
      for (const store of stores) await store.close();
      folder.remove();
    },
  };
});
