import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { machineAmbient } from '../runtime/ambient.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { testCommand } from '../testing/test-context.js';
import { suiteSchema } from './contract-suite.js';
import { openSqliteStore } from './sqlite-store.js';

const program = fileURLToPath(new URL('./commit-until-killed.test.ts', import.meta.url));

/** Runs the program, kills it after it has printed `lines` lines, and gives the last number it acknowledged. */
async function commitUntilKilled(path: string, from: number, lines: number, synced: string): Promise<number> {
  const child = spawn(process.execPath, ['--import=tsx', program, path, String(from), synced], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'close');
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk;
    if (printed.split('\n').length > lines) child.kill('SIGKILL');
  });
  const [code, signal] = (await exited) as [number | null, string | null];
  expect([code, signal]).to.deep.equal([null, 'SIGKILL']);
  // What is behind the last line end was not printed wholly.
  return Number(printed.split('\n').slice(0, -1).at(-1));
}

describe('a SQLite store whose process is killed', () => {
  for (const synced of ['one by one', 'together'])
    it(`has every acknowledged batch, and each batch wholly or not at all, commits synced ${synced}`, async function () {
      this.timeout(60_000);
      const folder = temporaryFolder();
      const path = join(folder.path, 'killed.db');
      let from = 1;
      try {
        for (const lines of [1, 40, 150]) {
          const acknowledged = await commitUntilKilled(path, from, lines, synced);
          expect(acknowledged).to.be.at.least(from + lines - 1);
          const store = openSqliteStore({
            path,
            service: 'test',
            schema: suiteSchema,
            clock: machineAmbient().clock,
          });
          const rows = await store.query({ sql: 'SELECT quantity FROM shelf ORDER BY quantity' });
          const written = rows.map((row) => Number(row['quantity']));
          expect(written.length).to.be.at.least(acknowledged);
          expect(written).to.deep.equal(Array.from({ length: written.length }, (_, index) => index + 1));
          for (const number of written) {
            expect(await store.readStream(`order-${number}`)).to.have.length(2);
            expect(await store.inboxHas('c', `m${number}`)).to.equal(true);
            expect((await store.findCommand(testCommand(`k${number}`)))?.response).to.not.equal(undefined);
          }
          const outbox = await store.unpublished(100_000);
          expect(outbox.map((message) => Number(message.key))).to.deep.equal(written);
          await store.close();
          from = written.length + 1;
        }
      } finally {
        folder.remove();
      }
    });
});
