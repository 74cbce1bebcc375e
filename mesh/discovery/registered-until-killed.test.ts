import { machineAmbient } from '../runtime/ambient.js';
import { collectingLog } from '../testing/collecting-log.js';
import { createConsulRegistry } from './consul-registry.js';
import type { Registration } from './registry.js';

// Forked by consul-registry.live.test.ts: registers what it is sent, says so, and lives until it is killed.
if (process.send !== undefined) {
  process.once('message', ({ address, registration }: { address: string; registration: Registration }) => {
    const registry = createConsulRegistry({ ambient: machineAmbient(), log: collectingLog(), address });
    void registry.register(registration, () => ({ serving: true })).then(() => process.send?.('registered'));
  });
  process.once('disconnect', () => process.exit());
}
