import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { machineAmbient } from '../runtime/ambient.js';
import { createIdSource } from '../runtime/id.js';
import { secretSource } from '../runtime/secret-source.js';
import { StartupError } from '../runtime/startup-error.js';
import { signingKeyOf, signToken } from '../security/token.js';
import { type Command, switchOption, textOption } from './command.js';
import { dataFolderOf, dataOption } from './data-option.js';

/** `meshmart token --operator`: a token for those who run the shop. Whoever can read the signing key may make one. */
export const token: Command = {
  name: 'token',
  summary: "Make an operator's token (restock, change prices, refund) with the shop's own signing key.",
  usage: '--operator [OPTIONS]',
  options: {
    data: dataOption,
    operator: { type: 'boolean', about: 'Say that this is what you want.' },
    minutes: { type: 'string', value: 'MINUTES', about: 'How long it holds. Default 15.' },
  },
  examples: [
    'meshmart token --operator',
    'meshmart call Restock \'{"productId": "prd_...", "quantity": 10}\' --token "$(npx meshmart token --operator)" -H idempotency-key:1',
  ],
  run: async (args, terminal) => {
    if (!switchOption(args, 'operator'))
      throw new StartupError('token makes operator tokens only', 'add --operator');
    const minutes = Number(textOption(args, 'minutes') ?? 15);
    if (!(minutes > 0 && minutes <= 1_440))
      throw new StartupError(`--minutes is '${minutes}'`, 'give minutes from 1 to 1440');
    const { environment } = terminal;
    const folder = join(resolve(dataFolderOf(args, terminal)), 'secrets');
    const path = join(folder, 'users-signing-key');
    if (!environment['MESHMART_SECRETS'] && !existsSync(path))
      throw new StartupError(`there is no signing key at ${path}`, 'start the shop once with meshmart up');
    const { clock, random } = machineAmbient();
    const key = signingKeyOf(secretSource(environment, folder, random)('users-signing-key', 32));
    const jti = createIdSource(clock, random)('jti');
    terminal.out(
      `${signToken({ subject: 'operator', kind: 'operator', scopes: ['operator'], jti }, key, clock.nowMs(), minutes * 60_000)}\n`,
    );
    return 0;
  },
};
