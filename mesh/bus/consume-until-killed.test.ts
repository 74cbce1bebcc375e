// The program that the buses' tests kill: it subscribes and prints the id of each delivery; told to, it never answers.
import { writeSync } from 'node:fs';
import { argv, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { machineAmbient } from '../runtime/ambient.js';
import { collectingLog } from '../testing/collecting-log.js';
import { openSharedBus, type SharedBus } from './shared-bus.js';

async function consume(kind: SharedBus, address: string, name: string, hangsAfter: number): Promise<void> {
  const bus = await openSharedBus(kind, {
    address,
    passwordFile: undefined,
    name,
    groupsOf: () => ['mail'],
    ambient: machineAmbient(),
    log: collectingLog(),
  });
  let heard = 0;
  await bus.subscribe({
    group: 'mail',
    topics: { order: ['test.Placed'] },
    handle: async (delivery) => {
      writeSync(stdout.fd, `${delivery.id}\n`);
      heard += 1;
      if (heard > hangsAfter) await new Promise(() => undefined);
    },
  });
}

// Only as a program of its own: a run of all files named .test.ts loads it too.
const [, program, kind, address, name, hangsAfter] = argv;
if (program === fileURLToPath(import.meta.url) && address !== undefined) {
  await consume(kind as SharedBus, address, name ?? '', Number(hangsAfter));
}
