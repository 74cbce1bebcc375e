// The program that the durability test kills: it commits batches one after the other and prints a line for each.
import { writeSync } from 'node:fs';
import { argv, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { machineAmbient } from '../runtime/ambient.js';
import { testCommand } from '../testing/test-context.js';
import { appending, bytesOf, suiteSchema } from './contract-suite.js';
import { openLogFile } from './log-file.js';
import { openSqliteStore } from './sqlite-store.js';

async function commitUntilKilled(path: string, from: number, together: boolean): Promise<never> {
  const { clock } = machineAmbient();
  const store = openSqliteStore({
    path,
    service: 'test',
    schema: suiteSchema,
    clock,
    openLog: together ? openLogFile : undefined,
  });
  for (let number = from; ; number += 1) {
    await store.commit({
      ...appending(`order-${number}`, 0, 'placed', 'paid'),
      statements: [{ sql: 'INSERT INTO shelf (id, quantity) VALUES (?, ?)', values: [`${number}`, number] }],
      outbox: [{ type: 'test.Noted', key: `${number}`, data: bytesOf(`${number}`) }],
      inbox: { consumer: 'c', messageId: `m${number}` },
      command: { ...testCommand(`k${number}`), response: bytesOf(`${number}`) },
    });
    writeSync(stdout.fd, `${number}\n`);
  }
}

// Only as a program of its own: a run of all files named .test.ts loads it too, and must not wait for it for ever.
const [, program, path, from, synced] = argv;
if (program === fileURLToPath(import.meta.url) && path !== undefined) {
  await commitUntilKilled(path, Number(from), synced === 'together');
}
