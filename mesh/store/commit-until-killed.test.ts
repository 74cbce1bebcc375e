// The program that the durability test kills: it commits batches one after the other and prints a line for each.

import { writeSync } from 'node:fs';
import { argv, stdout } from 'node:process';
import { machineAmbient } from '../runtime/ambient.js';
import { testCommand } from '../testing/test-context.js';
import { appending, bytesOf, suiteSchema } from './contract-suite.js';
import { openSqliteStore } from './sqlite-store.js';

const [, , path = '', from = '1'] = argv;
const store = openSqliteStore({
  path,
  service: 'test',
  schema: suiteSchema,
  clock: machineAmbient().clock,
});
for (let number = Number(from); ; number += 1) {
  await store.commit({
    ...appending(`order-${number}`, 0, 'placed', 'paid'),
    statements: [{ sql: 'INSERT INTO shelf (id, quantity) VALUES (?, ?)', values: [`${number}`, number] }],
    outbox: [{ type: 'test.Noted', key: `${number}`, data: bytesOf(`${number}`) }],
    inbox: { consumer: 'c', messageId: `m${number}` },
    command: { ...testCommand(`k${number}`), response: bytesOf(`${number}`) },
  });
  writeSync(stdout.fd, `${number}\n`);
}
