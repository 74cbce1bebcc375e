// The program that the bus's test kills: it subscribes and prints the id of each delivery; told to, it never answers.
import { writeSync } from 'node:fs';
import { argv, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { machineAmbient } from '../runtime/ambient.js';
import { collectingLog } from '../testing/collecting-log.js';
import { openRedisStreamsBus } from './redis-streams-bus.js';

async function consume(url: string, consumer: string, hangsAfter: number): Promise<void> {
  const bus = openRedisStreamsBus({
    url,
    consumer,
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
const [, program, url, consumer, hangsAfter] = argv;
if (program === fileURLToPath(import.meta.url) && url !== undefined) {
  await consume(url, consumer ?? '', Number(hangsAfter));
}
