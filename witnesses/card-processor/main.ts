import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { hostOf, listenError, portOf, required, run } from '../program.js';
import { serve } from './http.js';
import { openLedgerFile } from './ledger-file.js';
import { createProcessor, type IdempotencyMode } from './processor.js';

const host = hostOf();

run('card-processor', {
  start: async () => {
    const port = portOf('CARD_PROCESSOR_PORT');
    const mode = process.env['CARD_PROCESSOR_IDEMPOTENCY'] || 'honour';
    if (mode !== 'honour' && mode !== 'ignore')
      throw new Error(`CARD_PROCESSOR_IDEMPOTENCY is '${mode}': use honour or ignore`);
    const keyFile = process.env['CARD_PROCESSOR_KEY_FILE'];
    const apiKey = keyFile === undefined ? undefined : readFileSync(keyFile).toString('hex');
    const file = openLedgerFile(required('CARD_PROCESSOR_LEDGER'));
    const server = serve(
      createProcessor(file, mode satisfies IdempotencyMode, () => new Date()),
      apiKey,
    );
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenError(error, 'CARD_PROCESSOR_PORT', port)));
      server.listen(port, host, resolve);
    });
    return {
      listening: { url: `http://${host}:${(server.address() as AddressInfo).port}` },
      close: async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
        file.close();
      },
    };
  },
});
